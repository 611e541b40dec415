# SPDX-License-Identifier: Apache-2.0
"""The step of tasks that takes the disk out of an OVA, for administrators (P14).

The disk becomes the data of the image; what the descriptor says of the processor becomes properties, as far as the file
``ovf-metadata.json`` names it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import BinaryIO

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.imports import disks
from glance_clone.imports import ova_archive
from glance_clone.imports import ovf
from glance_clone.imports.ova_archive import Member

if TYPE_CHECKING:
    from glance_clone.domain.image import Image
    from glance_clone.domain.importing import Submitter
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

#: Looked for beside the configuration files.
METADATA_FILE = 'ovf-metadata.json'
OVA, _BARE = 'ova', 'bare'
_SUFFIX = 'disk'
_DESCRIPTOR, _MANIFEST = '.ovf', '.mf'


class OvaExtraction:
    """Puts the disk of an OVA in its place; see :class:`glance_clone.imports.flow.Step`."""

    def __init__(self, conf: cfg.ConfigOpts):
        self._wanted = load_wanted(conf)
        self._disk_formats = frozenset(conf.image_format.disk_formats)

    def run(self, work: Work) -> None:
        """Take the disk out, if the image is an OVA.

        :raises Forbidden: whoever asked is no administrator
        :raises UnsafeContent: it is damaged, holds what it must not, or does not have exactly one disk
        :raises HashMismatch: the disk is not the one that its manifest names
        """
        if work.image.container_format != OVA:
            return
        require_admin(work.image, work.submitter)
        with open(work.data.path, 'rb') as file:
            members = ova_archive.members(file)
            descriptor = ovf.parse(_read(file, _descriptor(members)), self._wanted)
            disk = members.get(descriptor.disk)
            if disk is None:
                raise errors.UnsafeContent(f'The OVA lacks its disk, the file {ova_archive.shown(descriptor.disk)}.')
            LOG.info('Taking a disk of %d bytes out of the OVA that was imported into image %s.', disk.size, work.image.id)
            work.replace(ova_archive.Part(file, disk), _SUFFIX, disk.size, _expected(file, members, disk.name))
        self._describe(work.image, work.data.path)
        work.image.properties.update(descriptor.properties)
        work.save()

    def undo(self, work: Work) -> None:
        """Do nothing: a task that fails removes the image that it made, and all of its files."""

    def _describe(self, image: Image, path: str) -> None:
        """Note what the disk is; whoever asked could only tell what is around it."""
        image.container_format = _BARE
        found = disks.name_of(disks.detect(path))
        if found != disks.RAW and found in self._disk_formats:
            image.disk_format = found


def require_admin(image: Image, submitter: Submitter) -> None:
    """Refuse an OVA of anybody but an administrator.

    :raises Forbidden: so it is
    """
    if image.container_format == OVA and not submitter.is_admin:
        raise errors.Forbidden('Only administrators may import an OVA by a task; import the disk in it instead.')


def load_wanted(conf: cfg.ConfigOpts) -> Mapping[str, Collection[str]]:
    """Return the names of the properties that descriptors give to images, by section; none where no file names any.

    :raises ValueError: there is a file, but it cannot be used
    """
    path = conf.find_file(METADATA_FILE)
    if path is None:
        LOG.debug('There is no file %s: images get no properties from the descriptors of OVAs.', METADATA_FILE)
        return {}
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f'{path} cannot be read: {error}') from error
    if not isinstance(content, dict) or not all(map(_is_list_of_names, content.values())):
        raise ValueError(f'{path} must be an object of lists of names, such as {{"cim_pasd": ["InstructionSet"]}}.')
    unknown = sorted(set(content) - set(ovf.SECTIONS.values()))
    if unknown:
        LOG.warning('%s has %s: not known, and left out.', path, ', '.join(unknown))
    return {section: frozenset(names) for section, names in content.items()}


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _descriptor(members: Mapping[str, Member]) -> Member:
    found = [member for name, member in members.items() if name.lower().endswith(_DESCRIPTOR)]
    if len(found) != 1:
        raise errors.UnsafeContent(f'The OVA has {len(found)} descriptors; it must have exactly one file *.ovf.')
    return found[0]


def _expected(file: BinaryIO, members: Mapping[str, Member], name: str) -> dict[str, str]:
    """Return the hashes that the disk must have, if the OVA has a manifest."""
    manifest = next((member for other, member in members.items() if other.lower().endswith(_MANIFEST)), None)
    return ovf.digests(_read(file, manifest), name) if manifest else {}


def _read(file: BinaryIO, member: Member) -> bytes:
    if member.size > ovf.LARGEST:
        raise errors.UnsafeContent(f'The OVA has a file {ova_archive.shown(member.name)} that is far too large.')
    file.seek(member.offset)
    return file.read(member.size)
