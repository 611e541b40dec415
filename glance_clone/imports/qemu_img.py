# SPDX-License-Identifier: Apache-2.0
"""The tool ``qemu-img``, confined, and always told which format it has to do with (P2)."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from glance_clone.imports.confinement import Limits
from glance_clone.imports.confinement import Runner
from glance_clone.imports.confinement import ToolFailed

_PROGRAM = 'qemu-img'
_MIB = 1 << 20
#: A look at a head takes no time; what takes longer is hostile.
_LOOK = Limits(cpu=2, memory=1 << 30, file_size=1 << 20, seconds=30)
#: Formats whose names differ from ours.
_NAMES = {'vhd': 'vpc'}


@dataclasses.dataclass(frozen=True)
class Description:
    """What the tool says of a disk.

    :ivar virtual_size: bytes of the disk inside
    :ivar subformat: which kind of vmdk it is, '' for other formats
    """

    virtual_size: int
    subformat: str


class QemuImg:
    """Looks at disks, and converts them.

    :param largest: bytes of the largest file that may come out
    """

    def __init__(self, runner: Runner, memory: int, seconds: int, largest: int):
        self._runner = runner
        self._convert = Limits(cpu=seconds, memory=memory, file_size=largest, seconds=seconds)

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> QemuImg:
        """Return the tool as it is configured.

        :raises ValueError: the user as whom it is to run does not exist
        """
        options = conf.image_conversion
        runner = Runner(conf.wsgi.python_interpreter, options.run_as)
        return cls(runner, options.max_memory * _MIB, options.timeout, conf.image_size_cap)

    def describe(self, path: str, disk_format: str) -> Description:
        """Look at the head of a disk.

        :raises ToolFailed: it is no sound disk of that format, or refers to other files
        """
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            arguments = ['info', '-f', _name(disk_format), '--output=json', '--', f'/dev/fd/{source}']
            output = self._runner.run(_PROGRAM, arguments, _LOOK, reads=[source])
        finally:
            os.close(source)
        if output.stderr:
            raise ToolFailed('The disk cannot be read without complaints.')
        return _description(_document(output.stdout), _name(disk_format))

    def convert(self, path: str, disk_format: str, target: str, target_format: str, alive: Callable[[], None]) -> None:
        """Write a disk in another format.

        :param target: path of the new file, which must not exist
        :param alive: called now and then; what it raises ends the conversion
        :raises ToolFailed: that is not possible within the limits
        """
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            new = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                formats = ['-f', _name(disk_format), '-O', _name(target_format)]
                arguments = ['convert', *formats, '--', f'/dev/fd/{source}', f'/dev/fd/{new}']
                self._runner.run(_PROGRAM, arguments, self._convert, [source], [new], alive)
                os.fsync(new)
            finally:
                os.close(new)
        finally:
            os.close(source)


def _name(disk_format: str) -> str:
    return _NAMES.get(disk_format, disk_format)


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ToolFailed('The disk cannot be described.')
    return document


def _description(document: dict[str, Any], name: str) -> Description:
    specific = document.get('format-specific') or {}
    details = specific.get('data') or {}
    if document.get('format') != name:
        raise ToolFailed('The disk has another format than its head says.')
    if any(key in document for key in ('backing-filename', 'full-backing-filename')) or details.get('data-file'):
        raise ToolFailed('The disk refers to other files.')
    return Description(int(document.get('virtual-size') or 0), str(details.get('create-type') or ''))
