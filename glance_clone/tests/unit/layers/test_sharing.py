# SPDX-License-Identifier: Apache-2.0
"""What stores in accounts of users are told of who may read, and in whose accounts a lease says that data is."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.location import Location
from glance_clone.domain.member import Member
from glance_clone.jobs.finishers import DataFinishers
from glance_clone.layers import accounts
from glance_clone.layers.sharing import SharedImages
from glance_clone.layers.sharing import SharedMembers
from glance_clone.layers.sharing import SharedTasks
from glance_clone.layers.sharing import Sharing
from glance_clone.layers.upload import Upload
from glance_clone.tests.unit.layers import fakes


class Accounts(fakes.Stores):
    """A registry with one store in the accounts of users."""

    caller = 'https://objects/AUTH_a'

    def __init__(self):
        super().__init__()
        self.told = []

    def all(self):
        return [self]

    def of(self, location):
        if location.url.startswith('mem:'):
            return self
        raise errors.StoreUnknown('elsewhere')

    def account(self):
        if self.caller is None:
            raise errors.StoreUnavailable('nobody asks')
        return self.caller

    def discard_in(self, account, blob_id, attempt):
        self.discarded.append((account, blob_id, attempt))

    def share(self, location, public, projects):
        if self.down:
            raise errors.StoreUnavailable('down')
        self.told.append('all' if public else ' '.join(projects))


class Members:
    """The members of one image."""

    def __init__(self, *ids):
        self.ids = list(ids)
        self.fail = None

    def list(self, image_id):
        return [Member(image_id, each) for each in self.ids]

    def add(self, member, quota):
        self.ids.append(member.member_id)

    def save(self, member):
        pass

    def remove(self, member):
        if self.fail:
            raise self.fail
        self.ids.remove(member.member_id)


class SharingTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.records = fakes.Records()
        self.stores = Accounts()
        self.members = Members('b', 'c')
        self.sharing = Sharing(self.stores, self.records, self.members)
        self.images = self.sharing.around(SharedImages, self.records)
        image = fakes.queued_image()
        image.status, image.owner, image.visibility = images.ACTIVE, 'a', images.SHARED
        image.locations = [Location('mem://i'), Location('other://i')]
        self.records.rows['i'] = image

    def change(self, **values):
        image = self.images.get('i', None)
        for name, value in values.items():
            setattr(image, name, value)
        self.images.save(image)

    def test_visibility(self):
        for visibility, told in (
            (images.PRIVATE, 'a'),
            (images.PUBLIC, 'all'),
            (images.SHARED, 'b c a'),
            (images.COMMUNITY, 'all'),
            (images.PRIVATE, 'a'),
            (images.SHARED, 'b c a'),
        ):
            self.change(visibility=visibility)
            self.assertEqual([told], self.stores.told)
            self.stores.told.clear()

    def test_other_changes_are_not_told(self):
        self.change(name='other', min_disk=3)
        self.change(status=images.DEACTIVATED)
        self.change(status=images.PENDING_DELETE)
        self.assertEqual([], self.stores.told)

    def test_new_data_and_new_owners_are_told(self):
        self.change(locations=[Location('mem://i'), Location('mem://second')])
        self.change(owner='d')
        self.assertEqual(['b c a', 'b c a', 'b c d', 'b c d'], self.stores.told)

    def test_images_that_become_active_are_told(self):
        self.records.rows['i'].status, self.records.rows['i'].locations = images.SAVING, []
        self.change(status=images.ACTIVE, locations=[Location('mem://i')])
        self.assertEqual(['b c a'], self.stores.told)

    def test_access_that_cannot_be_taken_away_in_the_store_stays_in_the_record(self):
        self.stores.down = True
        self.assertRaises(errors.StoreUnavailable, self.change, visibility=images.PRIVATE)
        self.assertEqual(images.SHARED, self.records.rows['i'].visibility)

    def test_access_that_cannot_be_given_in_the_store_is_given_in_the_record(self):
        self.stores.down = True
        self.change(visibility=images.COMMUNITY)
        self.assertEqual(images.COMMUNITY, self.records.rows['i'].visibility)

    def test_access_is_given_back_where_the_record_cannot_be_changed(self):
        self.records.down = True
        self.assertRaises(errors.DatabaseUnavailable, self.change, visibility=images.PRIVATE)
        self.assertEqual(['a', 'b c a'], self.stores.told)

    def test_members(self):
        members = self.sharing.around(SharedMembers, self.members)
        members.add(Member('i', 'd'), 10)
        members.save(Member('i', 'd'))
        members.remove(Member('i', 'b'))
        self.assertEqual(['b c d a', 'b c d a', 'c d a', 'c d a'], self.stores.told)
        self.assertEqual(['c', 'd'], [each.member_id for each in members.list('i')])

    def test_members_that_cannot_be_taken_off(self):
        members = self.sharing.around(SharedMembers, self.members)
        self.stores.down = True
        self.assertRaises(errors.StoreUnavailable, members.remove, Member('i', 'b'))
        self.assertEqual(['b', 'c'], self.members.ids)
        members.add(Member('i', 'd'), 10)
        self.assertEqual(['b', 'c', 'd'], self.members.ids)

    def test_members_of_images_without_data_in_accounts(self):
        members = self.sharing.around(SharedMembers, self.members)
        self.records.rows['i'].locations = [Location('other://i')]
        members.remove(Member('i', 'b'))
        members.add(Member('i', 'd'), 10)
        del self.records.rows['i']
        members.remove(Member('i', 'd'))
        self.assertEqual([], self.stores.told)

    def test_images_that_become_active_with_the_end_of_a_task(self):
        class Tasks:
            def finish(self, *args):
                pass

        tasks = self.sharing.around(SharedTasks, Tasks())
        image = self.records.rows['i']
        tasks.finish(None, image, images.IMPORTING, None)
        tasks.finish(None, image, images.ACTIVE, None)
        tasks.finish(None, None, None, None)
        self.assertEqual(['b c a'], self.stores.told)

    def test_nothing_is_put_around_anything_where_no_store_needs_it(self):
        class Plain:
            def all(self):
                return [object()]

        self.assertIs(self.records, Sharing(Plain(), self.records, self.members).around(SharedImages, self.records))


class AccountsTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, _ = fakes.parts()
        self.stores = Accounts()
        object.__setattr__(self.parts, 'stores', self.stores)

    def test_leases_of_other_stores_tell_of_none(self):
        self.assertEqual({}, accounts.noted(fakes.Stores(), ['fast', None]))

    def test_an_interrupted_upload_is_discarded_in_the_account_that_it_went_to(self):
        self.records.rows['i'] = fakes.queued_image()
        seen = []
        self.data.meanwhile = lambda: seen.extend(self.records.held)
        Upload(self.data, self.parts).write(self.records.get('i', None), Incoming(b'data', store_id='objects'))
        (lease,) = seen
        self.assertEqual({'store': 'objects', 'accounts': {'objects': self.stores.caller}}, lease.detail)
        self.records.rows['i'] = fakes.queued_image()
        self.records.rows['i'].status = images.SAVING
        self.records.held.append(lease)
        DataFinishers(self.parts).table()[leases.UPLOAD](lease, self.records.get('i', None))
        self.assertEqual([(self.stores.caller, 'i', lease.attempt)], self.stores.discarded)

    def test_who_has_no_account_is_refused_before_anything_happens(self):
        self.stores.caller = None
        self.records.rows['i'] = fakes.queued_image()
        layer = Upload(self.data, self.parts)
        self.assertRaises(errors.StoreUnavailable, layer.write, self.records.get('i', None), Incoming(b'data'))
        self.assertEqual((images.QUEUED, []), (self.records.rows['i'].status, self.records.held))
