# SPDX-License-Identifier: Apache-2.0
"""Descriptors of OVAs, and XML that is made to harm."""

from __future__ import annotations

import tracemalloc

from oslotest import base

from glance_clone.domain import errors
from glance_clone.imports import ovf
from glance_clone.tests.fixtures import ovas

ALL = {'cim_pasd': {'ProcessorArchitecture', 'InstructionSet', 'InstructionSetExtensionName'}}
_BILLION = ''.join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


class OvfTest(base.BaseTestCase):
    def refused(self, text, reason):
        error = self.assertRaises(errors.UnsafeContent, ovf.parse, text, ALL)
        self.assertIn(reason, str(error))

    def test_disk_and_properties(self):
        found = ovf.parse(ovas.descriptor('./a disk.vmdk'), ALL)
        self.assertEqual('a disk.vmdk', found.disk)
        wanted = {
            'CIM_PASD_ProcessorArchitecture': 'x86',
            'CIM_PASD_InstructionSet': 'x86:i686',
            'CIM_PASD_InstructionSetExtensionName': 'x86:SSE3,x86:AVX2',
        }
        self.assertEqual(wanted, found.properties)

    def test_only_wanted_properties(self):
        self.assertEqual({}, ovf.parse(ovas.descriptor(), {}).properties)
        found = ovf.parse(ovas.descriptor(), {'cim_pasd': {'InstructionSet', 'NotThere'}, 'other': {'Item'}})
        self.assertEqual({'CIM_PASD_InstructionSet': 'x86:i686'}, found.properties)

    def test_other_versions_and_encodings(self):
        for version in ('http://schemas.dmtf.org/ovf/envelope/2', 'http://www.vmware.com/schema/ovf/1/envelope'):
            text = ovas.descriptor().replace(b'http://schemas.dmtf.org/ovf/envelope/1', version.encode())
            self.assertEqual('disk.vmdk', ovf.parse(text, {}).disk)
        text = ovas.descriptor().decode().replace('UTF-8', 'UTF-16').encode('utf-16')
        self.assertEqual('disk.vmdk', ovf.parse(text, {}).disk)

    def test_exactly_one_disk(self):
        self.refused(ovas.descriptor(disks=''), '0 disks')
        self.refused(ovas.descriptor(disks=ovas.DISK * 2), '2 disks')
        self.refused(ovas.descriptor(disks=ovas.DISK + '<Disk ovf:diskId="empty"/>'), '2 disks')
        self.refused(ovas.descriptor(disks='<Disk ovf:diskId="empty"/>'), 'names no file')
        self.refused(ovas.descriptor(disks=ovas.DISK.replace('file1', 'file9')), 'names no file')
        self.refused(ovas.descriptor(''), 'names no file')

    def test_disks_elsewhere_do_not_count(self):
        self.assertEqual('disk.vmdk', ovf.parse(ovas.descriptor(more=ovas.DISK), {}).disk)

    def test_disks_that_are_not_whole(self):
        self.refused(ovas.descriptor(file='ovf:compression="gzip"'), 'compressed')
        self.refused(ovas.descriptor(file='ovf:chunkSize="100"'), 'in pieces')
        self.assertEqual('disk.vmdk', ovf.parse(ovas.descriptor(file='ovf:compression="identity"'), {}).disk)

    def test_entities(self):
        for prolog in (
            f'<!DOCTYPE x [{_BILLION}]>',
            f'<!DOCTYPE x [<!ENTITY long "{"A" * 100_000}">]>',
            '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/evil.dtd">',
            '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/evil.dtd"> %p;]>',
            '<!DOCTYPE x>',
        ):
            self.refused(ovas.descriptor(prolog=prolog), 'document type or entities')
            self.refused(ovas.descriptor(prolog=prolog, more='<x>&l9;&file;&long;</x>'), 'document type or entities')
        self.refused(ovas.descriptor(more='<x>&l9;</x>'), 'no sound XML')

    def test_damaged(self):
        text = ovas.descriptor()
        for damaged in (b'', b'text', text[:-20], text + b'<x/>', b'\0' * 100, b'<?xml version="1.0" encoding="nope"?><x/>'):
            self.refused(damaged, 'no sound XML')

    def test_deep_and_wide(self):
        self.refused(ovas.descriptor(more='<x>' * 100_000), 'too deeply')
        tracemalloc.start()
        self.assertEqual('disk.vmdk', ovf.parse(ovas.descriptor(more='<x/>' * 200_000), ALL).disk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.assertLess(peak, 8 << 20)

    def test_values_that_cannot_be_kept(self):
        for value in ('x' * 256, '\U0001f600'):
            more = f'<pasd:InstructionSet>{value}</pasd:InstructionSet>'
            self.refused(ovas.descriptor(more=more), 'CIM_PASD_InstructionSet')
            self.assertEqual({}, ovf.parse(ovas.descriptor(more=more), {}).properties)

    def test_nested_and_empty_values(self):
        more = '<pasd:InstructionSet>a<b>c</b>d</pasd:InstructionSet><pasd:ProcessorArchitecture/>'
        found = ovf.parse(ovas.descriptor(more=more), ALL).properties
        self.assertEqual(('x86:i686', 'x86'), (found['CIM_PASD_InstructionSet'], found['CIM_PASD_ProcessorArchitecture']))

    def test_manifests(self):
        digest = 'AB' * 20
        text = f'SHA1(vm.ovf)= {"00" * 20}\r\nSHA1 (disk.vmdk) = {digest}\nMD5(disk.vmdk)= 00\nSHA256(disk.vmdk)=zz\n\xff'
        self.assertEqual({'sha1': digest}, ovf.digests(text.encode('latin-1'), 'disk.vmdk'))
        self.assertEqual({}, ovf.digests(b'', 'disk.vmdk'))
