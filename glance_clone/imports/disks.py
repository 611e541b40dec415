# SPDX-License-Identifier: Apache-2.0
"""Tells what kind of disk a file is, by its bytes alone."""

from __future__ import annotations

import contextlib

from oslo_utils.imageutils import format_inspector

from glance_clone.domain import errors

RAW, ISO, GPT = 'raw', 'iso', 'gpt'
_BLOCK = 1 << 16


def detect(path: str) -> format_inspector.FileInspector:
    """Return what the data of a file looks like; an iso from which disks can boot too is an iso.

    :raises UnsafeContent: it looks like several things
    """
    try:
        with open(path, 'rb') as file, contextlib.closing(format_inspector.InspectWrapper(file)) as wrapper:
            while not wrapper.formats and wrapper.read(_BLOCK):
                pass
        found = {str(each.NAME): each for each in wrapper.formats or ()}
    except Exception as error:
        raise errors.UnsafeContent('The data looks like a damaged disk.') from error
    if found.keys() == {ISO, GPT}:
        del found[GPT]
    if len(found) != 1:
        raise errors.UnsafeContent(f'The data has the marks of several formats at once: {", ".join(sorted(found))}.')
    return found.popitem()[1]


def name_of(found: format_inspector.FileInspector) -> str:
    """Return the disk format of what was detected: partitioned disks are raw ones."""
    return RAW if found.NAME == GPT else str(found.NAME)
