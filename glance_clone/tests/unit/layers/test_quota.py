# SPDX-License-Identifier: Apache-2.0
"""Who is charged for what."""

import dataclasses

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.location import Location
from glance_clone.domain.quota import Limit
from glance_clone.layers.quota import DataQuota
from glance_clone.layers.quota import RecordQuota
from glance_clone.tests.unit.layers import fakes


class _Quota:
    """Limits everything, and remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.begun = []
        self.refuses = False

    def limits(self, project, *resources):
        self.asked.append((project, resources))
        return {resource: Limit(resource, 1) for resource in resources}

    def begin(self, image, attempt, stored=None, staged=None):
        if self.refuses:
            raise errors.LimitExceeded('no room')
        self.begun.append((image.owner, attempt, stored, staged))
        return self

    is_limited = True

    def take(self, stored=None, staged=None, least=None):
        self.begun.append(stored)
        return stored


class _Repository:
    """Remembers the limits under which it wrote."""

    def __init__(self):
        self.limits = []

    def add(self, image, id_is_new=False, limits=()):
        self.limits.append(set(limits))

    def save(self, image, from_state=None, take=None, drop=None, hold=None, if_unchanged=False, limits=()):
        self.limits.append(set(limits))


class _Case(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        made, _records, self.data, _abandoned = fakes.parts()
        self.quota = _Quota()
        self.parts = dataclasses.replace(made, quota=self.quota)
        self.image = fakes.queued_image()
        self.image.owner = 'owner'


class RecordQuotaTest(_Case):
    def setUp(self):
        super().setUp()
        self.inner = _Repository()
        self.layer = RecordQuota(self.inner, self.parts)

    def test_a_new_image_counts(self):
        self.layer.add(self.image)
        self.assertEqual([('owner', (quota.IMAGES,))], self.quota.asked)
        self.assertEqual([{quota.IMAGES}], self.inner.limits)

    def test_a_new_location_is_stored_data(self):
        self.image.locations = [Location('http://there', id=1), Location('http://elsewhere')]
        self.layer.save(self.image, from_state='active')
        self.assertEqual([('owner', (quota.STORED,))], self.quota.asked)
        self.assertEqual([{quota.STORED}], self.inner.limits)

    def test_other_changes_ask_nobody(self):
        self.layer.save(self.image)
        self.image.locations = [Location('http://there', id=1)]
        self.layer.save(self.image, from_state='active')
        self.assertEqual(([], [set(), set()]), (self.quota.asked, self.inner.limits))


class DataQuotaTest(_Case):
    def setUp(self):
        super().setUp()
        self.layer = DataQuota(self.data, self.parts)

    def test_the_owner_is_charged_before_anything_is_written(self):
        self.quota.refuses = True
        self.assertRaises(errors.LimitExceeded, self.layer.write, self.image, Incoming(b'data', 4, attempt='attempt'))
        self.assertEqual(set(), self.data.stored)

    def test_the_announced_size_is_charged_at_once(self):
        self.layer.write(self.image, Incoming(b'data', 4, attempt='attempt'))
        self.assertEqual([('owner', 'attempt', 4, None)], self.quota.begun)

    def test_sizes_that_cannot_be_are_charged_as_nothing(self):
        self.layer.write(self.image, Incoming(b'data', -4, attempt='attempt'))
        self.assertEqual([('owner', 'attempt', 0, None)], self.quota.begun)
