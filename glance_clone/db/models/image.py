# SPDX-License-Identifier: Apache-2.0
"""Images and what belongs to them."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import deletion
from glance_clone.db.models.base import table
from glance_clone.db.models.base import timestamps

_SIZE = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_VISIBILITY = sa.Enum('private', 'public', 'shared', 'community', name='image_visibility')


def _is_boolean(column: str, name: str) -> sa.CheckConstraint:
    """Return a check that only MySQL and MariaDB have on this table, with the name that MariaDB once gave it."""
    check = sa.CheckConstraint(f'{column} IN (0, 1)', name=name)
    check.ddl_if(dialect='mysql')
    return check


images = table(
    'images',
    sa.Column('id', sa.String(36), primary_key=True),
    sa.Column('name', sa.String(255)),
    sa.Column('size', _SIZE),
    sa.Column('status', sa.String(30), nullable=False),
    *timestamps(),
    *deletion(checked=False),
    sa.Column('disk_format', sa.String(20)),
    sa.Column('container_format', sa.String(20)),
    sa.Column('checksum', sa.String(32)),
    sa.Column('owner', sa.String(255)),
    sa.Column('min_disk', sa.Integer(), nullable=False),
    sa.Column('min_ram', sa.Integer(), nullable=False),
    sa.Column('protected', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('virtual_size', _SIZE),
    sa.Column('visibility', _VISIBILITY, nullable=False, server_default='shared'),
    sa.Column('os_hidden', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('os_hash_algo', sa.String(64)),
    sa.Column('os_hash_value', sa.String(128)),
    _is_boolean('deleted', 'CONSTRAINT_2'),
    _is_boolean('protected', 'CONSTRAINT_3'),
    sa.Index('checksum_image_idx', 'checksum'),
    sa.Index('created_at_image_idx', 'created_at'),
    sa.Index('ix_images_deleted', 'deleted'),
    sa.Index('os_hash_value_image_idx', 'os_hash_value'),
    sa.Index('os_hidden_image_idx', 'os_hidden'),
    sa.Index('owner_image_idx', 'owner'),
    sa.Index('updated_at_image_idx', 'updated_at'),
    sa.Index('visibility_image_idx', 'visibility'),
)


def _of_image() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('image_id', sa.String(36), sa.ForeignKey('images.id'), nullable=False),
    ]


properties = table(
    'image_properties',
    *_of_image(),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('value', sa.Text()),
    *timestamps(),
    *deletion(),
    sa.Index('ix_image_properties_deleted', 'deleted'),
    sa.Index('ix_image_properties_image_id', 'image_id'),
    sa.UniqueConstraint('image_id', 'name', name='ix_image_properties_image_id_name'),
)

tags = table(
    'image_tags',
    *_of_image(),
    sa.Column('value', sa.String(255), nullable=False),
    *timestamps(),
    *deletion(),
    sa.Index('ix_image_tags_image_id', 'image_id'),
    sa.Index('ix_image_tags_image_id_tag_value', 'image_id', 'value'),
)

locations = table(
    'image_locations',
    *_of_image(),
    sa.Column('value', sa.Text(), nullable=False),
    *timestamps(),
    *deletion(),
    sa.Column('meta_data', sa.Text()),
    sa.Column('status', sa.String(30), nullable=False, server_default='active'),
    sa.Index('ix_image_locations_deleted', 'deleted'),
    sa.Index('ix_image_locations_image_id', 'image_id'),
)

members = table(
    'image_members',
    *_of_image(),
    sa.Column('member', sa.String(255), nullable=False),
    sa.Column('can_share', sa.Boolean(create_constraint=True), nullable=False),
    *timestamps(),
    *deletion(),
    sa.Column('status', sa.String(20), nullable=False, server_default='pending'),
    sa.Index('ix_image_members_deleted', 'deleted'),
    sa.Index('ix_image_members_image_id', 'image_id'),
    sa.Index('ix_image_members_image_id_member', 'image_id', 'member'),
    sa.UniqueConstraint('image_id', 'member', 'deleted_at', name='image_members_image_id_member_deleted_at_key'),
)
