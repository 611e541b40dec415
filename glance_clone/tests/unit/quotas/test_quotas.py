# SPDX-License-Identifier: Apache-2.0
"""Which quota is built, and what it asks of the usage repository."""

from oslo_config import cfg
from oslotest import base

from glance_clone import quotas
from glance_clone.conf import quotas as options
from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.image import Image
from glance_clone.domain.quota import Limit
from glance_clone.layers.quota import Metered
from glance_clone.quotas.projects import ProjectQuota
from glance_clone.quotas.unlimited import Unlimited


class _Usage:
    """Remembers what is reserved, and has room for a number of bytes."""

    def __init__(self, room=1000):
        self.room = room
        self.calls = []

    def of(self, project, resources):
        return dict.fromkeys(resources, self.room)

    def reserve(self, work, project, limits, stored, staged, least=None):
        self.calls.append((project, sorted(limits), stored, staged))
        if least is not None:
            stored = min(stored, max(least, self.room))
        if stored > self.room:
            raise errors.LimitExceeded('no room')
        return stored


class _Source:
    """Limits everything for everybody."""

    resources = frozenset(quota.RESOURCES)

    def of(self, project, resources):
        return {resource: Limit(resource, 1000) for resource in resources}


class BuildTest(base.BaseTestCase):
    def build(self, size):
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        conf([])
        conf.set_override('user_storage_quota', size)
        return quotas.build_quota(conf, _Usage())

    def test_by_default_nothing_is_limited(self):
        self.assertIsInstance(self.build('0'), Unlimited)
        self.assertIsInstance(self.build('0GB'), Unlimited)

    def test_a_size_limits_what_is_stored(self):
        built = self.build('2KB')
        self.assertEqual({quota.STORED: Limit('user_storage_quota', 2048)}, built.limits('p', *quota.RESOURCES))
        self.assertEqual({}, built.limits('p', quota.IMAGES))
        self.assertEqual({}, built.limits(None, quota.STORED))
        self.assertEqual({}, built.report('p'))

    def test_nonsense_is_refused_by_the_name_of_the_option(self):
        self.assertIn('user_storage_quota', str(self.assertRaises(ValueError, self.build, '10 GB')))


class ReservationTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.usage = _Usage()
        self.quota = ProjectQuota(_Source(), self.usage)

    def begin(self, **sizes):
        return self.quota.begin(Image('i', owner='p'), 'attempt', **sizes)

    def test_an_upload_is_admitted_and_charged_at_once(self):
        self.begin(stored=10)
        self.assertEqual([('p', ['stored', 'uploading'], 10, 0)], self.usage.calls)

    def test_giving_back_is_not_compared_with_any_limit(self):
        reservation = self.begin(stored=10, staged=20)
        reservation.take(stored=5)
        reservation.take(staged=30)
        self.assertEqual([('p', [], 5, 20), ('p', ['staged'], 5, 30)], self.usage.calls[1:])

    def test_images_without_owner_are_charged_to_nobody(self):
        self.assertFalse(self.quota.begin(Image('i'), 'attempt', stored=10**9).is_limited)
        self.assertEqual([], self.usage.calls)

    def test_room(self):
        self.quota.require_room('p')
        self.usage.room = 1001
        self.assertRaises(errors.LimitExceeded, self.quota.require_room, 'p')


class MeteredTest(base.BaseTestCase):
    def read_all(self, size, room, piece=100):
        usage = _Usage(room)
        reservation = ProjectQuota(_Source(), usage).begin(Image('i', owner='p'), 'attempt', stored=0)
        left = [b'x' * piece] * (size // piece)

        class Source:
            def read(self, size):
                return left.pop() if left else b''

        metered = Metered(Source(), reservation)
        count = 0
        while data := metered.read(piece):
            count += len(data)
        return count, usage.calls

    def test_exactly_as_much_as_there_is_room(self):
        self.assertEqual(1000, self.read_all(1000, room=1000)[0])
        self.assertRaises(errors.LimitExceeded, self.read_all, 1000, room=999)

    def test_long_data_is_not_charged_piece_by_piece(self):
        count, calls = self.read_all(1_000_000, room=10**9)
        self.assertEqual(1_000_000, count)
        self.assertLess(len(calls), 100)
        self.assertLess(calls[-1][2], 1_130_000)
