# SPDX-License-Identifier: Apache-2.0
"""Tasks: how many run at once, where they work, and for how long they are remembered."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'task'
FLOW_GROUP = 'taskflow_executor'
WSGI_GROUP = 'wsgi'

_OPTS = [
    cfg.IntOpt(
        'task_time_to_live',
        default=48,
        deprecated_name='task_time_to_live',
        deprecated_group='DEFAULT',
        help='Hours for which a task is remembered after it ended.',
    ),
    cfg.StrOpt(
        'task_executor',
        default='taskflow',
        choices=['taskflow'],
        help="""
Accepted so that configurations need not be edited.

Tasks run in a pool of threads of their API process, or of green threads in the standalone
server; see ``[wsgi] task_pool_threads``.
""",
    ),
    cfg.StrOpt(
        'work_dir',
        sample_default='/work_dir',
        help="""
Absolute path of the directory in which tasks of the type ``import`` keep their data, in a
service without ``enabled_backends``.

With ``enabled_backends`` it is ``[os_glance_tasks_store] filesystem_store_datadir``. Where it
is not set, they use the staging directory, ``node_staging_uri``. It needs room for what is
downloaded, twice where disks are converted or taken out of an OVA. It must not lie
in a store or in the staging directory, and only this service may have access to it; where
everybody may write, the staging directory is used instead. What is left in it after a failure
of the service is removed; see ``[housekeeping] staging_interval``.
""",
    ),
]

_FLOW_OPTS = [
    cfg.StrOpt(
        'engine_mode',
        default='parallel',
        choices=['serial', 'parallel'],
        help="""
Accepted so that configurations need not be edited.

The steps of a task follow from each other and run one after the other. Imports into several
stores can write to these at the same time: see ``[image_import_opts] max_parallel_stores``.
""",
    ),
    cfg.IntOpt(
        'max_workers',
        default=10,
        min=1,
        help="""
Accepted so that configurations need not be edited.

How many tasks run at the same time, ``[wsgi] task_pool_threads`` says.
""",
    ),
    cfg.StrOpt(
        'conversion_format',
        choices=['qcow2', 'raw', 'vmdk'],
        sample_default='raw',
        help="""
Disk format that tasks of the type ``import`` make of all images; not set, they keep the format
that they have.

The disks are converted as the import plugin ``image_conversion`` does it, within the limits of
``[image_conversion]`` and by ``qemu-img``, which must be installed. Other imports are not
concerned; see ``[image_conversion] output_format``.
""",
    ),
]

_WSGI_OPTS = [
    cfg.StrOpt(
        'python_interpreter',
        help="""
Absolute path of a Python by which outside tools are started, with limits.

Where it is not set, the one that runs the service is used, or that of its environment under servers such as uWSGI.
""",
    ),
    cfg.IntOpt(
        'task_pool_threads',
        default=16,
        min=1,
        help='Imports and other tasks that run at the same time in one API process; more wait for their turn.',
    ),
    cfg.IntOpt(
        'task_grace_seconds',
        default=60,
        min=0,
        help="""
Seconds for which running tasks may go on after a process was told to stop.

Tasks that take longer are left to the other processes, which return their images to a state in which the import can be
asked for again.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)
    conf.register_opts(_FLOW_OPTS, group=FLOW_GROUP)
    conf.register_opts(_WSGI_OPTS, group=WSGI_GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS, FLOW_GROUP: _FLOW_OPTS, WSGI_GROUP: _WSGI_OPTS}
