# SPDX-License-Identifier: Apache-2.0
"""The drivers of glance_store: their options under the names that operators know, and how one is loaded.

glance_store is imported only where a store asks for one of its drivers. Its own set-up functions are not used: they change
the configuration that they are given.
"""

from __future__ import annotations

import importlib
import logging
import re
from typing import Any

from oslo_config import cfg

from glance_clone.conf.stores import SHARED_GROUP

LOG = logging.getLogger(__name__)

#: Types of stores in ``enabled_backends``, and what is missing where their driver cannot be used.
DRIVERS = {
    'swift': ('glance_store._drivers.swift', 'swift'),
    's3': ('glance_store._drivers.s3', 's3'),
    'rbd': ('glance_store._drivers.rbd', 'rbd'),
    'cinder': ('glance_store._drivers.cinder', 'cinder'),
    'vmware': ('glance_store._drivers.vmware_datastore', 'vmware'),
}
#: Other names for them in ``[glance_store] default_store`` and ``stores``.
ALIASES = {'swift+http': 'swift', 'swift+https': 'swift', 'swift+config': 'swift', 'vsphere': 'vmware'}

_CREDENTIALS = re.compile(r'(?<=://)[^/\s]+@')
#: Loggers of client libraries that write tokens and signatures at DEBUG.
_TALKATIVE = ('boto3', 'botocore', 's3transfer', 'swiftclient', 'urllib3', 'keystoneauth')


def kind_of(name: str) -> str | None:
    """Return the type of store that a name means, None if no driver of glance_store has it."""
    kind = ALIASES.get(name, name)
    return kind if kind in DRIVERS else None


def library(name: str) -> Any:
    """Return a module of glance_store."""
    return importlib.import_module(f'glance_store.{name}')


def load(conf: cfg.ConfigOpts, kind: str, store_id: str | None) -> Any:
    """Return a configured driver, with its options registered.

    A store that is away gives a driver that cannot write.

    :param store_id: None for the one classic store, whose options are in ``[glance_store]``
    :raises ValueError: the driver, or what it needs, is not installed; or its configuration makes no sense
    """
    module = register(conf, kind, store_id)
    exceptions = library('exceptions')
    try:
        driver = module.Store(conf, backend=store_id)
        driver.configure(re_raise_bsc=False)
    except exceptions.BadStoreConfiguration as error:
        raise ValueError(f'The store {store_id or kind} cannot be set up: {masked(str(error))}') from None
    except exceptions.BackendException as error:
        LOG.error('The store %s cannot be reached now, and takes no data: %s', store_id or kind, masked(str(error)))
        driver.unset_capabilities(library('capabilities').BitMasks.WRITE_ACCESS)
    _silence()
    return driver


def register(conf: cfg.ConfigOpts, kind: str, store_id: str | None) -> Any:
    """Register the options of a driver, and return its module; raises as :func:`load` does."""
    module = _import(kind)
    _register(conf, module.Store.OPTIONS, store_id)
    return module


def _import(kind: str) -> Any:
    name, extra = DRIVERS[kind]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(
            f'Stores of the type {kind} need what is not installed here ({error}): pip install glance-clone[{extra}]'
        ) from None


def _register(conf: cfg.ConfigOpts, opts: list[cfg.Opt], store_id: str | None) -> None:
    """Register the options of a driver for its store, and for all stores, each once."""
    for group in (store_id or 'glance_store', SHARED_GROUP):
        for opt in opts:
            try:
                conf.register_opt(opt, group=group)
            except cfg.DuplicateOptError:
                continue


def masked(text: str) -> str:
    """Return text without the user and password of any URL in it (P12)."""
    return _CREDENTIALS.sub('***@', text)


def _silence() -> None:
    """Keep credentials out of what the libraries log."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith('glance_store') and isinstance(logger, logging.Logger):
            logger.addFilter(_mask_record)
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET or logger.level < logging.INFO:
            logger.setLevel(logging.INFO)


def _mask_record(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    clean = masked(message)
    if clean != message:
        record.msg, record.args = clean, ()
    return True
