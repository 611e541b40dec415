# SPDX-License-Identifier: Apache-2.0
"""What is asked of an image service, and how it is measured."""

from __future__ import annotations

import dataclasses
import itertools
import json
import uuid
from collections.abc import Callable
from collections.abc import Iterator

from benchmark import client
from benchmark import processes
from benchmark.client import Target
from benchmark.report import Row
from benchmark.report import Spread
from benchmark.report import quantile

_PATCH = 'application/openstack-images-v2.1-json-patch'
PAGE = 25
_MEMBERS = 10
#: Images that get tags, and how many each: fewer than the quota that is usual.
_TAGGED, _TAGS = 10, 100

#: Statuses by which a service says that it does not have something, or not for this caller.
_MISSING = (403, 404, 405, 501)


@dataclasses.dataclass(slots=True)
class Plan:
    """How much is measured.

    :ivar rounds: how often each workload is measured
    :ivar requests: of each round
    :ivar connections: clients at the same time
    :ivar size: bytes of the image that goes up and down
    """

    rounds: int = 3
    requests: int = 400
    connections: int = 4
    size: int = 1 << 30


class Session:
    """Images of its own in a service, removed at the end.

    :ivar run: a tag that all of its images have
    """

    def __init__(self, target: Target, plan: Plan):
        self.target = target
        self.plan = plan
        self.run = f'bench-{uuid.uuid4().hex[:12]}'
        self.images: list[str] = []
        self._tagged: list[str] = []
        self._has_namespace = False

    def __enter__(self) -> Session:
        # Before the others, so that no page of the newest images has them.
        self._tagged = [self.create(f'tagged-{number}') for number in range(_TAGGED)]
        self.images = [self.create(str(number)) for number in range(PAGE * 2)]
        return self

    def __exit__(self, *error: object) -> None:
        page = self.target.call('GET', f'/v2/images?tag={self.run}&limit=1000')
        while page['images']:
            for image in page['images']:
                self.target.call('DELETE', f'/v2/images/{image["id"]}')
            page = self.target.call('GET', f'/v2/images?tag={self.run}&limit=1000')
        if self._has_namespace:
            self.target.call('DELETE', f'/v2/metadefs/namespaces/{self.run}', **_ADMIN)

    def document(self, name: str) -> dict[str, object]:
        """Return an image with 8 properties and 3 tags."""
        properties = {f'property_{number}': f'value {number}' for number in range(8)}
        fixed = {'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'private'}
        return {'name': f'{self.run}-{name}', 'tags': [self.run, 'blue', 'green'], **fixed, **properties}

    def create(self, name: str) -> str:
        """Create an image and return its id."""
        return str(self.target.call('POST', '/v2/images', self.document(name))['id'])

    def show(self) -> Iterator[bytes]:
        """Show one image."""
        request = self.target.head('GET', f'/v2/images/{self.images[0]}', 0)
        while True:
            yield request

    def page(self) -> Iterator[bytes]:
        """List the first page in the default order."""
        request = self.target.head('GET', f'/v2/images?limit={PAGE}', 0)
        while True:
            yield request

    def filtered(self) -> Iterator[bytes]:
        """List by tag and property, sorted by name."""
        query = f'tag={self.run}&property_3=value+3&sort=name:asc&limit={PAGE}'
        request = self.target.head('GET', f'/v2/images?{query}', 0)
        while True:
            yield request

    def creation(self) -> Iterator[bytes]:
        """Create images."""
        body = json.dumps(self.document('new')).encode()
        request = self.target.head('POST', '/v2/images', len(body), {'Content-Type': 'application/json'}) + body
        while True:
            yield request

    def patch(self) -> Iterator[bytes]:
        """Replace the name and one property, each time of another image."""
        number = 0
        while True:
            number += 1
            operations = [
                {'op': 'replace', 'path': '/name', 'value': f'{self.run}-{number}'},
                {'op': 'replace', 'path': '/property_1', 'value': str(number)},
            ]
            body = json.dumps(operations).encode()
            path = f'/v2/images/{self.images[number % len(self.images)]}'
            yield self.target.head('PATCH', path, len(body), {'Content-Type': _PATCH}) + body

    def members(self) -> Iterator[bytes]:
        """List the ten members of an image."""
        image_id = self.target.call('POST', '/v2/images', {**self.document('shared'), 'visibility': 'shared'})['id']
        for number in range(_MEMBERS):
            self.target.call('POST', f'/v2/images/{image_id}/members', {'member': f'{self.run}-{number}'})
        request = self.target.head('GET', f'/v2/images/{image_id}/members', 0)
        while True:
            yield request

    def tag(self) -> Iterator[bytes]:
        """Put tags on images, each time on another one."""
        for number in itertools.count():
            path = f'/v2/images/{self._tagged[number % _TAGGED]}/tags/tag-{number // _TAGGED % _TAGS}'
            yield self.target.head('PUT', path, 0)

    def namespace(self) -> Iterator[bytes]:
        """Show a namespace of metadata definitions with all that is in it."""
        definitions = {f'property_{number}': {'title': str(number), 'type': 'string'} for number in range(5)}
        document = {
            'namespace': self.run,
            'properties': definitions,
            'objects': [{'name': f'object_{number}', 'properties': definitions} for number in range(3)],
            'resource_type_associations': [{'name': f'OS::Bench::{number}'} for number in range(3)],
            'tags': [{'name': f'tag_{number}'} for number in range(3)],
            'visibility': 'public',
        }
        self.target.call('POST', '/v2/metadefs/namespaces', document, **_ADMIN)
        self._has_namespace = True
        request = self.target.head('GET', f'/v2/metadefs/namespaces/{self.run}', 0)
        while True:
            yield request


#: Who may make namespaces, where identity headers are believed.
_ADMIN = {'X_Roles': 'admin,member,reader'}

#: Metadata workloads by name.
REQUESTS: dict[str, Callable[[Session], Iterator[bytes]]] = {
    'show': Session.show,
    'list': Session.page,
    'filtered': Session.filtered,
    'create': Session.creation,
    'patch': Session.patch,
    'members': Session.members,
    'tag': Session.tag,
    'namespace': Session.namespace,
}


def measure_requests(service: str, name: str, port: int, source: Iterator[bytes], plan: Plan) -> Row:
    """Measure a stream of requests: CPU of the server per request, requests per second, latencies."""
    row = Row(service, name)
    pids = processes.serving(port)
    found: dict[str, list[float]] = {'cpu ms': [], 'requests/s': [], 'p50 ms': [], 'p99 ms': []}
    try:
        client.run_many(port, _portions(source, plan, max(plan.requests // 10, plan.connections)))
        for _ in range(plan.rounds):
            before = processes.cpu_seconds(pids)
            elapsed, times = client.run_many(port, _portions(source, plan, plan.requests))
            found['cpu ms'].append((processes.cpu_seconds(pids) - before) * 1000 / len(times))
            found['requests/s'].append(len(times) / elapsed)
            found['p50 ms'].append(quantile(times, 0.5) * 1000)
            found['p99 ms'].append(quantile(times, 0.99) * 1000)
    except client.Refused as error:
        if error.status not in _MISSING:
            raise
        row.note = f'not measured: {error}'
        return row
    row.figures = {name: Spread.of(values) for name, values in found.items()}
    return row


def _portions(source: Iterator[bytes], plan: Plan, count: int) -> list[list[bytes]]:
    each = max(1, count // plan.connections)
    return [[next(source) for _ in range(each)] for _ in range(plan.connections)]
