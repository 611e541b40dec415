# SPDX-License-Identifier: Apache-2.0
"""``glance-api``: the standalone server, on eventlet.

The only place that patches modules for eventlet; everything else is imported after that.
"""

from __future__ import annotations

import os
import sys
import warnings


def main() -> int:
    """Run the server; return its exit status."""
    # Names are resolved as the system does, not by eventlet's own resolver; psycopg waits where green threads can.
    os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')
    os.environ.setdefault('PSYCOPG_WAIT_FUNC', 'wait_select')

    # It speaks to authors of new programs; operators can do nothing about it.
    warnings.filterwarnings('ignore', message=r'\s*Eventlet is deprecated')

    import eventlet  # noqa: PLC0415

    eventlet.monkey_patch()

    from glance_clone.server import program  # noqa: PLC0415

    return program.main(sys.argv[1:])


if __name__ == '__main__':
    sys.exit(main())
