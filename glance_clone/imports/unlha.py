# SPDX-License-Identifier: Apache-2.0
"""Unpacks an lha archive in a confined process (P2, P14). Run as a script, by the Python of the service.

Its arguments are the JSON object that ``jail`` takes and the descriptors of the archive and of the file to write. It loads
what it needs, confines itself, and only then looks at the archive.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pathlib
import sys
from typing import Any

#: Status with which this ends if the archive is damaged, or has not exactly one member.
BAD = 3
_DIRECTORY = b'-lhd-'


def main() -> None:
    """Unpack the archive, and end."""
    jail = _load('jail')
    try:
        import lhafile  # noqa: PLC0415 - an optional package
        import lzhlib  # noqa: PLC0415

        confinement = jail.Confinement(**json.loads(sys.argv[1]))
        archive, target = (int(text) for text in sys.argv[2:])
        jail.confine(confinement, '')
    except (ImportError, OSError, ValueError, TypeError) as error:
        _end(jail.FAILED, f'lha archives cannot be unpacked here: {error}')
    try:
        unpack(lhafile, lzhlib, archive, target)
    except Exception as error:
        _end(BAD, f'{type(error).__name__}: {error}')


def unpack(lhafile: Any, lzhlib: Any, archive: int, target: int) -> None:
    """Write the one member of an archive.

    :raises ValueError: there is not exactly one, or it is damaged
    """
    with os.fdopen(archive, 'rb') as file, os.fdopen(target, 'wb') as output:
        file.seek(0)
        members = [member for member in lhafile.LhaFile(file).infolist() if member.compress_type != _DIRECTORY]
        if len(members) != 1:
            raise ValueError(f'{len(members)} members')
        member = members[0]
        file.seek(member.file_offset)
        session = lzhlib.LZHDecodeSession(_Part(file, member.compress_size), output, member)
        while not session.do_next():
            pass
        if session.output_pos != member.file_size or session.crc16 != member.CRC:
            raise ValueError('damaged')


class _Part(io.RawIOBase):
    """So many bytes of a file."""

    def __init__(self, file: io.BufferedReader, length: int):
        self._file = file
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """Return up to size bytes, b'' at the end."""
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block


def _load(name: str) -> Any:
    """Import a module that lies beside this one, without the package around it."""
    spec = importlib.util.spec_from_file_location(name, pathlib.Path(__file__).with_name(f'{name}.py'))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _end(status: int, message: str) -> None:
    sys.stderr.write(message + '\n')
    sys.stderr.flush()
    os._exit(status)


if __name__ == '__main__':
    main()
