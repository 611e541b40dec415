# SPDX-License-Identifier: Apache-2.0
"""What is asked of an image service, and how it is measured."""

from __future__ import annotations

import dataclasses
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

#: Statuses by which a service says that it does not have something.
_MISSING = (404, 405, 501)


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

    def __enter__(self) -> Session:
        self.images = [self.create(str(number)) for number in range(PAGE * 2)]
        return self

    def __exit__(self, *error: object) -> None:
        page = self.target.call('GET', f'/v2/images?tag={self.run}&limit=1000')
        while page['images']:
            for image in page['images']:
                self.target.call('DELETE', f'/v2/images/{image["id"]}')
            page = self.target.call('GET', f'/v2/images?tag={self.run}&limit=1000')

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


#: Metadata workloads by name.
REQUESTS: dict[str, Callable[[Session], Iterator[bytes]]] = {
    'show': Session.show,
    'list': Session.page,
    'filtered': Session.filtered,
    'create': Session.creation,
    'patch': Session.patch,
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
        row.note = f'the service does not have it: {error}'
        return row
    row.figures = {name: Spread.of(values) for name, values in found.items()}
    return row


def _portions(source: Iterator[bytes], plan: Plan, count: int) -> list[list[bytes]]:
    each = max(1, count // plan.connections)
    return [[next(source) for _ in range(each)] for _ in range(plan.connections)]
