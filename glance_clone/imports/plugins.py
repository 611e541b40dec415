# SPDX-License-Identifier: Apache-2.0
"""Loads the steps that the operator wants between the arrival of data and its way into stores.

A plugin is an entry point of :data:`NAMESPACE`: a factory that gets the parsed configuration and returns a
:class:`~glance_clone.imports.flow.Step`. Its options are registered by the factory or by ``glance_clone.conf``.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from stevedore import named

from glance_clone.imports.flow import Step

NAMESPACE = 'glance.image_import.plugins'


def load(conf: cfg.ConfigOpts) -> list[Step]:
    """Return the steps of ``[image_import_opts] image_import_plugins`` in their order.

    :raises ValueError: a name is not known, or a plugin cannot be loaded
    """
    names = conf.image_import_opts.image_import_plugins
    if not names:
        return []
    unknown: list[str] = []
    manager: Any = named.NamedExtensionManager(
        NAMESPACE,
        names=names,
        name_order=True,
        invoke_on_load=True,
        invoke_args=(conf,),
        on_load_failure_callback=_refuse,
        on_missing_entrypoints_callback=unknown.extend,
    )
    if unknown:
        raise ValueError(f'[image_import_opts] image_import_plugins has {", ".join(sorted(unknown))}: not installed.')
    return [extension.obj for extension in manager]


def _refuse(manager: Any, entry_point: Any, error: BaseException) -> None:
    raise ValueError(f'The import plugin {entry_point} cannot be loaded: {error}') from error
