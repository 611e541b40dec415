# SPDX-License-Identifier: Apache-2.0
"""Copies between open files within the kernel, as far as their file systems can; some let both share the blocks."""

from __future__ import annotations

import errno
import fcntl
import os

#: ioctl FICLONE of Linux.
_CLONE = 0x40049409
#: Bytes to ask for at once.
_PIECE = 1 << 30
#: What a system call says where its file systems cannot do this, or not between each other.
CANNOT = frozenset((errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY, errno.EMLINK, errno.EPERM))


def clone(original: int, copy: int) -> bool:
    """Let a new file share all blocks of another one; False where that cannot be."""
    try:
        fcntl.ioctl(copy, _CLONE, original)
    except OSError as error:
        if error.errno in CANNOT:
            return False
        raise
    return True


def copy_range(original: int, copy: int, size: int, start: int, target: int) -> None:
    """Copy bytes from one place to another.

    :raises OSError: it cannot be done, or the file ends before
    """
    done = 0
    while done < size:
        count = os.copy_file_range(original, copy, min(_PIECE, size - done), start + done, target + done)
        if count == 0:
            raise OSError(errno.EIO, 'the file became shorter')
        done += count


def copy_all(original: int, copy: int, size: int) -> None:
    """Copy what a file of this size has, and leave its holes out."""
    position = 0
    while position < size:
        try:
            start = os.lseek(original, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                break
            raise
        position = os.lseek(original, start, os.SEEK_HOLE)
        copy_range(original, copy, position - start, start, start)
    os.ftruncate(copy, size)
