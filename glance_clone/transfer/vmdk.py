# SPDX-License-Identifier: Apache-2.0
"""Whether a VMDK disk has all its data in itself, as those who open it read it (P1).

A descriptor in text form names the files that data comes from. Where the header of a sparse disk stands before it, readers
need only its header, with two exceptions: they follow the descriptor where the header tells no capacity, and they look for the
name of a parent in its first sectors, however short the header says that it is.
"""

from __future__ import annotations

import struct

_SIGNATURE = b'KDMV'
_SECTOR = 512
_CAPACITY = struct.Struct('<Q')
_CAPACITY_AT = 12
#: Sectors of the descriptor in which readers look for the parent.
_SECTORS = 20
_PARENT = b'parentfilenamehint'
_KIND = b'createtype'

#: Bytes at the begin of a disk that have to be seen.
HEAD = (1 + _SECTORS) * _SECTOR


def foreign_data(head: bytes) -> str:
    """Return why opening a disk would lead to other files, '' if it would not.

    :param head: the first :data:`HEAD` bytes of it, or all
    """
    if not head.startswith(_SIGNATURE):
        return 'it only describes other files'
    if len(head) < _SECTOR or _CAPACITY.unpack_from(head, _CAPACITY_AT)[0] == 0:
        return 'its header has no capacity'
    descriptor = head[_SECTOR:].partition(b'\0')[0].lower()
    if _PARENT in descriptor:
        return 'it names a parent'
    if descriptor.count(_KIND) != 1:
        return 'its kind is ambiguous'
    return ''
