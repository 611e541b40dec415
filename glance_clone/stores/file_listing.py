# SPDX-License-Identifier: Apache-2.0
"""Tells which files the directories of a file store hold; symbolic links are neither followed nor told of."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

from glance_clone.domain.location import StoredObject
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_directory import translated
from glance_clone.stores.file_writer import TEMPORARY_SUFFIX


def list_directory(directory: Directory) -> Iterator[StoredObject]:
    """Yield the regular files of a directory and those below it; their names are absolute."""
    with translated(f'Listing {directory.path}'), directory.opened() as parent:
        for above, _, names, descriptor in os.fwalk('.', dir_fd=parent, onerror=_fail):
            for name in names:
                found = _describe(descriptor, name, os.path.normpath(os.path.join(directory.path, above, name)))
                if found is not None:
                    yield found


def _describe(parent: int, name: str, path: str) -> StoredObject | None:
    try:
        state = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    temporary = name.startswith('.') and name.endswith(TEMPORARY_SUFFIX)
    blob_id = name[1:].partition('.')[0] if temporary else name
    return StoredObject(path, blob_id, state.st_size, max(time.time() - state.st_mtime, 0), temporary)


def _fail(error: OSError) -> None:
    raise error
