# SPDX-License-Identifier: Apache-2.0
"""Files of the catalogue: which there are, what is in them, and how they are written."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from glance_clone.db.catalogue import document
from glance_clone.db.catalogue.document import Document
from glance_clone.db.catalogue.document import DocumentError

_SUFFIX = '.json'
#: More levels of JSON than any definition needs.
_DEEPEST = 64


def find(path: str) -> list[pathlib.Path]:
    """Return the file of this name, or the JSON files of this directory in the order of their names.

    :raises OSError: there is none, or the directory cannot be read
    """
    given = pathlib.Path(path)
    if not given.is_dir():
        given.stat()
        return [given]
    return sorted(file for file in given.iterdir() if file.name.endswith(_SUFFIX) and file.is_file())


def read(path: pathlib.Path) -> Document:
    """Return what is in a file.

    :raises OSError: it cannot be read
    :raises DocumentError: it is no JSON, or no namespace
    """
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DocumentError('', f'is not valid JSON: {error}') from None
    if _depth(value) > _DEEPEST:
        raise DocumentError('', f'has more than {_DEEPEST} levels')
    return document.parse(value)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        level = [
            member
            for item in level
            if isinstance(item, dict | list)
            for member in (item.values() if isinstance(item, dict) else item)
        ]
        depth += 1
    return depth


def write(path: pathlib.Path, value: dict[str, Any]) -> None:
    """Write a document, whole or not at all, over what the file had.

    :raises OSError: it cannot be written
    """
    temporary = path.with_name(f'{path.name}.new')
    try:
        temporary.write_text(json.dumps(value, indent=4) + '\n')
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class Names:
    """Gives every exported namespace a file name of its own.

    :param prefix: what the names begin with, as it is; the name of a directory puts them there
    """

    def __init__(self, prefix: str):
        self._prefix = os.path.join(prefix, '') if os.path.isdir(prefix) else prefix
        self._used: set[str] = set()

    def prepare(self) -> None:
        """Make the directory for the files.

        :raises OSError: it cannot be made
        """
        os.makedirs(os.path.dirname(self._prefix) or '.', exist_ok=True)

    def choose(self, found: Document) -> pathlib.Path:
        """Return the file for a namespace: letters and digits of its display name, or else of its name."""
        candidates = (_plain(found.namespace['display_name'] or ''), _plain(found.name))
        stem = next((name for name in candidates if name and name.lower() not in self._used), '')
        number = 1
        while not stem or stem.lower() in self._used:
            number += 1
            stem = f'{candidates[1] or "namespace"}{number}'
        self._used.add(stem.lower())
        return pathlib.Path(f'{self._prefix}{stem}{_SUFFIX}')


def _plain(name: str) -> str:
    return ''.join(character for character in name if character.isalnum())
