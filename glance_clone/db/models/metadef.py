# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from glance_clone.db.models.base import table
from glance_clone.db.models.base import timestamps

namespaces = table(
    'metadef_namespaces',
    sa.Column('id', sa.Integer(), primary_key=True),
    sa.Column('namespace', sa.String(80), nullable=False),
    sa.Column('display_name', sa.String(80)),
    sa.Column('description', sa.Text()),
    sa.Column('visibility', sa.String(32)),
    sa.Column('protected', sa.Boolean(create_constraint=True)),
    sa.Column('owner', sa.String(255), nullable=False),
    *timestamps(),
    sa.UniqueConstraint('namespace', name='uq_metadef_namespaces_namespace'),
    sa.Index('ix_metadef_namespaces_owner', 'owner'),
)


def _in_namespace(kind: str, *columns: sa.Column[Any]) -> sa.Table:
    """Return a table of things that have a name of their own in a namespace."""
    return table(
        f'metadef_{kind}',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('namespace_id', sa.Integer(), sa.ForeignKey('metadef_namespaces.id'), nullable=False),
        sa.Column('name', sa.String(80), nullable=False),
        *columns,
        *timestamps(),
        sa.UniqueConstraint('namespace_id', 'name', name=f'uq_metadef_{kind}_namespace_id_name'),
        sa.Index(f'ix_metadef_{kind}_name', 'name'),
    )


objects = _in_namespace(
    'objects',
    sa.Column('description', sa.Text()),
    sa.Column('required', sa.Text()),
    sa.Column('json_schema', sa.Text(), nullable=False),
)
properties = _in_namespace('properties', sa.Column('json_schema', sa.Text(), nullable=False))
tags = _in_namespace('tags')

resource_types = table(
    'metadef_resource_types',
    sa.Column('id', sa.Integer(), primary_key=True),
    sa.Column('name', sa.String(80), nullable=False),
    sa.Column('protected', sa.Boolean(create_constraint=True), nullable=False),
    *timestamps(),
    sa.UniqueConstraint('name', name='uq_metadef_resource_types_name'),
)

namespace_resource_types = table(
    'metadef_namespace_resource_types',
    sa.Column('resource_type_id', sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column('namespace_id', sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column('properties_target', sa.String(80)),
    sa.Column('prefix', sa.String(80)),
    *timestamps(),
    # MariaDB names the keys by their order.
    sa.ForeignKeyConstraint(['namespace_id'], ['metadef_namespaces.id']),
    sa.ForeignKeyConstraint(['resource_type_id'], ['metadef_resource_types.id']),
    sa.Index('ix_metadef_ns_res_types_namespace_id', 'namespace_id'),
)
