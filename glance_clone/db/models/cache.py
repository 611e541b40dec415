# SPDX-License-Identifier: Apache-2.0
"""What each API node has in its image cache."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import BIG_ID
from glance_clone.db.models.base import table

node_reference = table(
    'node_reference',
    sa.Column('node_reference_id', BIG_ID, primary_key=True),
    sa.Column('node_reference_url', sa.String(255), nullable=False),
    sa.UniqueConstraint('node_reference_url', name='uq_node_reference_node_reference_url'),
)

cached_images = table(
    'cached_images',
    sa.Column('id', BIG_ID, primary_key=True),
    sa.Column('image_id', sa.String(36), nullable=False),
    sa.Column('last_accessed', sa.DateTime(), nullable=False),
    sa.Column('last_modified', sa.DateTime(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('hits', sa.Integer(), nullable=False),
    sa.Column('checksum', sa.String(32)),
    sa.Column('node_reference_id', BIG_ID, sa.ForeignKey('node_reference.node_reference_id'), nullable=False),
    sa.UniqueConstraint('image_id', 'node_reference_id', name='ix_cached_images_image_id_node_reference_id'),
)
