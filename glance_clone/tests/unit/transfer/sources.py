# SPDX-License-Identifier: Apache-2.0
"""Things that the tests of transfers have in common."""

from __future__ import annotations

from glance_clone.domain import errors


class Pieces:
    """A source that gives its pieces one by one, cut where the caller wants less, and may break off at the end."""

    def __init__(self, *pieces, broken=False):
        self._pieces = [piece for piece in pieces if piece]
        self._broken = broken

    def read(self, size):
        if not self._pieces:
            if self._broken:
                raise errors.ClientDisconnected('The connection ended.')
            return b''
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


class Zeros:
    """A source of so many zero bytes."""

    def __init__(self, size):
        self.left = size

    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


class Recorder:
    """A filter that keeps what it sees, and fails at a certain block or at the end."""

    def __init__(self, fail_at=None, error=None):
        self.blocks = []
        self.finished = False
        self._fail_at = fail_at
        self._error = error

    def update(self, block):
        if self._fail_at == len(self.blocks):
            raise self._error
        self.blocks.append(bytes(block))  # its memory is used again

    def finish(self):
        if self._fail_at == 'end':
            raise self._error
        self.finished = True

    @property
    def data(self):
        return b''.join(self.blocks)
