# SPDX-License-Identifier: Apache-2.0
"""What SQLite, which never counts by itself, must know of the tables to choose indexes well.

Without it every index is taken to lead to as few rows: that of all rows which are not deleted as well as that of one image.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

#: Rows of a table, and how many of them have the same value in a column; in others a value stands in some rows only.
_ROWS = 1_000_000
_ALIKE = {'owner': 1000, 'member': 1000, 'visibility': _ROWS // 4, 'type': _ROWS // 2, 'status': _ROWS // 5} | dict.fromkeys(
    ('deleted', 'os_hidden', 'protected'), _ROWS
)
_SOME = 10
_TABLES = (
    'images',
    'image_properties',
    'image_tags',
    'image_members',
    'image_locations',
    'tasks',
)


def upgrade() -> None:
    """Tell it, unless an operator had it count."""
    connection = op.get_bind()
    if connection.dialect.name != 'sqlite':
        return
    # Makes the table of statistics.
    connection.exec_driver_sql('ANALYZE glance_clone_version')
    for table in _TABLES:
        if connection.exec_driver_sql('SELECT 1 FROM sqlite_stat1 WHERE tbl = ?', (table,)).first() is None:
            for index, columns in _indexes(connection, table).items():
                row = (table, index, _estimate(columns))
                connection.exec_driver_sql('INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)', row)
    # Lets this connection know.
    connection.exec_driver_sql('ANALYZE sqlite_master')


def _indexes(connection: sa.Connection, table: str) -> dict[str, list[str]]:
    """Return the columns of each index that is no key."""
    found = connection.exec_driver_sql(f'PRAGMA index_list({table})').all()
    names = [row.name for row in found if row.origin == 'c']
    return {name: [row.name for row in connection.exec_driver_sql(f'PRAGMA index_info({name})')] for name in names}


def _estimate(columns: list[str]) -> str:
    """Return how many rows there are, and how many of them are alike in the first, the first two, ... columns."""
    alike = [_ROWS]
    for column in columns:
        alike.append(max(1, alike[-1] * _ALIKE.get(column, _SOME) // _ROWS))
    return ' '.join(map(str, alike))
