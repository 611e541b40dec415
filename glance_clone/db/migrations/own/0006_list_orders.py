# SPDX-License-Identifier: Apache-2.0
"""Indexes for the other orders of lists, and for what lists are filtered by."""

from __future__ import annotations

from alembic import op

from glance_clone.db.migrations import ddl

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

#: What images of one owner, and those of one visibility, are sorted and found by; names and columns.
_KEYS = {
    'status': 'status',
    'disk_format': 'disk_format{nulls}',
    'container_format': 'container_format{nulls}',
    'size': 'size{nulls}',
    'updated': 'updated_at{nulls}',
}
_INDEXES = {
    f'glance_clone_images_{arm}_{name}': ('images', f'{arm}, deleted, {key}, created_at, id')
    for arm in ('owner', 'visibility')
    for name, key in _KEYS.items()
} | {
    'glance_clone_images_created': ('images', 'deleted, created_at, id'),
    # What waits for its data to be removed.
    'glance_clone_images_deleted_status': ('images', 'deleted, status, id'),
}
#: Takes the place of the indexes that begin with owner or visibility, where PostgreSQL must choose.
_OLD = 'glance_clone_images_status_created'
#: The indexes on owner and visibility end with the id on MySQL and MariaDB, as all do.
_BY_ID = {f'glance_clone_images_{arm}_id': ('images', f'{arm}, deleted, id') for arm in ('owner', 'visibility')}
_NULLS = {'sqlite': '', 'mysql': '', 'postgresql': ' NULLS FIRST'}


def upgrade() -> None:
    """Create those that are not there yet, and drop the one that they replace."""
    connection = op.get_bind()
    wanted = _INDEXES if connection.dialect.name == 'mysql' else {**_INDEXES, **_BY_ID}
    nulls = _NULLS[connection.dialect.name]
    ddl.create_missing_indexes(
        connection, {name: (table, columns.format(nulls=nulls)) for name, (table, columns) in wanted.items()}
    )
    ddl.drop_index(connection, _OLD, 'images')
