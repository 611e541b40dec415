# SPDX-License-Identifier: Apache-2.0
"""The step of tasks that takes disks out of OVAs."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone import conf as options
from glance_clone.domain import errors
from glance_clone.domain.importing import Submitter
from glance_clone.imports.ova import OvaExtraction
from glance_clone.tests.fixtures import ovas
from glance_clone.tests.unit.imports.material import StagedWork
from glance_clone.tests.unit.imports.material import configuration

DISK = bytes(range(256)) * 300
ADMIN = Submitter(is_admin=True)
_SAMPLE = pathlib.Path(__file__).parents[4] / 'etc' / 'ovf-metadata.json.sample'


class OvaTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        # Files of the machine that runs this must not count.
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MockPatch('oslo_config.cfg._search_dirs', lambda dirs, name, ext='': self.found(name)))

    def found(self, name):
        path = os.path.join(self.directory, name)
        return path if os.path.exists(path) else None

    def metadata(self, text):
        with open(os.path.join(self.directory, 'ovf-metadata.json'), 'w') as file:
            file.write(text)

    def run_on(self, data, submitter=ADMIN, **image):
        image = {'disk_format': 'raw', 'container_format': 'ova', **image}
        self.work = self.useFixture(StagedWork(data, submitter=submitter, **image))
        step = OvaExtraction(configuration())
        try:
            step.run(self.work)
        finally:
            step.undo(self.work)
        return self.work.content()

    def refused(self, kind, data, reason, **kwargs):
        error = self.assertRaises(kind, self.run_on, data, **kwargs)
        self.assertIn(reason, str(error))
        self.assertEqual(['i'], self.work.files())

    def test_the_disk_takes_the_place_of_the_archive(self):
        self.assertEqual(DISK, self.run_on(ovas.sound(DISK)))
        image = self.work.image
        self.assertEqual(('bare', 'raw', len(DISK)), (image.container_format, image.disk_format, image.size))
        self.assertEqual(({}, ['i.disk']), (image.properties, self.work.files()))
        self.assertEqual(1, self.work.saves)

    def test_the_format_is_that_of_the_disk(self):
        qcow2 = b'QFI\xfb' + (3).to_bytes(4, 'big') + bytes(8 + 4) + (16).to_bytes(4, 'big') + (1 << 20).to_bytes(8, 'big')
        self.run_on(ovas.sound(qcow2 + bytes(1000)), disk_format='vmdk')
        self.assertEqual('qcow2', self.work.image.disk_format)
        self.run_on(ovas.sound(DISK), disk_format='vmdk')
        self.assertEqual('vmdk', self.work.image.disk_format)

    def test_properties_that_the_operator_wants(self):
        self.metadata(_SAMPLE.read_text())
        self.run_on(ovas.sound(DISK))
        properties = self.work.image.properties
        self.assertEqual('x86:SSE3,x86:AVX2', properties['CIM_PASD_InstructionSetExtensionName'])
        self.assertEqual(3, len(properties))

    def test_other_containers_stay(self):
        data = ovas.sound(DISK)
        self.assertEqual(data, self.run_on(data, container_format='bare', submitter=Submitter()))

    def test_for_administrators_only(self):
        self.refused(errors.Forbidden, ovas.sound(DISK), 'administrators', submitter=Submitter())

    def test_manifest(self):
        digest = hashlib.sha256(DISK).hexdigest()
        good, bad = (f'SHA256(disk.vmdk)= {each}'.encode() for each in (digest, '00' * 32))
        self.assertEqual(DISK, self.run_on(ovas.sound(DISK, ovas.plain('vm.mf', good))))
        self.refused(errors.HashMismatch, ovas.sound(DISK, ovas.plain('vm.mf', bad)), 'another hash')

    def test_descriptor(self):
        self.refused(errors.UnsafeContent, ovas.pack(ovas.plain('disk.vmdk', DISK)), '0 descriptors')
        two = ovas.sound(DISK, ovas.plain('b.OVF', ovas.descriptor()))
        self.refused(errors.UnsafeContent, two, '2 descriptors')
        large = ovas.pack(ovas.plain('vm.ovf', b' ' * ((1 << 20) + 1)))
        self.refused(errors.UnsafeContent, large, 'far too large')

    def test_a_disk_that_is_not_there(self):
        for name in ('other.vmdk', '../disk.vmdk', 'file:///etc/passwd', '/etc/passwd', 'http://127.0.0.1/'):
            data = ovas.pack(ovas.plain('vm.ovf', ovas.descriptor(name)), ovas.plain('disk.vmdk', DISK))
            self.refused(errors.UnsafeContent, data, 'lacks its disk')

    def test_files_of_names_that_cannot_be_used(self):
        for text in ('', '[]', '{"cim_pasd": "x"}', '{"cim_pasd": [1]}', '{"cim_pasd": {}}'):
            self.metadata(text)
            error = self.assertRaises(ValueError, OvaExtraction, configuration())
            self.assertIn('ovf-metadata.json', str(error))

    def test_unknown_sections_are_left_out(self):
        self.metadata(json.dumps({'cim_nothing': ['x'], 'cim_pasd': ['InstructionSet']}))
        self.run_on(ovas.sound(DISK))
        self.assertEqual(['CIM_PASD_InstructionSet'], list(self.work.image.properties))

    def test_the_file_is_found_beside_the_configuration(self):
        self.metadata(_SAMPLE.read_text())
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        conf([], project='glance')
        self.assertEqual(os.path.join(self.directory, 'ovf-metadata.json'), conf.find_file('ovf-metadata.json'))
