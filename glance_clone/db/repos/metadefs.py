# SPDX-License-Identifier: Apache-2.0
"""All repositories of metadata definitions."""

from __future__ import annotations

from glance_clone.db.engine import Database
from glance_clone.db.repos.metadef_namespaces import NamespaceRepository
from glance_clone.db.repos.metadef_objects import MetadefObjectRepository
from glance_clone.db.repos.metadef_properties import MetadefPropertyRepository
from glance_clone.db.repos.metadef_resource_types import ResourceTypeRepository
from glance_clone.db.repos.metadef_tags import MetadefTagRepository
from glance_clone.domain.metadef_ports import Metadefs


def build_metadefs(database: Database) -> Metadefs:
    """Return the repositories on one database."""
    return Metadefs(
        namespaces=NamespaceRepository(database),
        objects=MetadefObjectRepository(database),
        properties=MetadefPropertyRepository(database),
        tags=MetadefTagRepository(database),
        resource_types=ResourceTypeRepository(database),
    )
