# SPDX-License-Identifier: Apache-2.0
"""Transfers that are under way."""

from __future__ import annotations

import dataclasses
from unittest import mock

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.metering import NoMeter
from glance_clone.layers.metering import Metering
from glance_clone.tests.unit.layers import fakes


class _Meter(NoMeter):
    def __init__(self):
        self.log = []

    def begin(self, kind):
        self.log.append(f'begin {kind}')
        return lambda: self.log.append(f'end {kind}')


class _Lent:
    """Something that a server holds until it has sent it."""


class MeteringTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.meter = _Meter()
        self.inner = mock.Mock()
        parts = dataclasses.replace(fakes.parts()[0], meter=self.meter)
        self.layer = Metering(self.inner, parts)

    def test_upload_ends_however_it_ends(self):
        self.layer.write(Image('i'), Incoming(None))
        self.inner.write.side_effect = errors.StoreFull('no room')
        self.assertRaises(errors.StoreFull, self.layer.write, Image('i'), Incoming(None))
        self.assertEqual(['begin upload', 'end upload'] * 2, self.meter.log)

    def test_staging(self):
        self.layer.stage(Image('i'), Incoming(None))
        self.assertEqual(['begin stage', 'end stage'], self.meter.log)

    def test_download_ends_when_the_server_lets_go(self):
        for make in (_Lent, self._with_file):
            self.meter.log.clear()
            self.inner.read.side_effect = lambda *args, make=make: make()
            reader = self.layer.read(Image('i'))
            sent = getattr(reader, 'fileobj', reader)
            del reader
            self.assertEqual(['begin download'], self.meter.log)
            del sent
            self.assertEqual(['begin download', 'end download'], self.meter.log)

    @staticmethod
    def _with_file():
        reader = _Lent()
        reader.fileobj = _Lent()
        return reader

    def test_download_that_cannot_begin(self):
        self.inner.read.side_effect = errors.DataMissing('gone')
        self.assertRaises(errors.DataMissing, self.layer.read, Image('i'))
        self.assertEqual([], self.meter.log)
