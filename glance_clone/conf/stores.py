# SPDX-License-Identifier: Apache-2.0
"""Where data is kept: which stores are enabled, and how each is set up.

Without ``enabled_backends`` there is one classic store, described by ``[glance_store]``. With it there are several, each
described by a group of its own, whose name is the id of the store.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

GROUP = 'glance_store'
#: Options here apply to all stores of ``enabled_backends`` in whose own group they are not set.
SHARED_GROUP = 'backend_defaults'
#: The group under which the options of a single store stand in the sample; a real one is named like its store.
SAMPLE_GROUP = 'file'

#: Ids that begin so are kept for the service's own directories.
RESERVED_PREFIX = 'os_glance_'
#: The directory of data that waits for its import, and the one in which tasks work.
STAGING = 'os_glance_staging_store'
TASKS = 'os_glance_tasks_store'

_KINDS = (
    'file',
    'filesystem',
    'http',
    'https',
    'swift',
    'swift+http',
    'swift+https',
    'swift+config',
    'rbd',
    'cinder',
    'vsphere',
    's3',
)

_DEFAULT_GROUP_OPTS = [
    cfg.DictOpt(
        'enabled_backends',
        help="""
The stores, as ``id:type`` separated by commas, e.g. ``fast:file,cheap:file``.

Each is set up in a group named like its id, and ``[glance_store] default_backend`` names the one that is used where a
request names none. Ids that begin with ``os_glance_`` are reserved. Known types: ``file``, ``http``;
``swift``, ``s3``, ``rbd``, ``cinder`` and ``vmware`` where glance_store and what its driver needs are installed.
""",
    ),
    cfg.StrOpt(
        'node_staging_uri',
        default='file:///tmp/staging/',
        help="""
Directory for data that waits for its import, as ``file:///absolute/path``, in a service without ``enabled_backends``.

With ``enabled_backends`` it is ``[os_glance_staging_store] filesystem_store_datadir``. Only this service may have access to
it, and it must not lie in a store. Nodes that do not share it need ``worker_self_reference_url``.
""",
    ),
]

_CHOICE_OPTS = [
    cfg.StrOpt('default_backend', help='Id of the store used where a request names none; required with ``enabled_backends``.'),
    cfg.ListOpt(
        'stores',
        default=['file', 'http'],
        deprecated_for_removal=True,
        deprecated_since='Rocky',
        deprecated_reason='Use ``enabled_backends``.',
        help='Types of the stores that a service without ``enabled_backends`` has.',
    ),
    cfg.StrOpt(
        'default_store',
        default='file',
        choices=_KINDS,
        deprecated_for_removal=True,
        deprecated_since='Rocky',
        deprecated_reason='Use ``[glance_store] default_backend``.',
        help='Which of ``stores`` takes new data in a service without ``enabled_backends``.',
    ),
]

_RESERVED_HELP = {
    STAGING: """
Directory for data that waits for its import, in a service with ``enabled_backends``.

Only this service may have access to it, and it must not lie in a store. Where it is on the file system of a store, imports
into that store need not copy the data. Nodes that do not share it need ``worker_self_reference_url``.
""",
    TASKS: """
Directory in which tasks unpack and convert data, in a service with ``enabled_backends``.

Only this service may have access to it, and it must not lie in a store.
""",
}

_FILE_OPTS = [
    cfg.StrOpt(
        'filesystem_store_datadir',
        default='/var/lib/glance/images',
        help="""
Directory that the store keeps its files in.

It is created at start if it is not there. Two stores can neither share a directory nor lie one within the other.
""",
    ),
    cfg.MultiStrOpt(
        'filesystem_store_datadirs',
        deprecated_for_removal=True,
        deprecated_since='Flamingo',
        deprecated_reason='Use several stores in ``enabled_backends``.',
        help="""
Directories used instead of ``filesystem_store_datadir``, each as ``path`` or ``path:priority``.

New data goes where the priority is greatest and the space suffices.
""",
    ),
    cfg.StrOpt(
        'filesystem_store_metadata_file',
        help="""
A JSON file that tells consumers with access to the same file system what they see.

It holds one object, or a list of objects, with the strings ``id`` and ``mountpoint``. The one whose mountpoint holds the
data becomes metadata of its location.
""",
    ),
    cfg.IntOpt(
        'filesystem_store_file_perm',
        default=0,
        help='Permissions of new files, in octal digits, e.g. 644. With 0 they are 640: owner and group can read.',
    ),
    cfg.IntOpt(
        'filesystem_store_chunk_size',
        default=64 * 1024,
        min=1,
        help="""
Size in bytes of the pieces that are looked at for zeros with ``filesystem_thin_provisioning``.

Data is moved in larger blocks than this, whatever the value.
""",
    ),
    cfg.BoolOpt(
        'filesystem_thin_provisioning',
        default=False,
        help='Leave holes in files where the data is zero, so that these take no space.',
    ),
    cfg.IntOpt(
        'filesystem_store_timeout',
        default=0,
        min=0,
        help="""
Seconds that a file store waits for its file system; 0 waits as long as it takes.

It is for file systems on a network, which hang while their server is away. Then, looking for room, sizes and removals end
with 503, and a removal that was given up does not happen later. Reading is bounded by ``[downloads] open_timeout``. 30 is a
good value.
""",
    ),
    cfg.IntOpt(
        'filesystem_store_thread_pool_size',
        default=10,
        min=1,
        help="""
Threads of each file store, in each process, that may wait for its file system at once with ``filesystem_store_timeout``.

What hangs keeps its thread; where all hang, further work is refused when its time is over.
""",
    ),
    cfg.IntOpt(
        'filesystem_store_threadpool_threshold',
        default=75,
        min=0,
        max=100,
        help='Percentage of ``filesystem_store_thread_pool_size`` from which on the log warns that threads run short.',
    ),
]

_HTTP_OPTS = [
    cfg.DictOpt(
        'http_proxy_information',
        default={},
        help="""
Proxies of an http store by scheme, e.g. ``http:10.0.0.1:3128,https:10.0.0.1:3128``.

For a scheme that is not named, that of ``[fetching] proxy`` is used, if any.
""",
    ),
    cfg.StrOpt(
        'https_ca_certificates_file',
        help="""
CA certificates (PEM) that https servers of an http store must have a certificate of.

With it ``https_insecure`` does not count. Without it, those of ``[fetching] ca_file`` or of the operating system are used.
""",
    ),
    cfg.BoolOpt(
        'https_insecure',
        default=False,
        help="""
Believe https servers of an http store without a valid certificate.

Off, unlike in earlier releases of the option: whoever sits between could otherwise change images.
""",
    ),
]


def _reserved_opts(name: str) -> list[cfg.Opt]:
    return [
        cfg.StrOpt(
            'filesystem_store_datadir',
            default=f'/var/lib/glance/{name}',
            help=_RESERVED_HELP[name],
        )
    ]


_BACKEND_OPTS = [
    cfg.StrOpt('store_description', help='What users are told about the store.'),
    cfg.IntOpt('weight', default=0, help='Copies in the store of greatest weight are read first.'),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options whose groups are known before the configuration is read."""
    conf.register_opts(_DEFAULT_GROUP_OPTS)
    conf.register_opts(_CHOICE_OPTS + _FILE_OPTS + _HTTP_OPTS, group=GROUP)
    conf.register_opts(_FILE_OPTS + _HTTP_OPTS, group=SHARED_GROUP)
    for name in (STAGING, TASKS):
        conf.register_opts(_reserved_opts(name), group=name)


class StoreOptions:
    """The options of one store of ``enabled_backends``: those of its group, else those of all stores."""

    def __init__(self, conf: cfg.ConfigOpts, store_id: str):
        self._conf = conf
        self._group = store_id

    def __getattr__(self, name: str) -> Any:
        place = self._conf.get_location(name, self._group)
        is_own = place is not None and place.location.is_user_controlled
        shared = self._conf[SHARED_GROUP]
        return shared[name] if not is_own and name in shared else self._conf[self._group][name]


def register_backend_opts(conf: cfg.ConfigOpts, store_id: str) -> None:
    """Register the options of one store of ``enabled_backends``; its group is named like the store."""
    conf.register_opts(_BACKEND_OPTS + _FILE_OPTS + _HTTP_OPTS, group=store_id)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {
        None: _DEFAULT_GROUP_OPTS,
        GROUP: _CHOICE_OPTS + _FILE_OPTS + _HTTP_OPTS,
        SAMPLE_GROUP: _BACKEND_OPTS + _FILE_OPTS + _HTTP_OPTS,
        STAGING: _reserved_opts(STAGING),
        TASKS: _reserved_opts(TASKS),
    }
