# SPDX-License-Identifier: Apache-2.0
"""What ``glance-cache-pruner``, ``-cleaner`` and ``-prefetcher`` have in common: they do one thing and end, for cron.

The files ``glance-api.conf`` and ``glance-cache.conf`` are read, the latter wins. Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone import bootstrap
from glance_clone.domain import errors

_PROGRAMS = ('glance-api', 'glance-cache')


def run(argv: Sequence[str] | None, name: str, instead: str, work: Callable[[cfg.ConfigOpts], str]) -> int:
    """Do the work of a command; return its exit code.

    :param instead: what operators should do in its place
    :param work: returns what is to be printed
    """
    conf = cfg.CONF
    logging.register_options(conf)
    conf.set_default('use_stderr', True)
    print(f'{name} is deprecated and will go; use {instead}.', file=sys.stderr)
    try:
        bootstrap.load_config(conf, sys.argv[1:] if argv is None else argv, name, _config_files())
        print(work(conf))
    except (ValueError, RuntimeError, OSError, cfg.Error, errors.ImageServiceError) as error:
        print(f'ERROR: {error}', file=sys.stderr)
        return 1
    return 0


def _config_files() -> list[str]:
    found = [path for program in _PROGRAMS for path in cfg.find_config_files(project=bootstrap.PROJECT, prog=program)]
    return list(dict.fromkeys(found))
