# SPDX-License-Identifier: Apache-2.0
"""The whole shared schema, for a database that has none."""

from __future__ import annotations

from alembic import op

from glance_clone.db import models
from glance_clone.db.migrations import ddl

revision = '2024_1_expand01'
down_revision = None
branch_labels = ('expand',)
depends_on = None


def upgrade() -> None:
    """Create the tables and indexes that are missing."""
    ddl.create_missing(op.get_bind(), models.metadata.sorted_tables)
