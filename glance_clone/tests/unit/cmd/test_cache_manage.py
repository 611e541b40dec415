# SPDX-License-Identifier: Apache-2.0
"""Words, questions, outputs and exit codes of ``glance-cache-manage``."""

from __future__ import annotations

import contextlib
import io
import json
import uuid
from unittest import mock

import fixtures
import requests
from oslotest import base

from glance_clone.cmd import cache_manage

_ID = str(uuid.uuid4())
_BASE = 'http://0.0.0.0:9292/v2'


class Routes:
    """Answers by method and URL; what was asked is kept."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.headers = {}

    def add(self, method, url, document=None, status=200):
        self.answers[method, url] = (status, document)

    def request(self, session, method, url):
        self.asked.append((method, url))
        self.headers = dict(session.headers)
        answer = requests.Response()
        answer.status_code, document = self.answers[method, url]
        answer._content = json.dumps(document).encode()
        return answer


class CacheManageTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.http = Routes()

        def request(session, method, url, timeout):
            return self.http.request(session, method, url)

        patch = mock.patch.object(requests.Session, 'request', request)
        patch.start()
        self.addCleanup(patch.stop)
        for name in ('OS_AUTH_URL', 'OS_AUTH_TOKEN', 'OS_TOKEN', 'OS_AUTH_STRATEGY'):
            self.useFixture(fixtures.EnvironmentVariable(name))

    def _run(self, *arguments, answer='n'):
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch('builtins.input', return_value=answer),
        ):
            try:
                code = cache_manage.main(arguments)
            except SystemExit as error:
                code = error.code
        return code, out.getvalue(), err.getvalue()

    def test_lists(self):
        entry = {'image_id': _ID, 'last_accessed': 86400.5, 'last_modified': 0, 'size': 123, 'hits': 7}
        self.http.add('GET', f'{_BASE}/cached_images', {'cached_images': [entry]})
        code, out, _err = self._run('list-cached')
        self.assertEqual(0, code)
        for text in ('Last Accessed (UTC)', 'Last Modified (UTC)', 'Size', 'Hits', _ID, '1970-01-02T00:00:00', 'N/A', '123'):
            self.assertIn(text, out)
        self.http.add('GET', f'{_BASE}/queued_images', {'queued_images': [_ID]})
        code, out, _err = self._run('list-queued')
        self.assertEqual((0, True), (code, _ID in out))

    def test_empty_lists(self):
        self.http.add('GET', f'{_BASE}/cached_images', {'cached_images': []})
        self.http.add('GET', f'{_BASE}/queued_images', {'queued_images': []})
        self.assertEqual((0, 'No cached images.\n'), self._run('list-cached')[:2])
        self.assertEqual((0, 'No queued images.\n'), self._run('list-queued')[:2])

    def test_changes_ask_first(self):
        changes = (
            ('PUT', f'queued_images/{_ID}', ('queue-image', _ID)),
            ('DELETE', f'cached_images/{_ID}', ('delete-cached-image', _ID)),
            ('DELETE', f'queued_images/{_ID}', ('delete-queued-image', _ID)),
            ('DELETE', 'cached_images', ('delete-all-cached-images',)),
            ('DELETE', 'queued_images', ('delete-all-queued-images',)),
        )
        for method, path, command in changes:
            asked = (method, f'{_BASE}/{path}')
            self.http.add(*asked, {'num_deleted': 2})
            self.assertEqual((0, 0), (self._run(*command)[0], self.http.asked.count(asked)), command)
            self.assertEqual((0, 1), (self._run(*command, answer='y')[0], self.http.asked.count(asked)), command)
            self.assertEqual((0, 2), (self._run('-f', *command)[0], self.http.asked.count(asked)), command)

    def test_verbose_tells_what_was_done(self):
        self.http.add('DELETE', f'{_BASE}/cached_images', {'num_deleted': 2})
        self.assertEqual('Deleted 2 cached images.\n', self._run('-v', '-f', 'delete-all-cached-images')[1])

    def test_wrong_usage(self):
        self.assertEqual(2, self._run()[0])
        self.assertEqual(1, self._run('explode')[0])
        self.assertEqual(1, self._run('queue-image', 'nonsense')[0])
        self.assertEqual(1, self._run('queue-image', _ID, _ID)[0])
        self.assertEqual(1, self._run('queue-image')[0])
        self.assertEqual(1, self._run('list-cached', _ID)[0])

    def test_help(self):
        code, out, _err = self._run('help')
        self.assertEqual((0, True), (code, 'delete-all-queued-images' in out))
        code, out, _err = self._run('help', 'queue-image')
        self.assertEqual((0, True), (code, 'Queue an image' in out))
        self.assertEqual(1, self._run('help', 'explode')[0])

    def test_failures_name_the_remedy(self):
        for status, text in ((401, 'log in'), (403, 'log in'), (404, 'cachemanage'), (500, '500')):
            self.http.add('GET', f'{_BASE}/cached_images', status=status)
            code, _out, err = self._run('list-cached')
            self.assertEqual((1, True), (code, text in err), err)

    def test_address_and_token(self):
        self.http.add('GET', 'http://[::1]:9999/v2/cached_images', {'cached_images': []})
        self.assertEqual(0, self._run('-H', '::1', '-p', '9999', '-A', 'secret', 'list-cached')[0])
        self.assertEqual('secret', self.http.headers['X-Auth-Token'])
        self.http.add('GET', 'https://node1:9292/v2/cached_images', {'cached_images': []})
        self.assertEqual(0, self._run('-H', 'https://node1:9292', '-k', 'list-cached')[0])

    def test_deprecation_is_told(self):
        self.assertIn('deprecated', self._run('help')[2])
