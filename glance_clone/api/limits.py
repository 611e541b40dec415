# SPDX-License-Identifier: Apache-2.0
"""How much of something one image may have (P8)."""

from __future__ import annotations

from collections.abc import Collection

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.domain.image import RESERVED_PREFIX


def require_few_tags(conf: cfg.ConfigOpts, tags: Collection[str]) -> None:
    """Refuse more tags than ``image_tag_quota``.

    :raises LimitExceeded: too many
    """
    _require_few(len(tags), conf.image_tag_quota, 'tags', 'image_tag_quota')


def require_few_properties(conf: cfg.ConfigOpts, names: Collection[str]) -> None:
    """Refuse more custom properties than ``image_property_quota``; the service's own do not count.

    :raises LimitExceeded: too many
    """
    count = sum(not name.startswith(RESERVED_PREFIX) for name in names)
    _require_few(count, conf.image_property_quota, 'properties', 'image_property_quota')


def require_few_locations(conf: cfg.ConfigOpts, count: int) -> None:
    """Refuse more locations than ``image_location_quota``.

    :raises LimitExceeded: too many
    """
    _require_few(count, conf.image_location_quota, 'locations', 'image_location_quota')


def _require_few(count: int, quota: int, things: str, option: str) -> None:
    if 0 <= quota < count:
        raise errors.LimitExceeded(f'An image may have {quota} {things}, not {count} ({option}).')
