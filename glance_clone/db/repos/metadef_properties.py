# SPDX-License-Identifier: Apache-2.0
"""Metadata definition properties on SQL."""

from __future__ import annotations

from glance_clone.db.engine import repeatable
from glance_clone.db.repos import metadef_rows
from glance_clone.db.repos.metadef_definitions import Definitions
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import Property


class MetadefPropertyRepository(Definitions[Property]):
    """See :class:`glance_clone.domain.metadef_ports.MetadefPropertyRepository`."""

    kind = metadef_rows.PROPERTIES

    @repeatable
    def list(self, namespace: Namespace) -> list[Property]:
        """Return all properties of a namespace."""
        with self._database.read() as connection:
            return self.kind.all(connection, namespace.id)
