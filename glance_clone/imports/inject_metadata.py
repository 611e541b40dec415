# SPDX-License-Identifier: Apache-2.0
"""The import plugin ``inject_image_metadata``: sets properties of the operator with the rights of the service (W-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain.image import is_reserved

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

_MEMO = 'inject_image_metadata'


class InjectMetadata:
    """A step that adds or overwrites properties; see :class:`glance_clone.imports.flow.Step`.

    Properties of the service itself are left out, and callers with one of the ignored roles get none.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        options = conf.inject_metadata_properties
        self._ignored = frozenset(role.lower() for role in options.ignore_user_roles)
        self._properties = {name: value for name, value in options.inject.items() if not is_reserved(name)}
        reserved = sorted(set(options.inject) - set(self._properties))
        if reserved:
            LOG.warning('[inject_metadata_properties] inject names %s, which only the service sets: left out.', reserved)

    def run(self, work: Work) -> None:
        """Set the properties."""
        if self._ignored & {role.lower() for role in work.submitter.roles}:
            return
        properties = work.image.properties
        work.memo[_MEMO] = {name: properties.get(name) for name in self._properties if name in properties}
        properties.update(self._properties)
        work.save()

    def undo(self, work: Work) -> None:
        """Put back what was there before."""
        before = work.memo.pop(_MEMO, None)
        if before is None:
            return
        for name in self._properties:
            work.image.properties.pop(name, None)
        work.image.properties.update(before)
