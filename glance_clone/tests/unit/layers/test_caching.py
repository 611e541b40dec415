# SPDX-License-Identifier: Apache-2.0
"""The image cache as a layer: where it is switched on, and what leaves it."""

from __future__ import annotations

import dataclasses
from unittest import mock

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.layers.caching import CachedData
from glance_clone.layers.caching import Eviction
from glance_clone.tests.unit.layers import fakes


class CachingTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.image = Image('i')
        self.inner = mock.Mock()
        self.cache = mock.Mock(serves=True)

    def _parts(self, cache):
        return dataclasses.replace(fakes.parts()[0], cache=cache)

    def test_no_cache(self):
        layer = CachedData(self.inner, self._parts(None))
        self.assertIs(self.inner.read.return_value, layer.read(self.image, 1, 2, ('fast',)))
        self.inner.read.assert_called_once_with(self.image, 1, 2, ('fast',))

    def test_cache_that_is_not_switched_on(self):
        self.cache.serves = False
        CachedData(self.inner, self._parts(self.cache)).read(self.image)
        self.assertEqual((1, 0), (self.inner.read.call_count, self.cache.open.call_count))

    def test_cache_reads_the_stores_by_itself(self):
        layer = CachedData(self.inner, self._parts(self.cache))
        self.assertIs(self.cache.open.return_value, layer.read(self.image, 1, 2, ('fast',)))
        image, fetch, *span = self.cache.open.call_args.args
        self.assertEqual((self.image, [1, 2], 0), (image, span, self.inner.read.call_count))
        self.assertIs(self.inner.read.return_value, fetch(3, 4))
        self.inner.read.assert_called_once_with(self.image, 3, 4, ('fast',))

    def test_deleted_image_leaves_the_cache(self):
        Eviction(self.inner, self._parts(self.cache)).remove(self.image)
        self.cache.forget.assert_called_once_with('i')
        Eviction(self.inner, self._parts(None)).remove(self.image)
        self.assertEqual(2, self.inner.remove.call_count)

    def test_image_that_stays_stays_cached(self):
        self.inner.remove.side_effect = errors.BlobInUse('in use')
        self.assertRaises(errors.BlobInUse, Eviction(self.inner, self._parts(self.cache)).remove, self.image)
        self.cache.forget.assert_not_called()
