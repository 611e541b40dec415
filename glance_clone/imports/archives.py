# SPDX-License-Identifier: Apache-2.0
"""Unpacks archives as a stream: never more of them in memory than a block, and no name in them is ever used (P14)."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from glance_clone.domain import errors

GZIP = 'gzip'
ZIP = 'zip'
LHA = 'lha'

_BLOCK = 1 << 20
#: zlib reads and checks the head and the end of gzip data.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ENCRYPTED = 0x1


def kind_of(head: bytes) -> str | None:
    """Return which archive data is, None for none.

    :param head: the first bytes, at least 5 if there are as many
    """
    if head.startswith(b'PK\x03\x04'):
        return ZIP
    if head.startswith(b'\x1f\x8b\x08'):
        return GZIP
    return LHA if head[2:5] == b'-lh' else None


def unpack_gzip(file: BinaryIO) -> Iterator[bytes]:
    """Yield what was compressed; several members one after the other are one.

    :raises UnsafeContent: the data is damaged, or goes on after its end
    """
    data = file.read(_BLOCK)
    while data:
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            data = data or file.read(_BLOCK)
            try:
                block = member.decompress(data, _BLOCK)
            except zlib.error as error:
                raise _damaged(GZIP) from error
            if not block and not data and not member.eof:
                raise _damaged(GZIP)
            data = member.unconsumed_tail
            yield block
        data = _after_padding(member.unused_data, file)


def _after_padding(data: bytes, file: BinaryIO) -> bytes:
    """Return what follows zeros, with which some tools fill up the last block of a tape."""
    while not (rest := data.lstrip(b'\0')):
        data = file.read(_BLOCK)
        if not data:
            return b''
    return rest


def unpack_zip(file: BinaryIO) -> Iterator[bytes]:
    """Yield the one member of an archive.

    :raises UnsafeContent: the archive is damaged or encrypted, has not exactly one member, or is compressed in a way that
        cannot be unpacked in little memory
    """
    try:
        with zipfile.ZipFile(_SmallReads(file)) as archive, archive.open(_only_member(archive)) as content:
            while block := content.read(_BLOCK):
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(ZIP) from error


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise errors.UnsafeContent(f'The zip archive has {len(members)} members; it must have exactly one.')
    member = members[0]
    if member.is_dir() or member.flag_bits & _ENCRYPTED:
        raise errors.UnsafeContent('The zip archive has no member that can be read.')
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise errors.UnsafeContent('The zip archive is compressed in another way than deflate; compress it anew.')
    return member


class _SmallReads(io.RawIOBase):
    """A file of which nobody reads much at once: the directory of an archive could be as large as the whole."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all.

        :raises BadZipFile: that would be more than a block
        """
        data = self._file.read(_BLOCK + 1 if size < 0 else min(size, _BLOCK + 1))
        if len(data) > _BLOCK:
            raise zipfile.BadZipFile('too large')
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Return True."""
        return True


def _damaged(kind: str) -> errors.UnsafeContent:
    return errors.UnsafeContent(f'The data begins like a {kind} archive, but is damaged.')
