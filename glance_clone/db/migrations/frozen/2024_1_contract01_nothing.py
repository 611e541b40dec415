# SPDX-License-Identifier: Apache-2.0
"""The end of the shared schema's upgrade: nothing is removed."""

from __future__ import annotations

revision = '2024_1_contract01'
down_revision = None
branch_labels = ('contract',)
depends_on = '2024_1_expand01'


def upgrade() -> None:
    """Change nothing; that the revision is recorded tells that the upgrade is complete."""
