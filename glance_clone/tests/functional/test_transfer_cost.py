# SPDX-License-Identifier: Apache-2.0
"""What transfers cost, in figures that do not depend on how busy the machine is: memory of the workers."""

from __future__ import annotations

import http.client
import pathlib
from collections.abc import Iterator

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional.base import ServiceTestCase

_MIB = 1 << 20
_SIZE = 256 * _MIB
#: Bytes by which a worker may grow while it takes or gives data, however large that is.
_MOST = 64 * _MIB


class UwsgiTest(ServiceTestCase):
    launcher = service.UWSGI

    def _memory(self, name: str) -> dict[int, int]:
        """Return a figure of the memory of each worker, in bytes."""
        found = {}
        for pid in self.service.workers():
            lines = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
            found[pid] = next(int(line.split()[1]) for line in lines if line.startswith(f'{name}:')) * 1024
        return found

    def _forget_peaks(self) -> dict[int, int]:
        for pid in self.service.workers():
            pathlib.Path(f'/proc/{pid}/clear_refs').write_text('5')
        return self._memory('VmRSS')

    def _require_little_growth(self, before: dict[int, int]) -> None:
        peaks = self._memory('VmHWM')
        self.assertEqual(before.keys(), peaks.keys())
        grown = {pid: peaks[pid] - before[pid] for pid in peaks}
        self.assertLess(max(grown.values()), _MOST, grown)

    def _call(self, method: str, path: str, blocks: Iterator[bytes] | None = None, **headers: str) -> int:
        """Send a request and return how many bytes the answer has."""
        connection = http.client.HTTPConnection('127.0.0.1', self.service.port, timeout=120)
        sent = {**self.personas.headers('alice'), **{name.replace('_', '-'): value for name, value in headers.items()}}
        connection.request(method, path, blocks, sent)
        response, count = connection.getresponse(), 0
        while piece := response.read(_MIB):
            count += len(piece)
        connection.close()
        self.assertIn(response.status, (200, 204, 206))
        return count

    def test_memory_does_not_grow_with_the_size_of_the_data(self) -> None:
        image_id = self.create()
        path = f'/v2/images/{image_id}/file'
        before = self._forget_peaks()
        blocks = (bytes(_MIB) for _ in range(_SIZE // _MIB))
        self._call('PUT', path, blocks, Content_Type='application/octet-stream', Content_Length=str(_SIZE))
        self._require_little_growth(before)
        before = self._forget_peaks()
        self.assertEqual(_SIZE, self._call('GET', path))
        self.assertEqual(_SIZE - 5, self._call('GET', path, Range='bytes=5-'))
        self._require_little_growth(before)


class StandaloneTest(UwsgiTest):
    launcher = service.STANDALONE
