# SPDX-License-Identifier: Apache-2.0
"""The import plugin ``image_decompression``: puts what an archive contains in its place (W-10, P14)."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import BinaryIO

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.imports import archives
from glance_clone.imports.archives import GZIP
from glance_clone.imports.archives import LHA
from glance_clone.imports.archives import ZIP
from glance_clone.imports.confinement import Limits
from glance_clone.imports.confinement import Runner

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

_SUFFIX = 'uc'
_HEAD = 8
_UNLHA = pathlib.Path(__file__).with_name('unlha.py')
_LHA_MEMORY = 512 << 20
#: Unpacked bytes that are taken whatever the archive's size is: small disks are mostly zeros.
_FREE = 256 << 20
_UNPACKERS = {GZIP: archives.unpack_gzip, ZIP: archives.unpack_zip}
#: The container format of images that are to stay compressed.
_COMPRESSED = 'compressed'


class Decompression:
    """A step that unpacks gzip, zip and lha; see :class:`glance_clone.imports.flow.Step`.

    What is no archive stays as it is. Of archives within archives, the outer one is unpacked.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        options = conf.image_decompression
        self._ratio = options.max_ratio
        self._seconds = options.timeout
        self._largest = conf.image_size_cap
        self._runner = Runner(conf.wsgi.python_interpreter, conf.image_conversion.run_as)

    def run(self, work: Work) -> None:
        """Unpack the data.

        :raises UnsafeContent: the archive is damaged, or has not exactly one member
        :raises LimitExceeded: more comes out of it than is allowed
        """
        if work.image.container_format == _COMPRESSED:
            return
        staged = work.data
        with open(staged.path, 'rb') as file:
            kind = archives.kind_of(file.read(_HEAD))
            file.seek(0)
            if kind is None:
                return
            LOG.info('Unpacking the %s archive that was imported into image %s.', kind, work.image.id)
            most = max(staged.size * self._ratio, _FREE)
            if kind == LHA:
                self._unpack_lha(work, file, min(most, self._largest))
            else:
                work.replace(Unpacked(_UNPACKERS[kind](file), most, self._seconds), _SUFFIX)

    def undo(self, work: Work) -> None:
        """Do nothing: the end of the import removes staged data."""

    def _unpack_lha(self, work: Work, file: BinaryIO, most: int) -> None:
        """Unpack in a process of its own: the library for it is no match for hostile data."""
        if importlib.util.find_spec('lhafile') is None:
            raise errors.UnsafeContent('The data is an lha archive, and this service lacks the library that unpacks these.')
        limits = Limits(cpu=self._seconds, memory=_LHA_MEMORY, file_size=most, seconds=self._seconds)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(work.scratch(_SUFFIX), flags, 0o600)
        try:
            numbers = [file.fileno(), target]
            self._runner.run_script(
                _UNLHA, [str(number) for number in numbers], limits, numbers[:1], numbers[1:], work.require_alive
            )
            os.fsync(target)
        finally:
            os.close(target)
        work.replace_with_scratch(_SUFFIX)


class Unpacked:
    """What comes out of an archive, as a source of bytes within limits.

    :param most: bytes that may come
    :param seconds: how long it may take until the last one was read
    """

    def __init__(self, blocks: Iterator[bytes], most: int, seconds: float):
        self._blocks = blocks
        self._left = most
        self._end = time.monotonic() + seconds
        self._rest = memoryview(b'')

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises LimitExceeded: there are more than allowed, or they take too long
        """
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b''
            self._count(len(block))
            self._rest = memoryview(block)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)

    def _count(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise errors.LimitExceeded('Far more comes out of the archive than is in it; upload the image itself.')
        if time.monotonic() > self._end:
            raise errors.LimitExceeded('Unpacking the archive takes too long.')
