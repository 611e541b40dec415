# SPDX-License-Identifier: Apache-2.0
"""``glance-download``: an image of another region, found by the service catalog of the user's token.

Its data, its formats and the properties that the operator chose are taken over; its hashes are what the data must have.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.domain.store_ports import Fetcher
from glance_clone.imports.download import Download

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', re.IGNORECASE)
#: Bytes of the largest record that is read.
_LARGEST_RECORD = 1 << 20
_LONGEST_NAME = 255
_LONGEST_VALUE = 65535
#: What a record has beside custom properties.
_ATTRIBUTES = frozenset(field.name for field in dataclasses.fields(Image)) | {
    'checksum',
    'direct_url',
    'file',
    'schema',
    'self',
    'stores',
}
_MEMO = 'glance-download'


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is taken over from remote images.

    :ivar prefixes: how the names of custom properties begin
    :ivar quota: most custom properties that an image may have, negative for any number
    """

    prefixes: tuple[str, ...]
    disk_formats: Collection[str]
    container_formats: Collection[str]
    quota: int

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Choice:
        """Return the choice of a configuration."""
        formats = conf.image_format
        prefixes = tuple(conf.glance_download_properties.extra_properties)
        return cls(prefixes, formats.disk_formats, formats.container_formats, conf.image_property_quota)


class GlanceDownload:
    """A source of data; see :class:`glance_clone.imports.source.Source`."""

    def __init__(self, fetcher: Fetcher, choice: Choice):
        self._fetcher = fetcher
        self._choice = choice

    def check(self, request: ImportRequest) -> None:
        """Look at region, image and interface. Whether the catalog has these shows when the import runs.

        :raises Invalid: one is missing, or not of the right kind
        """
        _option(request, 'glance_region')
        if not _UUID.fullmatch(_option(request, 'glance_image_id')):
            raise errors.Invalid('"glance_image_id" must be the UUID of an image: this image id does not look like a UUID.')
        _interface(request)

    def open(self, work: Work) -> Download:
        """Read the remote record, take over what is wanted of it, and begin the download.

        :raises ImageServiceError: the region is not in the catalog, or its image service does not give the image
        """
        url = f'{_endpoint(work.submitter, work.request)}/v2/images/{_option(work.request, "glance_image_id")}'
        headers = {'X-Auth-Token': work.submitter.token or ''}
        record = self._record(url, headers)
        size = _require_data(record)
        work.memo[_MEMO] = _state_of(work.image)
        self._take_over(work.image, record)
        return Download(self._fetcher.open(f'{url}/file', headers, alive=work.require_alive), size, _hashes(record))

    def undo(self, work: Work) -> None:
        """Put formats and properties back."""
        state = work.memo.pop(_MEMO, None)
        if state is not None:
            work.image.disk_format, work.image.container_format, work.image.properties = _restored(work.image, state)

    def _record(self, url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
        remote = self._fetcher.open(url, {**headers, 'Accept': 'application/json'})
        try:
            text = b''
            while (block := remote.read(_LARGEST_RECORD)) and len(text) <= _LARGEST_RECORD:
                text += block
        finally:
            remote.close()
        try:
            record = json.loads(text) if len(text) <= _LARGEST_RECORD else None
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise errors.FetchError('The remote image service does not describe the image as image services do.')
        return record

    def _take_over(self, image: Image, record: Mapping[str, Any]) -> None:
        """Set formats and properties of a remote image.

        :raises FetchError: this service does not know its formats
        :raises LimitExceeded: it has too many properties
        """
        disk_format, container_format = record.get('disk_format'), record.get('container_format')
        if disk_format not in self._choice.disk_formats or container_format not in self._choice.container_formats:
            raise errors.FetchError('The remote image has formats that this service does not take.')
        image.disk_format, image.container_format = disk_format, container_format
        image.properties.update(_wanted(record, self._choice.prefixes))
        count = sum(not name.startswith(images.RESERVED_PREFIX) for name in image.properties)
        if 0 <= self._choice.quota < count:
            raise errors.LimitExceeded(f'With those of the remote image, the image would have {count} custom properties.')


def _option(request: ImportRequest, name: str) -> str:
    value = request.options.get(name)
    if not isinstance(value, str) or not value:
        raise errors.Invalid(f'The import method glance-download needs "{name}" in "method".')
    return value


def _interface(request: ImportRequest) -> str:
    interface = request.options.get('glance_service_interface', 'public')
    if not isinstance(interface, str):
        raise errors.Invalid('"glance_service_interface" must be the name of an interface, such as public or internal.')
    return interface


def _endpoint(submitter: Submitter, request: ImportRequest) -> str:
    """Return the address of the image service of a region, without a slash or version at its end."""
    region = _option(request, 'glance_region')
    for service in submitter.catalog:
        if service.get('type') != 'image':
            continue
        url = _endpoint_in(service.get('endpoints') or (), region, _interface(request))
        if url:
            return url.rstrip('/').removesuffix('/v2')
    raise errors.Invalid(
        f'The service catalog of your token has no such interface of an image service in region {region[:255]}.'
    )


def _endpoint_in(endpoints: Sequence[Mapping[str, Any]], region: str, interface: str) -> str | None:
    for endpoint in endpoints:
        url = endpoint.get(f'{interface}URL')
        if str(endpoint.get('region', '')).lower() == region.lower() and isinstance(url, str):
            return url
    return None


def _require_data(record: Mapping[str, Any]) -> int:
    """Return the size of the data of a remote image."""
    size = record.get('size')
    if record.get('status') != images.ACTIVE:
        raise errors.FetchError('The remote image is not active.')
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise errors.FetchError('The remote image service does not tell the size of the image.')
    return size


def _hashes(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes that a record names, as far as this service can compute them."""
    named = {'md5': record.get('checksum'), str(record.get('os_hash_algo')): record.get('os_hash_value')}
    return {
        algorithm: digest.lower()
        for algorithm, digest in named.items()
        if isinstance(digest, str) and digest and algorithm in hashlib.algorithms_available
    }


def _wanted(record: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in record.items()
        if name.startswith(prefixes)
        and name not in _ATTRIBUTES
        and not images.is_reserved(name)
        and len(name) <= _LONGEST_NAME
        and isinstance(value, str)
        and len(value) <= _LONGEST_VALUE
    }


#: Formats and custom properties.
_State = tuple[str | None, str | None, dict[str, str | None]]


def _state_of(image: Image) -> _State:
    return image.disk_format, image.container_format, dict(image.properties)


def _restored(image: Image, state: _State) -> _State:
    """Return an earlier state, but with the present properties of the service itself."""
    own = {name: value for name, value in image.properties.items() if name.startswith(images.RESERVED_PREFIX)}
    users = {name: value for name, value in state[2].items() if not name.startswith(images.RESERVED_PREFIX)}
    return state[0], state[1], {**users, **own}
