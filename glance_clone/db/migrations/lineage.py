# SPDX-License-Identifier: Apache-2.0
"""What the revision recorded in a database says about it."""

from __future__ import annotations

import enum
import os
from typing import Any

import sqlalchemy as sa
from alembic import config
from alembic import migration
from alembic import script

_HERE = os.path.dirname(__file__)

EXPAND_HEAD = '2024_1_expand01'
CONTRACT_HEAD = '2024_1_contract01'

#: Revisions of the shared lineage before the heads, from which there is no way forward in this service.
OLDER = frozenset(
    ['liberty', 'mitaka01', 'mitaka02', 'rocky_expand02', 'rocky_contract02']
    + [
        f'{cycle}_{phase}01'
        for cycle in ('ocata', 'pike', 'queens', 'rocky', 'train', 'ussuri', 'wallaby', 'xena', 'yoga', 'zed', '2023_1')
        for phase in ('expand', 'contract')
    ]
)


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

    def recorded(self, connection: sa.Connection) -> set[str]:
        """Return the revisions that are recorded in a database."""
        options: dict[str, Any] = {'version_table': self.value[1]}
        return set(migration.MigrationContext.configure(connection, opts=options).get_current_heads())

    def heads(self) -> set[str]:
        """Return the newest revisions of this service."""
        return set(script.ScriptDirectory.from_config(self.config()).get_heads())


class SchemaError(Exception):
    """The database is in a state that the operation cannot start from; the text says what to do."""


def require_known(recorded: set[str]) -> None:
    """Refuse databases that this service cannot take over.

    :raises SchemaError: an older or an unknown revision
    """
    older = recorded & OLDER
    unknown = recorded - OLDER - {EXPAND_HEAD, CONTRACT_HEAD}
    if older:
        raise SchemaError(
            f'The database is at revision {", ".join(sorted(older))}. Upgrade it to 2024.1 or newer with the software that '
            'made it, then run this command again.'
        )
    if unknown:
        raise SchemaError(
            f'The database is at revision {", ".join(sorted(unknown))}, which this version does not know. '
            'Use the software that made it, or a newer version of this one.'
        )
