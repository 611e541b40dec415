# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: run the revisions of one lineage on the connection that the caller lends."""

from __future__ import annotations

from alembic import context

_config = context.config

context.configure(
    connection=_config.attributes['connection'],
    version_table=_config.get_main_option('version_table'),
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
