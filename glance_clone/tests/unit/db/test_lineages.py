# SPDX-License-Identifier: Apache-2.0
"""The chains of migrations."""

from __future__ import annotations

import pathlib

from alembic import script

from glance_clone.db.migrations import lineage
from glance_clone.db.migrations import own
from glance_clone.tests import base


class LineagesTest(base.TestCase):
    def test_our_own_is_one_chain_of_all_files(self) -> None:
        revisions = script.ScriptDirectory.from_config(lineage.Lineage.OWN.config()).walk_revisions()
        found = [pathlib.Path(revision.path).name for revision in revisions]
        files = [path.name for path in pathlib.Path(own.__path__[0]).glob('0*.py')]
        self.assertEqual(sorted(files, reverse=True), found)
        self.assertEqual([f'{number:04}' for number in range(len(files), 0, -1)], [name[:4] for name in found])
