# SPDX-License-Identifier: Apache-2.0
"""An import on one file system takes as long for 4 GiB as for 4 KiB."""

from __future__ import annotations

import time
from collections.abc import Iterator

from glance_clone.tests.functional import imports

_BLOCK = bytes(4 << 20)
_SIZE = 4 << 30
#: Seconds; to copy as much takes longer than this, and to hash it much longer.
_MOST = 3.0


class ImportSizeTest(imports.ImportTestCase):
    """The staging directory and the store are on the same file system."""

    def _seconds(self, blocks: Iterator[bytes]) -> float:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, blocks, timeout=600).status_code)
        begin = time.monotonic()
        self.assertEqual(202, self.start_import(image_id).status_code)
        self.assertEqual('active', self.wait_for_import(image_id)['status'])
        seconds = time.monotonic() - begin
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        return seconds

    def test_time_does_not_depend_on_size(self) -> None:
        small = self._seconds(iter([bytes(4096)]))
        large = self._seconds(_BLOCK for _ in range(_SIZE // len(_BLOCK)))
        self.assertLess(large, small + _MOST)
