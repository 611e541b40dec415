# SPDX-License-Identifier: Apache-2.0
"""What is known of staged data; a table of this service's own. A row is there only for data that is complete."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import own_metadata
from glance_clone.db.models.base import table

staged = table(
    'glance_clone_staged',
    sa.Column('image_id', sa.String(36), primary_key=True),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('attempt', sa.String(36), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('checksum', sa.String(32)),
    sa.Column('os_hash_algo', sa.String(64)),
    sa.Column('os_hash_value', sa.String(128)),
    # Seconds since 1970 by the clock of the database.
    sa.Column('staged_at', sa.BigInteger(), nullable=False),
    of=own_metadata,
)
