# SPDX-License-Identifier: Apache-2.0
"""What the middleware of metrics counts, and who may read it."""

from __future__ import annotations

from oslotest import base

from glance_clone.api.middleware import metrics
from glance_clone.domain.metering import NoMeter


class _Meter(NoMeter):
    def __init__(self):
        self.requests = []

    def request(self, method, route, status, seconds):
        self.requests.append((method, route, status))


class MetricsTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.meter = _Meter()
        self.token = None

    def _app(self, environ, start_response):
        if environ['PATH_INFO'].startswith('/v2'):
            environ[metrics.ROUTE] = '/images/{image_id}'
        start_response('200 OK', [])
        return [b'answer']

    def _call(self, path='/v2/images/1', method='GET', **environ):
        app = metrics.Metrics(self._app, self.meter, lambda: b'numbers', self.token)
        told = []
        body = app({'PATH_INFO': path, 'REQUEST_METHOD': method, **environ}, lambda *args: told.append(args))
        return told[0][0], b''.join(body)

    def test_routes_are_counted_not_paths(self):
        self.assertEqual(('200 OK', b'answer'), self._call())
        self._call('/somewhere/else')
        self._call(method='BREW')
        route = '/images/{image_id}'
        self.assertEqual([('GET', route, '200'), ('GET', 'none', '200'), ('OTHER', route, '200')], self.meter.requests)

    def test_the_page_is_not_counted(self):
        self.assertEqual(('200 OK', b'numbers'), self._call('/metrics'))
        self.assertEqual(('200 OK', b''), self._call('/metrics', 'HEAD'))
        self.assertEqual('405 Method Not Allowed', self._call('/metrics', 'DELETE')[0])
        self.assertEqual([], self.meter.requests)

    def test_reader_needs_the_token(self):
        self.token = 'secret'
        for sent in ('', 'Bearer', 'Bearer wrong', 'Bearer secret ', 'Bearer sécret'):
            self.assertEqual(('401 Unauthorized', b''), self._call('/metrics', HTTP_AUTHORIZATION=sent), sent)
        self.assertEqual(('200 OK', b'numbers'), self._call('/metrics', HTTP_AUTHORIZATION='Bearer secret'))
