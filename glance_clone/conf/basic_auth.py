# SPDX-License-Identifier: Apache-2.0
"""Options of HTTP basic authentication, the paste flavor ``standalone`` (D-3).

The file of password hashes is named by oslo.middleware's own option ``[oslo_middleware] http_basic_auth_user_file``.
"""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'basic_auth'

_OPTS = [
    cfg.StrOpt(
        'users_file',
        default='/etc/glance/users.yaml',
        help="""
YAML file that gives every user of HTTP basic authentication a project and roles.

::

    alice:
      project: demo
      roles: [member]

``project`` is the project id that owns the user's images. A role brings those that it implies: ``admin``, ``manager``,
``member``, ``reader``, each the ones after it. The file must not be open to other users of the machine. It is read when
the service starts. Passwords stand apart, in the file that ``[oslo_middleware] http_basic_auth_user_file`` names.
""",
    ),
    cfg.StrOpt('realm', default='glance', regex=r'^[\w .:/-]+$', help="Name of the service in a browser's password dialogue."),
    cfg.IntOpt(
        'remember_seconds',
        default=60,
        min=0,
        help="""
Seconds for which a password that was found right is believed without hashing it again; 0: hash on every request.

Hashing takes a large part of a second by design. A change of the password file counts at once, whatever this is.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
