# SPDX-License-Identifier: Apache-2.0
"""What every store must do, those that take data and those that do not; the tests of a driver inherit it."""

from __future__ import annotations

import contextlib
import contextvars
import threading

from glance_clone.domain import errors

DATA = bytes(range(256)) * 1000


class ReadContract:
    """What every store must do that can be read, whether or not it takes data.

    A test case with these has ``self.store``, and ``self._put(data=...)``, which returns the location of data that the store
    can read.
    """

    def _get(self, location, *span):
        reader = self.store.open(location, *span)
        try:
            return b''.join(reader), reader.size
        finally:
            reader.close()

    def test_what_was_written_is_read(self):
        location = self._put()
        self.assertEqual((DATA, len(DATA)), self._get(location))
        self.assertEqual(len(DATA), self.store.size(location))

    def test_parts_are_read(self):
        location = self._put()
        for offset, length in ((0, 1), (5, 300), (len(DATA) - 3, None), (len(DATA) - 3, 10), (len(DATA), None)):
            expected = DATA[offset:] if length is None else DATA[offset : offset + length]
            self.assertEqual((expected, len(DATA)), self._get(location, offset, length))

    def test_parts_of_no_length_and_beyond_the_end(self):
        location = self._put()
        for offset, length in ((0, 0), (7, 0), (len(DATA), 5), (len(DATA) + 100, 5), (len(DATA) + 100, None)):
            self.assertEqual((b'', len(DATA)), self._get(location, offset, length))

    def test_empty_object_is_read(self):
        location = self._put(data=b'')
        self.assertEqual((b'', 0), self._get(location))
        self.assertEqual(0, self.store.size(location))

    def test_a_reader_that_is_closed_early_or_twice_harms_nobody(self):
        location = self._put()
        reader = self.store.open(location)
        next(iter(reader))
        reader.close()
        reader.close()
        self.assertEqual(DATA, self._get(location)[0])


class BlobContract(ReadContract):
    """Tests of :class:`glance_clone.domain.store_ports.BlobStore`.

    A test case with these has ``self.store``, an empty store, and ``self.objects()``, which returns the names of all that
    is in it, temporary or not.

    :cvar BLOB: name of an object
    :cvar OTHER: name of another one
    """

    BLOB = 'blob'
    OTHER = 'other'

    def blobs(self):
        """Return the names of what can be read as a whole."""
        return self.objects()

    def _put(self, name=None, data=DATA, attempt='one'):
        writer = self.store.writer(name or self.BLOB, attempt, len(data))
        writer.write(data)
        return writer.commit()

    def test_blocks_of_all_kinds_are_appended(self):
        writer = self.store.writer(self.BLOB, 'one', None)
        for block in (b'', b'a', bytearray(b'bc'), memoryview(b'def')):
            writer.write(block)
        self.assertEqual((b'abcdef', 6), self._get(writer.commit()))

    def test_empty_object(self):
        location = self.store.writer(self.BLOB, 'one', 0).commit()
        self.assertEqual((b'', 0), self._get(location))

    def test_nothing_is_visible_before_commit(self):
        location = self._put()
        self.store.remove(location)
        writer = self.store.writer(self.BLOB, 'two', len(DATA))
        writer.write(DATA)
        self.assertRaises(errors.BlobNotFound, self.store.open, location)
        writer.commit()
        self.assertEqual(DATA, self._get(location)[0])

    def test_abort_leaves_nothing_and_can_be_repeated(self):
        writer = self.store.writer(self.BLOB, 'one', None)
        writer.write(DATA)
        writer.abort()
        writer.abort()
        self.assertEqual([], self.objects())

    def test_abort_takes_back_what_was_committed(self):
        writer = self.store.writer(self.BLOB, 'one', None)
        writer.write(DATA)
        writer.commit()
        writer.abort()
        self.assertEqual([], self.objects())

    def test_an_object_is_never_replaced(self):
        location = self._put()
        writer = self.store.writer(self.BLOB, 'two', None)

        def write():
            writer.write(b'other')
            writer.commit()

        self.assertRaises(errors.BlobExists, write)
        writer.abort()
        self.assertEqual(DATA, self._get(location)[0])
        self.assertEqual(1, len(self.blobs()))

    def test_abort_spares_an_object_that_came_later(self):
        first = self.store.writer(self.BLOB, 'one', None)
        first.write(DATA)
        self.store.remove(first.commit())
        location = self._put(data=b'later', attempt='two')
        first.abort()
        self.assertEqual(b'later', self._get(location)[0])

    def test_of_two_writers_one_wins(self):
        results = []
        barrier = threading.Barrier(2)

        def write(attempt):
            writer = self.store.writer(self.BLOB, attempt, None)
            try:
                with contextlib.suppress(errors.BlobExists):
                    writer.write(attempt.encode() * 1000)
                barrier.wait(60)
                results.append((attempt, writer.commit()))
            except errors.BlobExists:
                writer.abort()

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(write, attempt), daemon=True)
            for attempt in ('one', 'two')
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            self.assertFalse(thread.is_alive(), 'a writer hangs')
        ((winner, location),) = results
        self.assertEqual(winner.encode() * 1000, self._get(location)[0])
        self.assertEqual(1, len(self.blobs()))

    def test_remove(self):
        location = self._put()
        self.store.remove(location)
        self.assertEqual([], self.objects())
        for call in (self.store.remove, self.store.open, self.store.size):
            self.assertRaises(errors.BlobNotFound, call, location)

    def test_discard_removes_what_is_under_way(self):
        writer = self.store.writer(self.BLOB, 'one', None)
        writer.write(DATA)
        self.store.discard(self.BLOB, 'one')
        self.assertEqual([], self.objects())
        writer.write(DATA)
        self.assertRaises(errors.ImageServiceError, writer.commit)
        writer.abort()
        self.assertEqual([], self.objects())

    def test_discard_removes_what_was_committed(self):
        self._put()
        self.store.discard(self.BLOB, 'one')
        self.store.discard(self.BLOB, 'one')
        self.assertEqual([], self.objects())

    def test_all_objects_are_told(self):
        self._put(self.BLOB)
        writer = self.store.writer(self.OTHER, 'two', None)
        writer.write(DATA)
        found = {(each.blob_id, each.temporary): each for each in self.store.objects() if not each.temporary}
        self.assertEqual([(self.BLOB, False)], list(found))
        self.assertGreater(60, found[self.BLOB, False].age)
        writer.commit()
        names = sorted(each.blob_id for each in self.store.objects() if not each.temporary)
        self.assertEqual(sorted((self.BLOB, self.OTHER)), names)

    def test_what_is_told_can_be_removed(self):
        location = self._put(self.BLOB)
        self._put(self.OTHER)
        (found,) = (each for each in self.store.objects() if each.blob_id == self.BLOB and not each.temporary)
        self.store.remove_object(found)
        self.store.remove_object(found)
        self.assertRaises(errors.BlobNotFound, self.store.open, location)
        self.assertEqual([self.OTHER], [each.blob_id for each in self.store.objects() if not each.temporary])

    def test_discard_spares_other_objects_and_attempts(self):
        self._put(self.OTHER)
        writer = self.store.writer(self.BLOB, 'two', None)
        self.store.discard(self.BLOB, 'one')
        writer.commit()
        self.assertEqual(2, len(self.blobs()))
