# SPDX-License-Identifier: Apache-2.0
"""What of an image is replicated, what makes two images differ, and what makes them equal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

Image = dict[str, Any]

#: What a server gives an image by itself.
_OF_SERVER = frozenset(
    ('created_at', 'updated_at', 'self', 'file', 'schema', 'direct_url', 'locations', 'stores', 'virtual_size', 'os_hash_algo')
)
#: What the data decide.
_OF_DATA = ('status', 'size', 'checksum', 'os_hash_value')
#: They can be changed only as long as there is no data.
_FORMATS = ('disk_format', 'container_format')
#: Attributes that every image has; others are properties of users, and can be removed.
_BASE = frozenset(
    ('id', 'name', 'visibility', 'protected', 'os_hidden', 'owner', 'min_disk', 'min_ram', 'tags', *_FORMATS),
)
_RESERVED = 'os_glance'


class Fields:
    """The choice of attributes.

    :param left_out: names that are neither replicated nor compared
    """

    def __init__(self, left_out: Collection[str]):
        self._left_out = _OF_SERVER | set(left_out) - {'id'}

    def record(self, image: Image) -> Image:
        """Return what of an image is written to another server."""
        return {name: value for name, value in self._compared(image).items() if name not in _OF_DATA}

    def _compared(self, image: Image) -> Image:
        kept = {name: value for name, value in image.items() if name not in self._left_out and not name.startswith(_RESERVED)}
        if 'tags' in kept:
            kept['tags'] = sorted(kept['tags'])
        return kept

    def differences(self, one: Image, other: Image) -> list[str]:
        """Return the names of what two images differ in, data included."""
        left, right = self._compared(one), self._compared(other)
        if one.get('os_hash_algo') != other.get('os_hash_algo'):
            # Hashes of two kinds tell nothing; the checksum remains.
            left.pop('os_hash_value', None)
            right.pop('os_hash_value', None)
        return sorted(name for name in {*left, *right} if left.get(name) != right.get(name))

    def patch(self, image: Image, wanted: Image) -> list[Image]:
        """Return the JSON patch that makes an image what a record says; empty if it is that already."""
        present, record = self.record(image), self.record(wanted)
        if image['status'] != 'queued':
            for name in _FORMATS:
                record.pop(name, None)
        operations = []
        for name in sorted(record):
            if name not in present or present[name] != record[name]:
                kind = 'replace' if name in present else 'add'
                operations.append({'op': kind, 'path': _pointer(name), 'value': record[name]})
        for name in sorted(set(present) - set(record) - _BASE):
            operations.append({'op': 'remove', 'path': _pointer(name)})
        return operations


def _pointer(name: str) -> str:
    return '/' + name.replace('~', '~0').replace('/', '~1')
