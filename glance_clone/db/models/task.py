# SPDX-License-Identifier: Apache-2.0
"""Tasks."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import deletion
from glance_clone.db.models.base import table
from glance_clone.db.models.base import timestamps

tasks = table(
    'tasks',
    sa.Column('id', sa.String(36), primary_key=True),
    sa.Column('type', sa.String(30), nullable=False),
    sa.Column('status', sa.String(30), nullable=False),
    sa.Column('owner', sa.String(255), nullable=False),
    sa.Column('expires_at', sa.DateTime()),
    *timestamps(),
    *deletion(),
    sa.Column('image_id', sa.String(36)),
    sa.Column('request_id', sa.String(64)),
    sa.Column('user_id', sa.String(64)),
    sa.Index('ix_tasks_deleted', 'deleted'),
    sa.Index('ix_tasks_image_id', 'image_id'),
    sa.Index('ix_tasks_owner', 'owner'),
    sa.Index('ix_tasks_status', 'status'),
    sa.Index('ix_tasks_type', 'type'),
    sa.Index('ix_tasks_updated_at', 'updated_at'),
)

task_info = table(
    'task_info',
    sa.Column('task_id', sa.String(36), sa.ForeignKey('tasks.id'), primary_key=True),
    sa.Column('input', sa.Text()),
    sa.Column('result', sa.Text()),
    sa.Column('message', sa.Text()),
)
