# SPDX-License-Identifier: Apache-2.0
"""What unfinished work takes of the quota of a project."""

from __future__ import annotations

from alembic import op

from glance_clone.db import models
from glance_clone.db.migrations import ddl

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let leases hold reservations, and create the table that those who reserve lock."""
    leases = models.lease.leases.c
    ddl.add_missing_columns(op.get_bind(), [leases.project, leases.stored_bytes, leases.staged_bytes])
    ddl.create_missing(op.get_bind(), [models.lease.quota_locks])
