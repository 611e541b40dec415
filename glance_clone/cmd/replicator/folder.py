# SPDX-License-Identifier: Apache-2.0
"""Images in a directory: ``ID`` has the record as JSON, ``ID.img`` the data."""

from __future__ import annotations

import json
import pathlib
import uuid
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from glance_clone.cmd.replicator.server import Failure

_DATA = '.img'
_UNFINISHED = '.part'


class Folder:
    """A directory of images.

    :raises ValueError: there is no such directory
    """

    def __init__(self, path: str):
        self._path = pathlib.Path(path)
        if not self._path.is_dir():
            raise ValueError(f'{path} is not a directory.')

    def ids(self) -> list[str]:
        """Return the ids of the images."""
        return sorted(file.name for file in self._path.iterdir() if _is_id(file.name))

    def has_record(self, image_id: str) -> bool:
        """Tell whether there is a record."""
        return (self._path / image_id).exists()

    def has_data(self, image_id: str) -> bool:
        """Tell whether there are data."""
        return self._data(image_id).exists()

    def record(self, image_id: str) -> dict[str, Any]:
        """Return a record.

        :raises Failure: it cannot be read
        """
        path = self._path / image_id
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise Failure(f'{path} cannot be read: {error}') from None
        if not isinstance(value, dict) or value.get('id') != image_id:
            raise Failure(f'{path} is not the record of image {image_id}.')
        return value

    def write_record(self, record: dict[str, Any]) -> None:
        """Keep a record, whole or not at all."""
        text = json.dumps(record, indent=2, sort_keys=True) + '\n'
        self._write(self._path / record['id'], [text.encode()])

    def write_data(self, image_id: str, blocks: Iterable[bytes]) -> None:
        """Keep the data of an image, all of them or none."""
        self._write(self._data(image_id), blocks)

    def blocks(self, image_id: str, size: int) -> Iterator[bytes]:
        """Return the data of an image in blocks.

        :raises Failure: they cannot be read
        """
        try:
            with open(self._data(image_id), 'rb') as file:
                while block := file.read(size):
                    yield block
        except OSError as error:
            raise Failure(f'The data cannot be read: {error}') from None

    def size(self, image_id: str) -> int:
        """Return the number of bytes of the data."""
        return self._data(image_id).stat().st_size

    def _data(self, image_id: str) -> pathlib.Path:
        return self._path / f'{image_id}{_DATA}'

    def _write(self, path: pathlib.Path, blocks: Iterable[bytes]) -> None:
        unfinished = path.with_name(path.name + _UNFINISHED)
        try:
            with open(unfinished, 'wb') as file:
                for block in blocks:
                    file.write(block)
            unfinished.replace(path)
        except OSError as error:
            raise Failure(f'{path} cannot be written: {error}') from None
        finally:
            unfinished.unlink(missing_ok=True)


def _is_id(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
