# SPDX-License-Identifier: Apache-2.0
"""Actions of ``glance-manage`` on the catalogue of metadata definitions."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from glance_clone.tests.unit.cmd.manage import base


class MetadefsTest(base.ManageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.files = self.directory / 'metadefs'
        self.files.mkdir()
        self.configure(f'sqlite:///{self.directory}/images.sqlite', metadata_source_path=self.files)
        self.manage('db', 'sync')

    def write(self, name: str, **values: Any) -> None:
        """Write a file of the catalogue."""
        (self.files / f'{name}.json').write_text(json.dumps({'namespace': name, 'display_name': name, **values}))

    def exported(self) -> dict[str, Any]:
        """Return what an export writes, by the names of the files."""
        target = self.directory / 'out'
        code, printed = self.manage('db', 'export_metadefs', '--path', f'{target}/')
        found = {file.name: json.loads(file.read_text()) for file in target.iterdir()}
        self.assertEqual((0, f'Exported {len(found)} namespaces.\n'), (code, printed))
        return found

    def properties(self) -> dict[str, Any]:
        """Return the properties of the namespace ``a`` in the database."""
        return dict(self.exported()['a.json']['properties'])

    def test_load_and_unload(self) -> None:
        self.write('a', tags=[{'name': 't'}])
        self.write('b')
        for spelling in (('db', 'load_metadefs'), ('db_load_metadefs',), ('db', 'load_metadefs', str(self.files))):
            self.assertEqual((0, f'Namespaces of {self.files}: 2 added.\n'), self.manage(*spelling))
            self.assertEqual({'a.json', 'b.json'}, set(self.exported()))
            code, printed = self.manage('db', 'unload_metadefs')
            self.assertEqual((0, 'Removed 2 namespaces with all that was in them, 3 rows.\n'), (code, printed))
        self.assertEqual(0, self.manage('db_unload_metadefs')[0])

    def test_modes(self) -> None:
        old, new = {'title': 'old', 'type': 'string'}, {'title': 'new', 'type': 'string'}
        for flags, wanted in (
            ((), {'kept': old, 'both': old}),
            (('--merge',), {'kept': old, 'both': old, 'added': new}),
            (('--merge', '--prefer_new'), {'kept': old, 'both': new, 'added': new}),
            (('--merge', '--overwrite'), {'both': new, 'added': new}),
        ):
            joined = ('db_load_metadefs', str(self.files), *self._joined(flags))
            for command in (('db', 'load_metadefs', *flags), joined):
                self.manage('db', 'unload_metadefs')
                self.write('a', properties={'kept': old, 'both': old})
                self.manage('db', 'load_metadefs')
                self.write('a', properties={'both': new, 'added': new})
                self.assertEqual(0, self.manage(*command)[0])
                self.assertEqual(wanted, self.properties(), command)

    def _joined(self, flags: tuple[str, ...]) -> list[str]:
        """Return flags as the joined form of the command takes them: any text is yes, the empty one no."""
        return ['True' if f'--{name}' in flags else '' for name in ('merge', 'prefer_new', 'overwrite')]

    def test_contradictory_flags(self) -> None:
        self.write('a')
        for flags in (('--prefer_new',), ('--overwrite',), ('--merge', '--prefer_new', '--overwrite')):
            self.assertEqual((0, ''), self.manage('db', 'load_metadefs', *flags))
            self.assertEqual((1, ''), self.manage('db', 'load_metadefs', '--strict', *flags))
        self.assertIn('exclude each other', self.logged.output)
        self.assertIn('only together with merge', self.logged.output)
        self.assertEqual({}, self.exported())

    def test_bad_files_do_not_keep_the_others_out(self) -> None:
        self.write('a')
        self.write('z')
        (self.files / 'bad.json').write_text('{"namespace": "x" "y"}')
        (self.files / 'odd.json').write_text('{"namespace": "odd", "objects": [{"name": 5}]}')
        wanted = f'Namespaces of {self.files}: 2 added, 2 not loaded.\n'
        self.assertEqual((0, wanted), self.manage('db', 'load_metadefs'))
        self.assertIn('bad.json was not loaded: is not valid JSON: Expecting', self.logged.output)
        self.assertIn('line 1 column 19', self.logged.output)
        self.assertIn('odd.json was not loaded: objects[0].name: must be a string', self.logged.output)
        self.assertEqual({'a.json', 'z.json'}, set(self.exported()))
        self.assertEqual(1, self.manage('db', 'load_metadefs', '--strict')[0])

    def test_nothing_to_load(self) -> None:
        for path in ('/nonexistent', str(self.files)):
            self.assertEqual((0, ''), self.manage('db', 'load_metadefs', '--path', path))
            self.assertEqual((1, ''), self.manage('db', 'load_metadefs', '--path', path, '--strict'))
        self.assertIn('/nonexistent', self.logged.output)
        self.assertIn('has no file *.json', self.logged.output)

    def test_an_owner_survives_if_asked_for(self) -> None:
        self.write('a', owner='somebody')
        self.manage('db', 'load_metadefs')
        self.assertNotIn('owner', self.exported()['a.json'])
        self.manage('db', 'export_metadefs', str(self.files), '--with_owner')
        self.assertEqual('somebody', json.loads((self.files / 'a.json').read_text())['owner'])

    def test_an_update_keeps_the_owner(self) -> None:
        self.write('a', owner='somebody')
        self.manage('db', 'load_metadefs')
        self.write('a', description='new')
        self.manage('db', 'load_metadefs', '--merge', '--prefer_new')
        self.manage('db', 'export_metadefs', str(self.files), '--with_owner')
        found = json.loads((self.files / 'a.json').read_text())
        self.assertEqual(('somebody', 'new'), (found['owner'], found['description']))

    def test_export_fails_where_it_cannot_write(self) -> None:
        self.write('a')
        self.manage('db', 'load_metadefs')
        self.assertEqual((0, ''), self.manage('db', 'export_metadefs', '--path', f'{self.config}/'))
        (self.directory / 'x-a.json').mkdir()
        code, printed = self.manage('db_export_metadefs', f'{self.directory}/x-', '--strict')
        self.assertEqual((1, 'Exported 0 namespaces; 1 failed.\n'), (code, printed))
        self.assertIn('Namespace a was not exported', self.logged.output)

    def test_without_a_schema(self) -> None:
        self.configure(f'sqlite:///{self.directory}/empty.sqlite', metadata_source_path=self.files)
        self.write('a')
        code, _, complaint = self.run_main('--config-file', str(self.config), 'db', 'load_metadefs')
        self.assertEqual(1, code)
        self.assertIn('database', complaint)

    def test_more_values_than_an_action_takes(self) -> None:
        self.assertEqual(2, self.manage('db_load_metadefs', 'a', 'b', 'c', 'd', 'e')[0])
        self.assertEqual(2, self.manage('db', 'unload_metadefs', 'x')[0])


class StockTest(base.ManageTestCase):
    """The catalogue that comes with the service."""

    def test_it_loads(self) -> None:
        stock = pathlib.Path(__file__).parents[5] / 'etc' / 'metadefs'
        if not stock.is_dir():
            self.skipTest('the catalogue is only in the source tree')
        self.manage('db', 'sync')
        code, printed = self.manage('db', 'load_metadefs', '--path', str(stock), '--strict')
        self.assertEqual((0, f'Namespaces of {stock}: 32 added.\n'), (code, printed))
        self.assertEqual(
            (0, 'Removed 32 namespaces with all that was in them, 256 rows.\n'), self.manage('db', 'unload_metadefs')
        )
