# SPDX-License-Identifier: Apache-2.0
"""Finds the files in an OVA, which is a tar archive of a few plain files (DSP0243), without unpacking it (P14).

Only the headers are read, a block at a time; what they say is never used as a path. Links, devices, sparse files, and
headers that are larger than any real one are refused.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from typing import Any
from typing import BinaryIO
from typing import NamedTuple

from glance_clone.domain import errors

_BLOCK = tarfile.BLOCKSIZE
#: Headers of one archive: descriptor, manifest, certificate, disk, and what tools add.
_MOST_HEADERS = 256
#: Bytes of a header that goes on in blocks of its own, for a long name for example.
_LARGEST_EXTENSION = 64 << 10
_EXTENDED = tarfile.XHDTYPE
_LONG_NAME = tarfile.GNUTYPE_LONGNAME
#: What is said for all files of an archive that it does not say for itself; nothing of it matters here.
_GLOBAL = tarfile.XGLTYPE
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
_SPARSE = 'GNU.sparse'


class Member(NamedTuple):
    """A file in an archive.

    :ivar offset: where its bytes begin in the archive
    """

    name: str
    offset: int
    size: int


def members(archive: BinaryIO) -> dict[str, Member]:
    """Return the files of an archive by their names.

    :raises UnsafeContent: it is damaged or cut off, or holds anything but plain files and directories
    """
    found: dict[str, Member] = {}
    for member in _members(archive, archive.seek(0, os.SEEK_END)):
        if member.name in found:
            raise errors.UnsafeContent(f'The OVA has two files called {shown(member.name)}.')
        found[member.name] = member
    return found


def _members(archive: BinaryIO, end: int) -> Iterator[Member]:
    position = 0
    said: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        header = _header(archive, position)
        if header is None:
            return
        is_extension = header.type in (_EXTENDED, _LONG_NAME, _GLOBAL)
        size = header.size if is_extension else _size(said, header)
        start = position + _BLOCK
        if not 0 <= size <= end - start:
            raise errors.UnsafeContent('The OVA ends in the middle of a file; send it anew.')
        position = start + -(-size // _BLOCK) * _BLOCK
        if is_extension:
            said.update(_extension(archive, header.type, start, size))
            continue
        if not header.isdir():
            _require_plain(header)
            yield Member(_name(said.get('path', header.name)), start, size)
        said = {}
    raise errors.UnsafeContent(f'The OVA has more than {_MOST_HEADERS} headers; it should hold a descriptor and a disk.')


def _header(archive: BinaryIO, position: int) -> tarfile.TarInfo | None:
    """Return what a block says of the file after it; None at the end of the archive."""
    archive.seek(position)
    block = archive.read(_BLOCK)
    if not block.strip(b'\0'):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, 'utf-8', 'surrogateescape')
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise errors.UnsafeContent('The data is no OVA, or a damaged one: it must be a tar archive.') from error


def _extension(archive: BinaryIO, kind: bytes, start: int, size: int) -> dict[str, str]:
    """Return what a header says beyond its block."""
    if kind == _GLOBAL:
        return {}
    if size > _LARGEST_EXTENSION:
        raise errors.UnsafeContent('The OVA has a header that is far too large.')
    archive.seek(start)
    content = archive.read(size)
    if kind == _LONG_NAME:
        return {'path': content.rstrip(b'\0').decode('utf-8', 'surrogateescape')}
    said = _records(content)
    if any(name.startswith(_SPARSE) for name in said):
        raise errors.UnsafeContent('The OVA holds a sparse file; pack its files whole.')
    return said


def _records(content: bytes) -> dict[str, str]:
    """Return the records of an extended header, each ``<length> <name>=<value>`` and a line feed."""
    said: dict[str, str] = {}
    while content:
        digits, _, _ = content[:10].partition(b' ')
        length = int(digits) if digits.isdigit() else 0
        name, equals, value = content[len(digits) + 1 : length].partition(b'=')
        if not equals or length > len(content) or not value.endswith(b'\n'):
            raise errors.UnsafeContent('The OVA has a damaged header.')
        said[name.decode('utf-8', 'surrogateescape')] = value[:-1].decode('utf-8', 'surrogateescape')
        content = content[length:]
    return said


def _size(said: dict[str, str], header: tarfile.TarInfo) -> int:
    text = said.get('size', '')
    if not text:
        return int(header.size)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _require_plain(header: tarfile.TarInfo) -> None:
    if header.type not in _PLAIN:
        raise errors.UnsafeContent('The OVA holds a link, a device or a sparse file; it may hold plain files only.')


def _name(text: str) -> str:
    """Return the name of a file as descriptors write it.

    :raises UnsafeContent: it leads out of where the archive would be unpacked
    """
    name = text.removeprefix('./')
    if not name or name.startswith('/') or '..' in name.split('/'):
        raise errors.UnsafeContent(f'The OVA holds a file whose name leads elsewhere: {shown(text)}.')
    return name


def shown(name: str) -> str:
    """Return a name from an archive as users may see it."""
    return ascii(name[:80])


class Part(io.RawIOBase):
    """The bytes of one file in an archive, as a source for whoever takes it; others may read in the archive meanwhile."""

    def __init__(self, archive: BinaryIO, member: Member):
        self._archive = archive
        self._position = member.offset
        self._end = member.offset + member.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file goes; return how many bytes there were."""
        self._archive.seek(self._position)
        block = self._archive.read(min(len(buffer), self._end - self._position))
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
