# SPDX-License-Identifier: Apache-2.0
"""Leases on unfinished work."""

from __future__ import annotations

from alembic import op

from glance_clone.db import models
from glance_clone.db.migrations import ddl

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of leases."""
    ddl.create_missing(op.get_bind(), [models.lease.leases])
