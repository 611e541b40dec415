# SPDX-License-Identifier: Apache-2.0
"""Makes all images of one disk format (P1, P2): the import plugin ``image_conversion``, and a step of tasks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils.imageutils import format_inspector

from glance_clone.domain import errors
from glance_clone.imports import disks
from glance_clone.imports.qemu_img import Description
from glance_clone.imports.qemu_img import QemuImg

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

_VMDK = 'vmdk'
_BARE = 'bare'
_MEMO = 'image_conversion'


class Conversion:
    """A step that converts staged data; see :class:`glance_clone.imports.flow.Step`.

    The data is inspected before the tool opens it, and what comes out is inspected again, so that nothing hides inside.

    :param output_format: what to make of images, None for what the plugin is to make of them
    """

    def __init__(self, conf: cfg.ConfigOpts, output_format: str | None = None):
        self._format: str = output_format or conf.image_conversion.output_format
        self._tolerated = frozenset(conf.image_format.gpt_safety_checks_nonfatal)
        self._subformats = frozenset(conf.image_format.vmdk_allowed_types)
        self._tool = QemuImg.of(conf)

    def run(self, work: Work) -> None:
        """Convert the data, unless it is an iso or has the format already.

        :raises UnsafeContent: it is not what the image declares, could harm, or cannot be converted
        """
        image, path = work.image, work.data.path
        declared = image.disk_format or ''
        if self._inspect(path, declared) == disks.ISO:
            return
        disk = self._tool.describe(path, declared)
        self._require_known(declared, disk)
        if declared != self._format:
            self._convert(work, declared)
        image.virtual_size = disk.virtual_size

    def undo(self, work: Work) -> None:
        """Put the formats back, and remove the new file."""
        formats = work.memo.pop(_MEMO, None)
        if formats is None:
            return
        work.image.disk_format, work.image.container_format = formats
        try:
            os.unlink(work.scratch(self._format))
        except FileNotFoundError:
            LOG.debug('The conversion of image %s left no file.', work.image.id)

    def _convert(self, work: Work, declared: str) -> None:
        image, target = work.image, work.scratch(self._format)
        work.memo[_MEMO] = image.disk_format, image.container_format
        LOG.info('Converting image %s from %s to %s.', image.id, declared, self._format)
        self._tool.convert(work.data.path, declared, target, self._format, work.require_alive)
        self._inspect(target, self._format)
        work.replace_with_scratch(self._format)
        image.disk_format, image.container_format = self._format, _BARE
        work.save()

    def _inspect(self, path: str, declared: str) -> str:
        """Return the detected format, which is the declared one.

        :raises UnsafeContent: it is another one, or several, or is not safe to open
        """
        found = disks.detect(path)
        self._require_safe(found)
        name = disks.name_of(found)
        if name != declared:
            raise errors.UnsafeContent(f'The data is {name}, but the disk_format of the image is {declared}.')
        return name

    def _require_safe(self, found: format_inspector.FileInspector) -> None:
        try:
            found.safety_check()
        except format_inspector.SafetyCheckFailed as failure:
            failed = set(failure.failures) - (self._tolerated if found.NAME == disks.GPT else frozenset())
            if failed:
                raise errors.UnsafeContent(f'The data is a {found} disk that is not safe to open.') from failure
        except Exception as failure:
            raise errors.UnsafeContent(f'The data begins like a {found} disk, but is not a sound one.') from failure

    def _require_known(self, declared: str, disk: Description) -> None:
        if declared == _VMDK and disk.subformat not in self._subformats:
            raise errors.UnsafeContent('The data is a vmdk disk of a kind that this service does not convert.')
