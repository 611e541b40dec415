# SPDX-License-Identifier: Apache-2.0
"""The ids of purged images."""

from __future__ import annotations

from alembic import op

from glance_clone.db import models
from glance_clone.db.migrations import ddl

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of tombstones."""
    ddl.create_missing(op.get_bind(), [models.tombstone.tombstones])
