# SPDX-License-Identifier: Apache-2.0
"""Leases on unfinished work; a table of this service's own."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import BIG_ID
from glance_clone.db.models.base import own_metadata
from glance_clone.db.models.base import table

leases = table(
    'glance_clone_leases',
    sa.Column('id', BIG_ID, primary_key=True),
    sa.Column('image_id', sa.String(36), nullable=False),
    sa.Column('operation', sa.String(30), nullable=False),
    sa.Column('owner', sa.String(160), nullable=False),
    sa.Column('attempt', sa.String(36), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    # Seconds since 1970 by the clock of the database.
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.UniqueConstraint('image_id', 'operation', name='uq_glance_clone_leases_image_id_operation'),
    sa.Index('ix_glance_clone_leases_owner', 'owner'),
    sa.Index('ix_glance_clone_leases_expires_at', 'expires_at'),
    of=own_metadata,
)
