# SPDX-License-Identifier: Apache-2.0
"""Looks at what the bytes are: of the declared format, and harmless to whoever opens them (P1, D-9).

The detectors are those of oslo.utils. They see the data in pieces of one size, from its first byte on, so that the verdict
never depends on how it was sent. It falls as soon as no detector needs more bytes, else at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils.imageutils import format_inspector

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.transfer import vmdk

LOG = logging.getLogger(__name__)

RAW = 'raw'
ISO = 'iso'
GPT = 'gpt'
VMDK = 'vmdk'
BARE = 'bare'

#: Bytes that detectors see at once; the largest text that they must see in one piece is a VMDK descriptor of 1 MiB.
_PIECE = 1 << 20
_SECTOR = 512
#: The name of the safety check of partition tables.
_MBR = 'mbr'
#: Bytes of the largest disk that anything can address, and that a record can tell of.
_LARGEST = (1 << 63) - 1
#: Kernels and ramdisks begin with code that looks like a damaged partition table.
_BOOT_FILES = ('aki', 'ari')
#: What every VMDK descriptor says somewhere, in lower case.
_DESCRIPTOR_MARK = b'createtype'


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows.

    :ivar match_required: the declared format of bare data must be the detected one
    :ivar tolerated: names of safety checks of partition tables that may fail
    """

    match_required: bool = True
    tolerated: Collection[str] = ()

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Rules:
        """Return the rules that the configuration sets."""
        group = conf.image_format
        return cls(group.require_image_format_match, tuple(group.gpt_safety_checks_nonfatal))


class Inspection:
    """A filter that refuses data which is unsafe or not what its image says.

    :ivar virtual_size: after :meth:`finish`, the bytes of the disk inside; None if unknown
    """

    def __init__(self, image: Image, rules: Rules):
        self.virtual_size: int | None = None
        self._rules = rules
        self._declared = image.disk_format or RAW
        self._bare = image.container_format == BARE
        self._detectors = [kind() for name, kind in format_inspector.ALL_FORMATS.items() if name != RAW]
        self._active = list(self._detectors)
        self._text = _Text()
        self._head = b''
        self._count = 0
        self._judged = False

    def update(self, block: bytes | memoryview) -> None:
        """Look at a block.

        :raises UnsafeContent: the data is refused
        """
        self._text.update(block)
        if len(self._head) < vmdk.HEAD:
            self._head += block[: vmdk.HEAD - len(self._head)]
        if self._active:
            for start in range(0, len(block), _PIECE):
                self._show(bytes(block[start : start + _PIECE]))
        self._count += len(block)
        if not self._judged and all(detector.complete for detector in self._active):
            self._judge()

    @property
    def settled(self) -> bool:
        """Whether the verdict cannot change any more, whatever comes."""
        has_seen_head = len(self._head) == vmdk.HEAD and not self._text.open
        return has_seen_head and all(detector.complete for detector in self._active)

    def skip(self, count: int) -> None:
        """Count bytes that need not be looked at, as the verdict is settled."""
        self._count += count

    def finish(self) -> None:
        """Give the verdict on the whole.

        :raises UnsafeContent: the data is refused
        """
        self._show_padding()
        for detector in self._detectors:
            detector.finish()
        self._judge()

    def _show(self, piece: bytes) -> None:
        for detector in list(self._active):
            self._feed(detector, piece)

    def _feed(self, detector: format_inspector.FileInspector, piece: bytes) -> None:
        """Show a piece to one detector; one that has failed or found nothing needs to see no more."""
        try:
            detector.eat_chunk(piece)
        except Exception:
            LOG.debug('The data is not %s.', detector)
            self._active.remove(detector)
        else:
            if detector.complete and not _matches(detector):
                self._active.remove(detector)

    def _show_padding(self) -> None:
        """Fill data of less than a sector up to one, as whatever opens it as a disk does."""
        if not 0 < self._count < _SECTOR:
            return
        for detector in list(self._active):
            filler = b'\n' if detector.NAME == VMDK else b'\0'
            self._feed(detector, filler * (_SECTOR - self._count))

    def _judge(self) -> None:
        self._judged = True
        found = [detector for detector in self._detectors if _matches(detector)]
        if self._text.describes_disk and not any(detector.NAME == VMDK for detector in found):
            raise errors.UnsafeContent('The data has the marks of a VMDK descriptor, but is not a sound one.')
        if self._bare:
            self._judge_disk(found)
        else:
            self._judge_content(found)

    def _judge_content(self, found: list[format_inspector.FileInspector]) -> None:
        """Judge data that is declared as something around a disk: it need not match, but must not be a dangerous disk.

        A boot signature means nothing here, since it is but two bytes.
        """
        found = [detector for detector in found if detector.NAME != GPT]
        if len(found) > 1:
            raise _ambiguous(found)
        for detector in found:
            self._require_safe(detector)

    def _judge_disk(self, found: list[format_inspector.FileInspector]) -> None:
        """Judge data that is declared as a disk; the table of cases is the contract's."""
        names = {detector.NAME for detector in found}
        if names == {ISO, GPT} and self._declared == ISO:
            found = [detector for detector in found if detector.NAME == ISO]
        for detector in found:
            self._require_safe(detector)
        if self._count < _SECTOR:
            found = []  # harmless, but too short to be a disk of that format
        if len(found) > 1:
            self._refuse_mismatch(_ambiguous(found))
        elif not found:
            self._judge_unrecognised()
        elif self._declared == RAW:
            self.virtual_size = self._count
        elif self._declared == found[0].NAME:
            self.virtual_size = _virtual_size(found[0])
        else:
            self._refuse_mismatch(_mismatch(found[0].NAME, self._declared))

    def _judge_unrecognised(self) -> None:
        if self._declared == RAW:
            self.virtual_size = self._count or None
        elif self._declared in format_inspector.ALL_FORMATS:
            self._refuse_mismatch(_mismatch(RAW, self._declared))

    def _refuse_mismatch(self, error: errors.UnsafeContent) -> None:
        if self._rules.match_required:
            raise error
        LOG.info('Taking data in spite of this, as [image_format] require_image_format_match is off: %s', error)

    def _require_safe(self, detector: format_inspector.FileInspector) -> None:
        try:
            detector.safety_check()
        except format_inspector.SafetyCheckFailed as failure:
            failed = set(failure.failures) - self._tolerated(detector)
            if failed:
                reasons = '; '.join(f'{name}: {failure.failures[name]}' for name in sorted(failed))
                raise errors.UnsafeContent(f'The data is a {detector} disk that is not safe to open ({reasons}).') from failure
        except Exception as failure:
            raise errors.UnsafeContent(f'The data begins like a {detector} disk, but is not a sound one.') from failure
        if detector.NAME == VMDK and (reason := vmdk.foreign_data(self._head)):
            raise errors.UnsafeContent(f'The data is a vmdk disk that is not safe to open ({reason}).')

    def _tolerated(self, detector: format_inspector.FileInspector) -> set[str]:
        if detector.NAME != GPT:
            return set()
        return {*self._rules.tolerated, *([_MBR] if self._declared in _BOOT_FILES else [])}


class _Text:
    """Watches whether the data can be read as a VMDK descriptor in text form, which names other files.

    :ivar open: whether it needs to see more
    """

    def __init__(self) -> None:
        self._head = b''
        self.open = True

    def update(self, block: bytes | memoryview) -> None:
        """Keep what could be text: all before the first NUL, at most 1 MiB."""
        if not self.open:
            return
        head, end, _ = (self._head + block[: _PIECE - len(self._head)]).partition(b'\0')
        self._head = head
        self.open = not end and len(head) < _PIECE

    @property
    def describes_disk(self) -> bool:
        """True if whatever reads it as a descriptor finds what every descriptor has."""
        return _DESCRIPTOR_MARK in self._head.lower()


def _matches(detector: format_inspector.FileInspector) -> bool:
    """Tell whether the data has the marks of a format; a detector that cannot say so has not found them."""
    try:
        return bool(detector.format_match)
    except Exception:
        return False


def _virtual_size(detector: format_inspector.FileInspector) -> int | None:
    try:
        size = int(detector.virtual_size) or None
    except Exception:
        LOG.info('The virtual size of a %s disk could not be read.', detector)
        return None
    if size is not None and size > _LARGEST:
        raise errors.UnsafeContent(f'The data says that it is a {detector} disk of {size} bytes; none is as large as that.')
    return size


def _ambiguous(found: list[format_inspector.FileInspector]) -> errors.UnsafeContent:
    names = ', '.join(sorted(detector.NAME for detector in found))
    return errors.UnsafeContent(f'The data has the marks of several formats at once: {names}.')


def _mismatch(found: str, declared: str) -> errors.UnsafeContent:
    return errors.UnsafeContent(
        f'The data is {found}, but the disk_format of the image is {declared}; correct the one or the other.'
    )
