# SPDX-License-Identifier: Apache-2.0
"""Builds a file store from its group of options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from glance_clone.domain.ports import Concurrency
from glance_clone.stores.file import DEFAULT_MODE
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_timeout import Bounded
from glance_clone.stores.file_timeout import Forever
from glance_clone.stores.file_timeout import Timeout
from glance_clone.stores.staging import StagingStore


def build_store(
    group: Any, concurrency: Concurrency, store_id: str | None, description: str | None = None, weight: int = 0
) -> FileStore:
    """Build a file store and create its directories.

    :param group: the options of the store
    :raises ValueError: an option has a value that makes no sense
    """
    directories = _directories(group)
    for directory in directories:
        directory.prepare()
    return FileStore(
        store_id,
        directories,
        description=description or '',
        weight=weight,
        mode=_mode(group.filesystem_store_file_perm),
        hole=group.filesystem_store_chunk_size if group.filesystem_thin_provisioning else None,
        metadata=_metadata(group.filesystem_store_metadata_file, directories),
        properties={
            'data_dir': directories[0].path,
            'chunk_size': group.filesystem_store_chunk_size,
            'thin_provisioning': group.filesystem_thin_provisioning,
        },
        timeout=_timeout(group, concurrency),
    )


def _timeout(group: Any, concurrency: Concurrency) -> Timeout:
    """Return how long the file system is waited for."""
    if not group.filesystem_store_timeout:
        return Forever()
    return Bounded(
        group.filesystem_store_timeout,
        group.filesystem_store_thread_pool_size,
        group.filesystem_store_threadpool_threshold,
        concurrency.detach,
    )


def build_private(store_id: str, path: str) -> StagingStore:
    """Build a store of the service's own in a directory that it creates for itself alone.

    :param path: absolute
    """
    directory = Directory(path, private=True)
    directory.prepare()
    return StagingStore(store_id, directory)


def _directories(group: Any) -> list[Directory]:
    if group.filesystem_store_datadirs:
        return [_directory(text) for text in group.filesystem_store_datadirs]
    return [Directory(group.filesystem_store_datadir)]


def _directory(text: str) -> Directory:
    """Read ``path`` or ``path:priority``."""
    path, colon, priority = text.strip().rpartition(':')
    if not colon:
        return Directory(priority)
    if not path or not priority.strip().isdecimal():
        raise ValueError(f'filesystem_store_datadirs has {text!r}; write path or path:priority, a whole number.')
    return Directory(path, int(priority))


def _mode(option: int) -> int:
    """Read permissions that are written in octal digits but arrive as a decimal number; 0 means the default."""
    if option == 0:
        return DEFAULT_MODE
    try:
        mode = int(str(option), 8)
    except ValueError:
        mode = -1
    if not 0 < mode <= 0o777:
        raise ValueError(f'filesystem_store_file_perm is {option}; write octal permissions such as 640.')
    return mode


def _metadata(path: str | None, directories: Sequence[Directory]) -> dict[str, dict[str, object]]:
    """Return what the metadata file says about each directory, by its path."""
    if not path:
        return {}
    entries = _entries(path)
    found: dict[str, dict[str, object]] = {}
    for directory in directories:
        for entry in entries:
            mountpoint = Directory(str(entry['mountpoint']))
            if directory.path == mountpoint.path or mountpoint.relative(directory.path) is not None:
                found[directory.path] = entry
                break
    return found


def _entries(path: str) -> list[dict[str, object]]:
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f'filesystem_store_metadata_file {path} cannot be read: {error}') from error
    entries = content if isinstance(content, list) else [content]
    for entry in entries:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ('id', 'mountpoint')):
            raise ValueError(f'filesystem_store_metadata_file {path} must hold objects with the strings id and mountpoint.')
    return entries
