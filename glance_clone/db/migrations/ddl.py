# SPDX-License-Identifier: Apache-2.0
"""Creating tables so that a step which was killed can be run again.

Not every database rolls back DDL: a table may exist without its indexes.
"""

from __future__ import annotations

import sqlalchemy as sa


def create_missing(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Create the tables and indexes of the metadata that are not there yet."""
    metadata.create_all(connection)
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        present = {index['name'] for index in inspector.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in present:
                index.create(connection)
