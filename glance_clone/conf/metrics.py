# SPDX-License-Identifier: Apache-2.0
"""Options of the metrics and of the readiness check."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'metrics'
READINESS_GROUP = 'readiness'

_OPTS = [
    cfg.BoolOpt(
        'enabled',
        default=False,
        help="""
Count requests, transfers, cache hits and imports, and show the numbers at ``/metrics`` in the format of Prometheus.

``/metrics`` needs no login; see ``token_file``.
""",
    ),
    cfg.StrOpt(
        'token_file',
        help="""
File with the token that a reader of ``/metrics`` has to send, as ``Authorization: Bearer <token>``.

Without it, whoever reaches the service can read the numbers. Prometheus reads it from a file, too
(``authorization: credentials_file``). It is read when the service starts.
""",
    ),
    cfg.StrOpt(
        'directory',
        default='/run/glance/metrics',
        help="""
Directory in which the processes of this node share their numbers; best in memory.

Each service on the node needs a directory of its own. It is created if it is not there.
""",
    ),
    cfg.IntOpt(
        'image_count_interval',
        default=60,
        min=1,
        help='Seconds for which a process remembers how many images there are, before it counts them again.',
    ),
]

_READINESS_OPTS = [
    cfg.ListOpt(
        'checks',
        default=['database', 'stores', 'staging'],
        item_type=cfg.types.String(choices=['database', 'stores', 'staging']),
        help="""
What has to work for ``/healthcheck/ready`` to answer 200.

``database``: it answers. ``stores``: each store of this service can be used. ``staging``: the staging directory can be
written and has room. Where a load balancer asks, leave ``stores`` out if a service without one of its stores is better than
none.
""",
    ),
    cfg.IntOpt('timeout', default=3, min=1, help='Seconds after which a check that has not ended counts as failed.'),
    cfg.IntOpt('interval', default=2, min=0, help='Seconds for which the result of a check is remembered.'),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)
    conf.register_opts(_READINESS_OPTS, group=READINESS_GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS, READINESS_GROUP: _READINESS_OPTS}
