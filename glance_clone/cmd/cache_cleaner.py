# SPDX-License-Identifier: Apache-2.0
"""``glance-cache-cleaner``: removes what failed fills of the cache of this node left."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone.cmd import cache_tool


def _clean(conf: cfg.ConfigOpts) -> str:
    return f'Removed {bootstrap.build_cache(conf).clean()} files.'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cache_tool.run(argv, 'glance-cache-cleaner', 'POST /v2/cache/clean', _clean)


if __name__ == '__main__':
    sys.exit(main())
