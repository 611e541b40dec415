# SPDX-License-Identifier: Apache-2.0
"""Reads what the descriptor of an OVA says of its disk and of the processor that it was made for (OVF, DSP0243).

The descriptor is XML of anybody. The parser declares no entities and looks nothing up, what it finds is kept only where it is
wanted, and size and depth are bounded.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from collections.abc import Mapping

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from glance_clone.domain import errors

#: Bytes of a descriptor, or of a manifest, that are read.
LARGEST = 1 << 20
#: Sections of the Common Information Model that properties are taken from: namespace to name in ``ovf-metadata.json``.
SECTIONS = {'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ProcessorAllocationSettingData': 'cim_pasd'}

_DEEPEST = 64
#: Characters of a property.
_LONGEST = 255
_WHOLE = ('', 'identity')
_MANIFEST_LINE = re.compile(r'(SHA1|SHA256|SHA384|SHA512) ?\(([^()]{1,255})\) ?= ?([0-9A-Fa-f]{40,128})')


@dataclasses.dataclass(slots=True)
class Descriptor:
    """What a descriptor says.

    :ivar disk: name of the file with the disk
    :ivar properties: custom properties of the image
    """

    disk: str
    properties: dict[str, str]


def parse(text: bytes, wanted: Mapping[str, Collection[str]]) -> Descriptor:
    """Read a descriptor.

    :param wanted: names of properties, by the sections of :data:`SECTIONS`
    :raises UnsafeContent: it is damaged, or does not have exactly one disk
    """
    reader = _Reader(wanted)
    parser = ElementTree.XMLParser(target=reader, forbid_dtd=True)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        raise errors.UnsafeContent('The descriptor of the OVA has a document type or entities, which it must not.') from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise errors.UnsafeContent('The descriptor of the OVA is no sound XML.') from error
    return Descriptor(reader.disk(), reader.properties())


def digests(manifest: bytes, name: str) -> dict[str, str]:
    """Return the hashes that a manifest has for a file: algorithm as hashlib names it to hexadecimal digest."""
    lines = manifest.decode('utf-8', 'replace').splitlines()
    found = [match.groups() for line in lines if (match := _MANIFEST_LINE.fullmatch(line.strip()))]
    return {algorithm.lower(): digest for algorithm, file, digest in found if file == name}


class _Reader:
    """Gets the elements of a descriptor one after the other, and keeps the few that matter."""

    def __init__(self, wanted: Mapping[str, Collection[str]]):
        self._wanted = wanted
        self._path: list[str] = []
        self._files: dict[str, dict[str, str]] = {}
        self._disks: list[str] = []
        self._found: dict[str, list[str]] = {}
        self._text: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Look at the beginning of an element."""
        name = _local(tag)
        parent = self._path[-1] if self._path else ''
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise errors.UnsafeContent('The descriptor of the OVA is nested far too deeply.')
        if (parent, name) == ('References', 'File'):
            described = {_local(key): value for key, value in attributes.items()}
            self._files[described.get('id', '')] = described
        elif (parent, name) == ('DiskSection', 'Disk'):
            self._disks.append({_local(key): value for key, value in attributes.items()}.get('fileRef', ''))
        self._text = [] if self._property(tag) else None

    def data(self, text: str) -> None:
        """Keep the text of a wanted element."""
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """Look at the end of an element."""
        self._path.pop()
        name = self._property(tag)
        if name and self._text is not None:
            self._keep(name, ''.join(self._text).strip())
        self._text = None

    def _property(self, tag: str) -> str:
        """Return the name of the property that an element becomes, '' for none."""
        namespace, _, name = tag.removeprefix('{').rpartition('}')
        section = SECTIONS.get(namespace, '')
        return f'{section.upper()}_{name}' if name in self._wanted.get(section, ()) else ''

    def _keep(self, name: str, value: str) -> None:
        values = self._found.setdefault(name, [])
        if value and value not in values:
            values.append(value)

    def disk(self) -> str:
        """Return the name of the file with the one disk.

        :raises UnsafeContent: there is none, or another number of disks
        """
        if len(self._disks) != 1:
            raise errors.UnsafeContent(f'The OVA has {len(self._disks)} disks; an image is made of exactly one.')
        file = self._files.get(self._disks[0], {})
        if not file.get('href'):
            raise errors.UnsafeContent('The descriptor of the OVA names no file for its disk.')
        if file.get('compression', '') not in _WHOLE or 'chunkSize' in file:
            raise errors.UnsafeContent('The disk in the OVA is compressed or in pieces; pack it as one plain file.')
        return file['href'].removeprefix('./')

    def properties(self) -> dict[str, str]:
        """Return the properties; several values of one are joined by commas.

        :raises UnsafeContent: a value that no property can have
        """
        joined = {name: ','.join(values) for name, values in self._found.items() if values}
        for name, value in joined.items():
            if len(value) > _LONGEST or max(value) > '\uffff':
                raise errors.UnsafeContent(f'The descriptor of the OVA has a value for {name} that no property can have.')
        return joined


def _local(tag: str) -> str:
    return tag.rpartition('}')[2]
