# SPDX-License-Identifier: Apache-2.0
"""``glance-cache-pruner``: shrinks the cache of this node to ``image_cache_max_size``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone.cmd import cache_tool


def _prune(conf: cfg.ConfigOpts) -> str:
    pruned = bootstrap.build_cache(conf).prune()
    return f'Pruned {pruned.files} images, {pruned.size} bytes.'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cache_tool.run(argv, 'glance-cache-pruner', 'POST /v2/cache/prune', _prune)


if __name__ == '__main__':
    sys.exit(main())
