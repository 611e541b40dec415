# SPDX-License-Identifier: Apache-2.0
"""Indexes along which lists are read, so that a page costs the same however many images there are."""

from __future__ import annotations

from alembic import op

from glance_clone.db.migrations import ddl

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

#: Table and columns by name. ``{nulls}`` puts NULL where the other databases have it by themselves: before all values;
#: ``{value}`` is the part of a text that fits into an index.
_INDEXES = {
    'glance_clone_images_owner_created': ('images', 'owner, deleted, created_at, id'),
    'glance_clone_images_owner_name': ('images', 'owner, deleted, name{nulls}, created_at, id'),
    'glance_clone_images_visibility_created': ('images', 'visibility, deleted, created_at, id'),
    'glance_clone_images_visibility_name': ('images', 'visibility, deleted, name{nulls}, created_at, id'),
    'glance_clone_images_name': ('images', 'deleted, name{nulls}, created_at, id'),
    'glance_clone_images_status_created': ('images', 'status, deleted, created_at, id'),
    'glance_clone_image_properties_name_value': ('image_properties', 'name, {value}, image_id'),
    'glance_clone_image_locations_status': ('image_locations', 'status, deleted_at'),
    'glance_clone_image_tags_value': ('image_tags', 'value, deleted, image_id'),
    'glance_clone_image_members_member': ('image_members', 'member, deleted, status, image_id'),
}
_WORDS = {
    'sqlite': {'nulls': '', 'value': 'value'},
    'mysql': {'nulls': '', 'value': 'value(64)'},
    'postgresql': {'nulls': ' NULLS FIRST', 'value': '(substr(value, 1, 64))'},
}


def upgrade() -> None:
    """Create those that are not there yet."""
    words = _WORDS[op.get_bind().dialect.name]
    ddl.create_missing_indexes(
        op.get_bind(), {name: (table, columns.format(**words)) for name, (table, columns) in _INDEXES.items()}
    )
