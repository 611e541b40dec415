# SPDX-License-Identifier: Apache-2.0
"""Ports in memory, just enough to see what layers and jobs ask of them."""

from __future__ import annotations

import copy

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.lease import Lease
from glance_clone.domain.lease import Worker
from glance_clone.domain.location import Location
from glance_clone.layers import Parts
from glance_clone.quotas.unlimited import Unlimited


class Records:
    """Image records and leases.

    ``down`` makes the database fail; with ``loses_answers`` it goes down after the next commit, before it answers.
    """

    def __init__(self):
        self.rows: dict[str, Image] = {}
        self.held: list[Lease] = []
        self.down = False
        self.loses_answers = False

    def get(self, image_id, caller):
        image = self.rows.get(image_id)
        if image is None or image.status == images.PENDING_DELETE:
            raise errors.ImageNotFound(image_id)
        return copy.deepcopy(image)

    def save(self, image, from_state=None, take=None, drop=None, hold=None, if_unchanged=False, limits=()):
        if self.down:
            raise errors.DatabaseUnavailable('the database is down')
        if self.loses_answers:
            self.loses_answers, self.down = False, True
            self._save(image, from_state, take, drop)
            raise errors.DatabaseUnavailable('the database died after the commit')
        self._save(image, from_state, take, drop)

    def _save(self, image, from_state, take, drop):
        row = self.rows.get(image.id)
        if row is None or (row.status == images.PENDING_DELETE and from_state != images.PENDING_DELETE):
            raise errors.ImageNotFound(image.id)
        if from_state is not None and row.status != from_state:
            raise errors.StateChanged('changed')
        self._drop(drop)
        if take:
            self.held.append(take)
        self.rows[image.id] = copy.deepcopy(image)

    def remove(self, image, drop=None):
        if self.rows.pop(image.id, None) is None:
            raise errors.ImageNotFound(image.id)
        self._drop(drop)

    def _drop(self, lease):
        if lease is not None:
            if lease not in self.held:
                raise errors.LeaseLost('lost')
            self.held.remove(lease)

    def release(self, lease):
        if self.down:
            raise errors.DatabaseUnavailable('the database is down')
        if lease not in self.held:
            return False
        self.held.remove(lease)
        return True

    def is_held(self, lease):
        return lease in self.held

    def claim_expired(self, owner, ttl, limit=100, operations=()):
        claimed, self.expired = getattr(self, 'expired', []), []
        return claimed

    def image_of(self, lease):
        return copy.deepcopy(self.rows.get(lease.image_id))


class Locations:
    """Single copies, by row number."""

    def __init__(self, records: Records):
        self._records = records
        self.marked: dict[int, Location] = {}
        self.buried: list[int] = []

    def get(self, number):
        return self.marked.get(number)

    def bury(self, number, drop):
        self._records._drop(drop)
        self.buried.append(number)

    def revive(self, number, drop):
        self._records._drop(drop)
        for image in self._records.rows.values():
            for location in image.locations:
                if location.id == number:
                    location.status = 'active'


class Stores:
    """The registry; ``down`` makes its one store fail."""

    def __init__(self):
        self.discarded = []
        self.down = False

    def get(self, store_id):
        return self

    def attribute(self, locations):
        for location in locations:
            location.metadata = {'store': 'mem'}

    def discard(self, blob_id, attempt):
        if self.down:
            raise errors.StoreUnavailable('down')
        self.discarded.append((blob_id, attempt))


class Data:
    """The byte path; ``fail`` is raised by the next call of ``failing``."""

    def __init__(self):
        self.stored: set[str] = set()
        self.fail: Exception | None = None
        self.meanwhile = lambda: None

    def write(self, image, incoming):
        self.meanwhile()
        if self.fail:
            raise self.fail
        image.size, image.checksum = len(incoming.source), 'md5'
        image.locations = [Location(f'mem://{image.id}')]
        self.stored.add(f'mem://{image.id}')

    def remove(self, image):
        if self.fail:
            raise self.fail
        for location in image.locations:
            self.stored.discard(location.url)

    def stage(self, image, incoming):
        self.meanwhile()
        if self.fail:
            raise self.fail
        self.staging.files[image.id] = incoming.attempt
        return Staged(image.id, image.id, incoming.attempt, len(incoming.source), 'md5', 'sha512', 'hash')

    def remove_copy(self, image, location):
        self.meanwhile()
        if self.fail:
            raise self.fail
        self.stored.discard(location.url)
        image.locations.remove(location)


class Staging:
    """The staging directory and the rows of what is in it."""

    def __init__(self, records):
        self._records = records
        self.rows: dict[str, Staged] = {}
        self.files: dict[str, str] = {}

    def keep(self, staged, hold):
        if self._records.down:
            raise errors.DatabaseUnavailable('the database is down')
        if hold not in self._records.held:
            raise errors.LeaseLost('lost')
        self.rows[staged.image_id] = staged

    def find(self, image_id):
        return self.rows.get(image_id)

    def forget(self, image_id, attempt=None):
        if attempt in (None, getattr(self.rows.get(image_id), 'attempt', None)):
            self.rows.pop(image_id, None)

    def remove(self, staged):
        self.files.pop(staged.image_id, None)

    def clear(self, image_id, attempt=None):
        if attempt in (None, self.files.get(image_id)):
            self.files.pop(image_id, None)


class Deletes:
    """Deletes that leave data, in memory; see ``DelayedDeletes``."""

    def __init__(self, records):
        self.records = records
        self.scheduled = []

    def schedule(self, image):
        self.scheduled.append(image.id)


def parts():
    """Return parts of fakes; ``abandoned`` collects what is left to the reaper."""
    records, data, abandoned = Records(), Data(), []
    data.staging = staging = Staging(records)
    made = Parts(
        records,
        Locations(records),
        data,
        Stores(),
        records,
        Worker(),
        abandoned.append,
        Unlimited(),
        staging=staging,
        staged=staging,
        deletes=Deletes(records),
    )
    return made, records, data, abandoned


def queued_image(image_id='i'):
    """Return an image that may take data."""
    return Image(image_id, disk_format='raw', container_format='bare')
