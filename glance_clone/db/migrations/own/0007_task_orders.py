# SPDX-License-Identifier: Apache-2.0
"""Indexes for lists of tasks: every import leaves a task, so that there may be as many as images."""

from __future__ import annotations

from alembic import op

from glance_clone.db.migrations import ddl

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_INDEXES = {
    'glance_clone_tasks_created': ('tasks', 'deleted, created_at, id'),
    'glance_clone_tasks_updated': ('tasks', 'deleted, updated_at{nulls}, created_at, id'),
    'glance_clone_tasks_owner_created': ('tasks', 'owner, deleted, created_at, id'),
    'glance_clone_tasks_owner_updated': ('tasks', 'owner, deleted, updated_at{nulls}, created_at, id'),
    'glance_clone_tasks_owner_expires': ('tasks', 'owner, deleted, expires_at'),
    'glance_clone_tasks_status_created': ('tasks', 'status, deleted, created_at, id'),
}


def upgrade() -> None:
    """Create those that are not there yet."""
    connection = op.get_bind()
    nulls = ' NULLS FIRST' if connection.dialect.name == 'postgresql' else ''
    ddl.create_missing_indexes(
        connection, {name: (table, columns.format(nulls=nulls)) for name, (table, columns) in _INDEXES.items()}
    )
