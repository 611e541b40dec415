# SPDX-License-Identifier: Apache-2.0
"""What the revision recorded in a database says about it."""

from __future__ import annotations

import enum
import os

import sqlalchemy as sa
from alembic import config
from alembic import script

_HERE = os.path.dirname(__file__)

EXPAND_HEAD = '2024_1_expand01'
CONTRACT_HEAD = '2024_1_contract01'

_CYCLES = ('ocata', 'pike', 'queens', 'rocky', 'train', 'ussuri', 'wallaby', 'xena', 'yoga', 'zed', '2023_1')
_EXPANSIONS = frozenset([*(f'{cycle}_expand01' for cycle in _CYCLES), 'rocky_expand02'])
_CONTRACTIONS = frozenset([*(f'{cycle}_contract01' for cycle in _CYCLES), 'rocky_contract02'])

#: Revisions of the shared lineage before the heads, from which there is no way forward in this service.
OLDER = frozenset(('liberty', 'mitaka01', 'mitaka02')) | _EXPANSIONS | _CONTRACTIONS

#: Contractions after which none has anything to remove: once such a database is expanded, only the record is behind.
FINISHED = _CONTRACTIONS - {'ocata_contract01'}


class Lineage(enum.Enum):
    """A line of revisions: its directory and its version table."""

    FROZEN = ('frozen', 'alembic_version')
    OWN = ('own', 'glance_clone_version')

    def config(self, connection: sa.Connection | None = None) -> config.Config:
        """Return what Alembic needs to work on this lineage."""
        directory, version_table = self.value
        settings = config.Config()
        settings.set_main_option('script_location', _HERE)
        settings.set_main_option('version_locations', os.path.join(_HERE, directory))
        settings.set_main_option('path_separator', 'newline')
        settings.set_main_option('version_table', version_table)
        settings.attributes['connection'] = connection
        return settings

    @property
    def record(self) -> sa.Table:
        """The version table, as Alembic makes it."""
        name = self.value[1]
        number = sa.Column('version_num', sa.String(32), nullable=False)
        return sa.Table(name, sa.MetaData(), number, sa.PrimaryKeyConstraint('version_num', name=f'{name}_pkc'))

    def recorded(self, connection: sa.Connection) -> set[str]:
        """Return the revisions that are recorded in a database."""
        if not sa.inspect(connection).has_table(self.record.name):
            return set()
        return set(connection.execute(sa.select(self.record.c.version_num)).scalars())

    def heads(self) -> set[str]:
        """Return the newest revisions of this service."""
        return set(script.ScriptDirectory.from_config(self.config()).get_heads())


class SchemaError(Exception):
    """The database is in a state that the operation cannot start from; the text says what to do."""


def require_known(recorded: set[str]) -> None:
    """Refuse databases that this service cannot take over.

    :raises SchemaError: an older or an unknown revision
    """
    unknown = recorded - OLDER - {EXPAND_HEAD, CONTRACT_HEAD}
    if unknown:
        raise SchemaError(
            f'The database is at revision {", ".join(sorted(unknown))}, which this version does not know. '
            'Use the software that made it, or a newer version of this one.'
        )
    older = recorded & OLDER
    if older - FINISHED or (older and EXPAND_HEAD not in recorded):
        raise SchemaError(
            f'The database is at revision {", ".join(sorted(older))}, and this version can only take over databases of '
            '2024.1 or newer. Upgrade it with the software that made it, then run this command again.'
        )
