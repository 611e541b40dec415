# SPDX-License-Identifier: Apache-2.0
"""Options of the images API: what it shows, what it accepts, how much of it."""

from __future__ import annotations

from oslo_config import cfg

_EXPOSURE = [
    cfg.BoolOpt(
        'allow_anonymous_access',
        default=False,
        help="""
Let requests without a valid token in, as a caller without user, project and roles who can change nothing.

With the default policies such a caller can read nothing but schemas; combine with policy overrides to publish images.
""",
    ),
    cfg.StrOpt(
        'public_endpoint',
        help="""
URL under which clients reach the service, e.g. ``https://cloud.example.org/image``.

Used for the links of the version list. Without it they are built from the request, which is right unless a proxy in
front changes scheme, host or path and does not say so; see also ``[oslo_middleware] enable_proxy_headers_parsing``.
""",
    ),
    cfg.StrOpt(
        'worker_self_reference_url',
        help="""
URL under which the other API nodes reach this one, e.g. ``http://node1.example.org:9292``.

Needed where several nodes do not share their staging directory, for which it falls back to ``public_endpoint``; and by the
image cache with ``image_cache_driver = centralized_db``, which tells the nodes apart by it.
""",
    ),
    cfg.BoolOpt(
        'show_image_direct_url',
        default=False,
        help="""
Show where the data of an image lies as ``direct_url``.

Consumers with access to the same storage can then clone instead of copy. Locations are secrets in many set-ups: show
them only where the storage itself keeps users out.
""",
    ),
    cfg.BoolOpt(
        'show_multiple_locations',
        default=False,
        help="""
Show all locations of an image as ``locations``, and let those whom policy allows change them by PATCH.

Never switch this on for an API that ordinary users reach; run a second one for the consumers that need it.
""",
    ),
    cfg.ListOpt(
        'enabled_import_methods',
        item_type=cfg.types.String(quotes=True, choices=['glance-direct', 'web-download', 'copy-image', 'glance-download']),
        bounds=True,
        default=['glance-direct', 'web-download', 'copy-image'],
        help='Ways to import data that users may choose from, written as ``[method,method]``.',
    ),
    cfg.StrOpt(
        'hashing_algorithm',
        default='sha512',
        help="""
Algorithm of ``os_hash_value``, computed beside MD5 over all data that the service takes.

Any name that Python's hashlib knows. Images keep the algorithm with which they were hashed.
""",
    ),
    cfg.BoolOpt(
        'do_secure_hash',
        default=True,
        help="""
Read the data at a location that is added by ``POST /v2/images/{id}/locations``, to hash it.

If the caller names the hash that it must have, the image becomes active only when the data has it. Otherwise the image is
active at once, and its hashes follow. If this is off, a named hash is noted and not verified, and other images have none.

Related options: ``http_retries``
""",
    ),
    cfg.IntOpt(
        'http_retries',
        default=3,
        min=0,
        help='How often data at a location that cannot be read is tried again before its hashing is given up.',
    ),
]

_PROTECTIONS = [
    cfg.StrOpt(
        'property_protection_file',
        help="""
INI file that says who may create, read, update and delete which custom properties of images.

The header of each section is a Python regular expression that is searched in the name of the property; the first section
that matches decides, and a property that no section matches is nobody's. Every section has the four options ``create``,
``read``, ``update`` and ``delete``. The service does not start with a file that it cannot use. Without the option, whoever
may change an image may change all of its custom properties.

Related options: ``property_protection_rule_format``
""",
    ),
    cfg.StrOpt(
        'property_protection_rule_format',
        default='roles',
        choices=[
            ('roles', 'a list of roles, separated by commas'),
            ('policies', 'the name of one rule of the policy file'),
        ],
        help="""
What the rules in ``property_protection_file`` are. In both formats ``@`` means everybody and ``!`` nobody.
""",
    ),
]

_LIMITS = [
    cfg.IntOpt(
        'max_request_id_length',
        default=64,
        min=0,
        help='Longest ``X-OpenStack-Request-ID`` accepted from a client, in characters; longer ones are answered 431. 0: any.',
    ),
    cfg.IntOpt('limit_param_default', default=25, min=1, help='Page size of lists where the request names no ``limit``.'),
    cfg.IntOpt('api_limit_max', default=1000, min=1, help='Largest page size; a larger ``limit`` counts as this one.'),
    cfg.IntOpt(
        'image_property_quota', default=128, help='Most custom properties that one image may have; negative: any number.'
    ),
    cfg.IntOpt('image_tag_quota', default=128, help='Most tags that one image may have; negative: any number.'),
    cfg.IntOpt('image_member_quota', default=128, help='Most members that one image may have; negative: any number.'),
    cfg.IntOpt('image_location_quota', default=10, help='Most locations that one image may have; negative: any number.'),
    cfg.IntOpt(
        'image_size_cap',
        default=1 << 40,
        min=1,
        max=1 << 63,
        help='Largest image that can be uploaded, in bytes.',
    ),
    cfg.IntOpt(
        'max_json_body_size',
        default=256 * 1024,
        min=1024,
        help='Largest JSON request body of the images API, in bytes; a larger one is answered 413.',
    ),
    cfg.IntOpt(
        'max_metadef_body_size',
        default=1024 * 1024,
        min=1024,
        help='Largest JSON request body of the metadata definitions API, in bytes; a larger one is answered 413.',
    ),
    cfg.IntOpt(
        'max_list_filters',
        default=10,
        min=1,
        help='Most property and tag filters in one list request; more are answered 400.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_EXPOSURE + _PROTECTIONS + _LIMITS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _EXPOSURE + _PROTECTIONS + _LIMITS}
