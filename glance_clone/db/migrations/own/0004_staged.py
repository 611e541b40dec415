# SPDX-License-Identifier: Apache-2.0
"""What is known of staged data."""

from __future__ import annotations

from alembic import op

from glance_clone.db import models
from glance_clone.db.migrations import ddl

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of staged data."""
    ddl.create_missing(op.get_bind(), [models.staged.staged])
