# SPDX-License-Identifier: Apache-2.0
"""``glance-cache-prefetcher``: caches what is queued on this node. Images that fail stay queued; the log tells why."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone.cmd import cache_tool


def _prefetch(conf: cfg.ConfigOpts) -> str:
    failed = bootstrap.build(conf).work_off_cache_queue()
    return f'The queue is worked off; {failed} images failed.'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    instead = 'PUT /v2/cache/{image_id}, whose images the service caches by itself'
    return cache_tool.run(argv, 'glance-cache-prefetcher', instead, _prefetch)


if __name__ == '__main__':
    sys.exit(main())
