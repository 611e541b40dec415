# SPDX-License-Identifier: Apache-2.0
"""Compressed answers."""

import gzip

import webob
from oslotest import base

from glance_clone.api.middleware.gzip import GzipMiddleware

_DATA = bytes(range(256)) * 400


class _Body:
    """Blocks that know whether they were closed."""

    def __init__(self, blocks):
        self.blocks, self.closed, self.given = blocks, False, 0

    def __iter__(self):
        for block in self.blocks:
            self.given += 1
            yield block

    def close(self):
        self.closed = True


class GzipTest(base.BaseTestCase):
    def _get(self, response, coding='gzip, deflate', **environ):
        app = GzipMiddleware.factory({})(response)
        headers = {'Accept-Encoding': coding} if coding else {}
        return webob.Request.blank('/', headers=headers, environ=environ).get_response(app)

    def _data(self, body, **headers):
        response = webob.Response(content_type='application/octet-stream', app_iter=body)
        response.headers.update({'Content-Length': str(len(_DATA)), 'Content-MD5': 'plain', **headers})
        return response

    def test_documents(self):
        found = self._get(webob.Response(json={'a': 'b' * 1000}))
        self.assertEqual(('gzip', 'Accept-Encoding'), (found.content_encoding, found.headers['Vary']))
        self.assertEqual(len(found.body), found.content_length)
        self.assertIn(b'bbbb', gzip.decompress(found.body))
        self.assertLess(found.content_length, 200)

    def test_data_is_compressed_as_it_is_sent(self):
        body = _Body([_DATA[:50_000], _DATA[50_000:]])
        app = GzipMiddleware.factory({})(self._data(body))
        request = webob.Request.blank('/', headers={'Accept-Encoding': 'gzip'})
        request.environ['wsgi.file_wrapper'] = object()
        _status, headers, blocks = request.call_application(app)
        self.assertEqual(0, body.given)
        self.assertEqual(_DATA, gzip.decompress(b''.join(blocks)))
        blocks.close()
        self.assertTrue(body.closed)
        names = {name.lower(): value for name, value in headers}
        self.assertNotIn('content-length', names)
        self.assertEqual(('gzip', 'plain'), (names['content-encoding'], names['content-md5']))
        self.assertNotIn('wsgi.file_wrapper', request.environ)

    def test_who_does_not_ask_gets_it_plain(self):
        for coding in (None, 'identity', 'deflate', 'gzip;q=0', 'gzip; q=0.0', 'br'):
            found = self._get(webob.Response(body=b'text'), coding)
            self.assertEqual((None, b'text'), (found.content_encoding, found.body), coding)

    def test_weights(self):
        for coding in ('gzip;q=0.5', 'br, gzip;q=1', 'GZIP'):
            self.assertEqual('gzip', self._get(webob.Response(body=b'text'), coding).content_encoding, coding)

    def test_parts_and_empty_answers_stay(self):
        part = self._data([_DATA[:5]], **{'Content-Length': '5', 'Content-Range': 'bytes 0-4/1000'})
        part.status = 206
        found = self._get(part)
        self.assertEqual((None, 5), (found.content_encoding, found.content_length))
        self.assertIsNone(self._get(webob.Response(status=204)).content_encoding)
