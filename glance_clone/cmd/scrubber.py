# SPDX-License-Identifier: Apache-2.0
"""``glance-scrubber``: removes the data of deleted images where delayed_delete is on, or brings an image back.

Exit codes: 0 done, 1 something could not be removed or restored, 2 wrong usage.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone import bootstrap
from glance_clone.conf import scrubber as options
from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

_NAME = 'glance-scrubber'
_PID_FILE = pathlib.Path('/var/run/glance') / f'{_NAME}.pid'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    conf = cfg.CONF
    options.register_program_opts(conf)
    logging.register_options(conf)
    conf.set_default('use_stderr', True)
    try:
        bootstrap.load_config(conf, sys.argv[1:] if argv is None else argv, _NAME)
        return _restore(conf) if conf.restore else _scrub(conf)
    except (ValueError, RuntimeError, OSError, cfg.Error, errors.ImageServiceError) as error:
        print(f'ERROR: {error}', file=sys.stderr)
        return 1


def _restore(conf: cfg.ConfigOpts) -> int:
    if conf.daemon:
        raise RuntimeError('--restore works once and cannot be joined with --daemon.')
    other = _other_scrubber()
    if other is not None:
        raise RuntimeError(f'A scrubber runs already, as process {other}; stop it before you restore an image.')
    with bootstrap.scrubbing(conf) as scrubber:
        scrubber.restore(conf.restore)
    print(f'Image {conf.restore} is back.')
    return 0


def _scrub(conf: cfg.ConfigOpts) -> int:
    if not conf.daemon:
        with bootstrap.scrubbing(conf) as scrubber:
            return 1 if scrubber.run().failures else 0
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: end.set())
    with bootstrap.scrubbing(conf) as scrubber:
        while not end.is_set():
            try:
                scrubber.run()
            except errors.ImageServiceError as error:
                LOG.critical('What there is to remove cannot be found out, trying again later: %s', error)
            end.wait(conf.wakeup_time)
    return 0


def _other_scrubber() -> int | None:
    """Return the process id of another scrubber of this machine, if there is one."""
    own = {os.getpid(), os.getppid()}
    candidates = {int(path.name) for path in pathlib.Path('/proc').glob('[0-9]*')}
    if _PID_FILE.exists() and (text := _PID_FILE.read_text().strip()).isdigit() and int(text) in candidates - own:
        return int(text)
    return next((pid for pid in sorted(candidates - own) if _is_scrubber(pid)), None)


def _is_scrubber(pid: int) -> bool:
    try:
        words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    except OSError:
        return False
    return any(os.path.basename(word) == _NAME.encode() for word in words[:2])


if __name__ == '__main__':
    sys.exit(main())
