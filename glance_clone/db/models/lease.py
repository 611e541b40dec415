# SPDX-License-Identifier: Apache-2.0
"""Leases on unfinished work, and what that work takes of the quota of a project; tables of this service's own.

What is reserved stands in the lease itself, so that it ends with the lease: when the work is done or undone, or when
somebody takes over the work of a dead worker and undoes it.
"""

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
    # The project that is charged; NULL while nothing is reserved, and always where nothing is limited.
    sa.Column('project', sa.String(255)),
    # Bytes that the work may still put into stores and into the staging area, beyond what records tell already.
    sa.Column('stored_bytes', sa.BigInteger(), nullable=False, server_default='0'),
    sa.Column('staged_bytes', sa.BigInteger(), nullable=False, server_default='0'),
    sa.UniqueConstraint('image_id', 'operation', name='uq_glance_clone_leases_image_id_operation'),
    sa.Index('ix_glance_clone_leases_owner', 'owner'),
    sa.Index('ix_glance_clone_leases_expires_at', 'expires_at'),
    of=own_metadata,
)

#: One row for each project that ever reserved something; whoever reserves locks it, so that one at a time does.
quota_locks = table(
    'glance_clone_quota_locks',
    sa.Column('project', sa.String(255), primary_key=True),
    sa.Column('turns', sa.BigInteger(), nullable=False, server_default='0'),
    of=own_metadata,
)
