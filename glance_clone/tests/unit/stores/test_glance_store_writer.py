# SPDX-License-Identifier: Apache-2.0
"""The writer that feeds a driver: nobody who waits for the driver waits for ever."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import unittest

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.transfer.concurrency import NativeThreads

if importlib.util.find_spec('glance_store') is None:
    raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')

from glance_clone.stores.glance_store_writer import FeedWriter


class _Store:
    """As much of a store as a writer asks for."""

    name = 'store there'

    def __init__(self):
        self.before_commit = lambda: None
        self.cleaned = []

    @contextlib.contextmanager
    def publishing(self, blob_id):
        yield

    def exists(self, blob_id):
        self.before_commit()
        return False

    def publish(self, blob_id, attempt, added):
        return Location(added[0])

    def identity(self, location):
        return None

    def clean(self, blob_id, attempt, added):
        self.cleaned.append((attempt, added))


def _add(feed):
    data = b''
    while block := feed.read(1000):
        data += block
    return 'there://blob', len(data), '', '', {}


class FeedWriterTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.store = _Store()

    def _writer(self, add=_add):
        return FeedWriter(self.store, 'blob', 'one', add, NativeThreads().detach)

    def test_an_attempt_given_up_in_the_middle_of_its_commit(self):
        writer = self._writer()
        writer.write(b'data')
        writer.write(b'more')
        giving_up = threading.Thread(target=writer.give_up, daemon=True)

        def give_up():
            giving_up.start()
            giving_up.join(30)

        self.store.before_commit = give_up
        failures = []

        def commit():
            try:
                writer.commit()
            except errors.StoreError as error:
                failures.append(error)

        committing = threading.Thread(target=commit, daemon=True)
        committing.start()
        committing.join(30)
        self.assertFalse(committing.is_alive() or giving_up.is_alive(), 'somebody waits for ever')
        self.assertEqual(1, len(failures))
        writer.abort()
        self.assertEqual([('one', None)], self.store.cleaned)

    def test_a_driver_that_fails_early_holds_up_nobody(self):
        def add(feed):
            raise OSError('away')

        writer = self._writer(add)
        with contextlib.suppress(errors.StoreUnavailable):
            for _ in range(100):
                writer.write(b'block')
        self.assertRaises(errors.StoreUnavailable, writer.commit)

    def test_a_driver_that_keeps_too_little_is_found_out(self):
        writer = self._writer(lambda feed: ('there://blob', len(feed.read(2)), '', '', {}))
        writer.write(b'data')
        self.assertRaises(errors.StoreError, writer.commit)
