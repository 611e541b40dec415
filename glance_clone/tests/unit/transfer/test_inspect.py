# SPDX-License-Identifier: Apache-2.0
"""What the inspection lets pass."""

from __future__ import annotations

import hypothesis
from hypothesis import strategies
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.tests.unit.transfer import disks
from glance_clone.tests.unit.transfer.sources import Pieces
from glance_clone.transfer import pipeline
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.inspect import Inspection
from glance_clone.transfer.inspect import Rules

REFUSED = 'refused'
DECLARED = ('raw', 'qcow2', 'iso', 'ami', 'aki', 'vhd', 'vdi', 'vmdk')
LENGTH = 'length'
LOOSE = Rules(match_required=False)


def verdict(data, declared='raw', container='bare', rules=None):
    """Return the virtual size that the inspection finds, or REFUSED."""
    inspection = Inspection(Image('i', disk_format=declared, container_format=container), rules or Rules())
    try:
        pipeline.run(Pieces(data), [inspection], [], NativeThreads())
    except errors.UnsafeContent:
        return REFUSED
    return inspection.virtual_size


#: What each content gives as each declared format, in the order of DECLARED; None: accepted without virtual size.
STRICT = {
    'random': (disks.RANDOM, (LENGTH, REFUSED, REFUSED, None, None, REFUSED, REFUSED, REFUSED)),
    'qcow2': (disks.qcow2(), (LENGTH, 5 << 20, *[REFUSED] * 6)),
    'qcow2 v2': (disks.qcow2(2), (LENGTH, 5 << 20, *[REFUSED] * 6)),
    'mbr': (disks.mbr(), (LENGTH, *[REFUSED] * 7)),
    'iso': (disks.iso(), (LENGTH, REFUSED, 40_960, *[REFUSED] * 5)),
    'iso with mbr': (disks.iso(disks.mbr()), (REFUSED, REFUSED, 40_960, *[REFUSED] * 5)),
    'vdi': (disks.vdi(), (LENGTH, *[REFUSED] * 5, 7 << 20, REFUSED)),
    'vmdk': (disks.vmdk(), (LENGTH, *[REFUSED] * 6, 1 << 20)),
    'luks': (disks.luks(), (LENGTH, *[REFUSED] * 7)),
    'text': (b'hello\n' * 500, (LENGTH, REFUSED, REFUSED, None, None, REFUSED, REFUSED, REFUSED)),
    'nothing': (b'', (None, REFUSED, REFUSED, None, None, REFUSED, REFUSED, REFUSED)),
    'few bytes of qcow2': (b'QFI\xfb\0\0\0\3', (LENGTH, REFUSED, REFUSED, None, None, REFUSED, REFUSED, REFUSED)),
}

UNSAFE = {
    'qcow2 with backing file': disks.qcow2(backing=100),
    'qcow2 v2 with backing file': disks.qcow2(2, backing=100),
    'qcow2 with data file': disks.qcow2(features=4),
    'qcow2 with unknown features': disks.qcow2(features=1 << 40),
    'qcow2 v1': disks.qcow2(1),
    'qcow2 with backing file, less than a sector': disks.qcow2(backing=80)[:110],
    'qed': b'QED\0' + bytes(1000),
    'vmdk without header': b'KDMV' + bytes(1000),
    'vmdk with extents elsewhere': disks.vmdk('RW 2048 FLAT "/etc/passwd"'),
    'vmdk of other kind': disks.vmdk(kind='monolithicFlat'),
    'vmdk with a parent': disks.vmdk(more='parentFileNameHint="secret"\n'),
    'vmdk with a parent behind the end of its descriptor': disks.vmdk(
        more='#' * 600 + '\nparentFileNameHint="secret"\n', length=1
    ),
    'vmdk without capacity, which is read as a descriptor': disks.vmdk('RW 2048 FLAT "secret" 0', capacity=0),
    'vmdk of two kinds': disks.vmdk(more='createType="monolithicFlat"\n'),
    'vmdk text with extents beside it': disks.vmdk_text('RW 2048 SPARSE "secret"', kind='monolithicSparse').ljust(2000),
    'vmdk text': disks.vmdk_text(),
    'vmdk text, less than 64 bytes': disks.vmdk_text()[:63],
    'vmdk text with extents far behind': disks.vmdk_text('#\n' * 300_000 + 'RW 1 FLAT "/a" 0', kind='monolithicSparse'),
    'vmdk text not in ascii': disks.vmdk_text(first='# é\n'),
    'vmdk text not in ascii later': disks.vmdk_text(first='#' * 600 + 'é\n'),
}

DAMAGED_TABLES = {
    'bad flag': disks.mbr(flag=0x55),
    'no partitions': disks.mbr(()),
    'gpt and more': disks.mbr((0xEE, 0x83)),
}


class InspectionTest(base.BaseTestCase):
    def test_detected_and_declared_formats(self):
        for name, (data, expected) in STRICT.items():
            sizes = [len(data) if each == LENGTH else each for each in expected]
            self.assertEqual(sizes, [verdict(data, declared) for declared in DECLARED], name)

    def test_unsafe_data_is_refused_whatever_is_declared_and_configured(self):
        for name, data in UNSAFE.items():
            for declared in DECLARED:
                for container, rules in (('bare', None), ('bare', LOOSE), ('ovf', None), ('docker', LOOSE)):
                    self.assertEqual(REFUSED, verdict(data, declared, container, rules), f'{name} as {container}/{declared}')

    def test_damaged_partition_tables(self):
        tolerant = Rules(tolerated=('mbr',))
        for name, data in DAMAGED_TABLES.items():
            self.assertEqual({REFUSED}, {verdict(data, declared) for declared in DECLARED}, name)
            self.assertEqual(len(data), verdict(data, rules=tolerant), name)
            self.assertEqual(REFUSED, verdict(data, 'qcow2', rules=tolerant), name)

    def test_kernels_look_like_damaged_partition_tables(self):
        for declared, container in (('aki', 'aki'), ('ari', 'ari'), ('aki', 'bare')):
            self.assertIsNone(verdict(disks.mbr(()), declared, container, LOOSE))

    def test_without_matching_the_formats_may_differ(self):
        for data, declared in ((disks.RANDOM, 'qcow2'), (disks.qcow2(), 'iso'), (disks.iso(disks.mbr()), 'raw')):
            self.assertIsNone(verdict(data, declared, rules=LOOSE))

    def test_containers_need_not_match(self):
        for data in (disks.RANDOM, disks.qcow2(), disks.mbr(), disks.mbr(()), b'<?xml?><Envelope>\xc3\xa9</Envelope>' * 100):
            self.assertIsNone(verdict(data, 'vmdk', 'ovf'))

    def test_several_formats_at_once_are_refused(self):
        polyglot = bytearray(disks.iso())
        polyglot[:512] = disks.qcow2()[:512]
        for container in ('bare', 'ova'):
            self.assertEqual(REFUSED, verdict(bytes(polyglot), 'qcow2', container))

    @hypothesis.settings(max_examples=60, deadline=None)
    @hypothesis.given(
        strategies.sampled_from([*STRICT.values(), *((data, None) for data in UNSAFE.values())]),
        strategies.lists(strategies.integers(1, 70_000), max_size=5),
        strategies.sampled_from(['raw', 'qcow2', 'vmdk']),
    )
    def test_the_verdict_does_not_depend_on_how_data_is_cut(self, case, cuts, declared):
        data = case[0]
        pieces, at = [], 0
        for size in cuts:
            pieces.append(data[at : at + size])
            at += size
        inspection = Inspection(Image('i', disk_format=declared, container_format='bare'), Rules())
        try:
            pipeline.run(Pieces(*pieces, data[at:]), [inspection], [], NativeThreads())
            found = inspection.virtual_size
        except errors.UnsafeContent:
            found = REFUSED
        self.assertEqual(verdict(data, declared), found)

    def test_disks_beyond_all_bounds_are_refused(self):
        for declared, data in (
            ('qcow2', disks.qcow2(size=(1 << 64) - 1)),
            ('qcow2', disks.qcow2(size=1 << 63)),
            ('vmdk', disks.vmdk(capacity=(1 << 64) - 1)),
            ('vdi', disks.vdi((1 << 64) - 1)),
        ):
            self.assertEqual(REFUSED, verdict(data, declared, rules=LOOSE), declared)
        self.assertEqual((1 << 63) - 1, verdict(disks.qcow2(size=(1 << 63) - 1), 'qcow2'))

    def test_refused_before_the_end(self):
        inspection = Inspection(Image('i', disk_format='raw', container_format='bare'), Rules())
        self.assertRaises(errors.UnsafeContent, inspection.update, disks.qcow2(backing=1).ljust(1 << 20, b'\0'))

    def test_a_footer_is_checked_at_the_end(self):
        self.assertEqual(1 << 20, verdict(disks.vmdk_stream(), 'vmdk'))
        self.assertEqual(REFUSED, verdict(disks.vmdk_stream(footer_sector=3), 'vmdk'))
        self.assertEqual(REFUSED, verdict(disks.vmdk_stream()[:-100], 'vmdk'))

    def test_later_blocks_count_for_the_size(self):
        data = disks.mbr().ljust(5 << 20, b'\0')
        self.assertEqual(len(data), verdict(data))

    def test_messages_say_what_to_correct(self):
        inspection = Inspection(Image('i', disk_format='qcow2', container_format='bare'), Rules())
        inspection.update(disks.RANDOM)
        error = self.assertRaises(errors.UnsafeContent, inspection.finish)
        self.assertIn('raw', str(error))
        self.assertIn('qcow2', str(error))
