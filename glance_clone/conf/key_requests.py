# SPDX-License-Identifier: Apache-2.0
"""How the key manager is asked; which one it is say the options of castellan."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'key_requests'

_OPTS = [
    cfg.IntOpt(
        'timeout',
        default=5,
        min=1,
        help="""
Seconds to wait for the key manager.

It is asked for the certificate of an image with the properties ``img_signature``, ``img_signature_hash_method``,
``img_signature_key_type`` and ``img_signature_certificate_uuid`` before data for it is taken, and to delete the key of an
image whose property ``cinder_encryption_key_deletion_policy`` is ``on_image_deletion``. If it does not answer in time, the
data is refused for the moment (status 503), or the key stays.

Related options:

* ``[key_manager] backend``
* ``[barbican] auth_endpoint``
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
