# SPDX-License-Identifier: Apache-2.0
"""What a list of images is asked for, parsed and checked."""

from __future__ import annotations

import dataclasses
from typing import Any

EQ, NEQ, IN, GT, GTE, LT, LTE = 'eq', 'neq', 'in', 'gt', 'gte', 'lt', 'lte'

#: Attributes by which lists can be sorted.
SORT_KEYS = ('name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at')


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of an image attribute.

    :ivar attribute: name of a column of images
    :ivar op: one of the constants of this module
    :ivar value: of the attribute's type; a tuple of such for IN, where an empty one matches nothing
    """

    attribute: str
    op: str
    value: Any


#: What no image meets.
NOTHING = Condition('id', IN, ())


@dataclasses.dataclass(slots=True)
class ImageQuery:
    """One page of a list of images.

    :ivar conditions: all must hold; an attribute that is NULL meets none
    :ivar properties: custom property name to value, all must be equal by code point
    :ivar tags: the image must have all of these
    :ivar visibility: None for what the caller sees by default, else one visibility or ``all``; any other matches nothing
    :ivar member_status: which memberships make a shared image appear: ``accepted``, ``pending``, ``rejected`` or ``all``
    :ivar os_hidden: list only hidden (True) or only visible (False) images
    :ivar sort: (attribute, ``asc`` or ``desc``) pairs; the repository appends ``created_at`` and ``id`` for a total order
    :ivar tie_direction: the direction of the appended ones
    :ivar marker: id of the last image of the page before, None for the first page
    :ivar limit: largest number of images to return
    """

    conditions: list[Condition] = dataclasses.field(default_factory=list)
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: list[str] = dataclasses.field(default_factory=list)
    visibility: str | None = None
    member_status: str = 'accepted'
    os_hidden: bool = False
    sort: list[tuple[str, str]] = dataclasses.field(default_factory=lambda: [('created_at', 'desc')])
    tie_direction: str = 'desc'
    marker: str | None = None
    limit: int = 25
