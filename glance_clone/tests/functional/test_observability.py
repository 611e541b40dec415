# SPDX-License-Identifier: Apache-2.0
"""What operators see of a running service: metrics, health, structured logs, traces."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
from concurrent import futures

import requests
from osprofiler import profiler
from osprofiler import web
from osprofiler.drivers import base as drivers

from glance_clone.tests import base as tests_base
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base
from glance_clone.tests.functional import gabbi_fixtures

_DATA = bytes(100_000)
_FILE = '/images/{image_id}/file'


_TOKEN = 'of-the-prometheus'


class MetricsTestCase(base.ServiceTestCase):
    """A service with metrics and a cache, whose processes log in JSON."""

    options = {
        'DEFAULT': {
            'image_cache_dir': '${STATE_DIR}/cache',
            'worker_self_reference_url': 'http://127.0.0.1:${PORT}',
            'use_json': True,
        },
        'paste_deploy': {'flavor': 'keystone+caching'},
        'metrics': {
            'enabled': True,
            'directory': '${STATE_DIR}/metrics',
            'token_file': '${STATE_DIR}/etc/token',
            'image_count_interval': 1,
        },
    }

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        """Return the service to test, with a token for its metrics."""
        return _Service(database_url, cls.launcher, cls.options)

    def page(self) -> str:
        """Return the page that Prometheus reads."""
        answer = self.request(None, 'GET', '/metrics', headers={'Authorization': f'Bearer {_TOKEN}'})
        self.assertEqual(200, answer.status_code)
        self.assertIn('text/plain', answer.headers['Content-Type'])
        return answer.text

    def value(self, name: str, **labels: str) -> float:
        """Return the value of a metric with exactly these labels, 0 if there is none."""
        for line in self.page().splitlines():
            found = re.fullmatch(rf'{name}(?:{{(.*)}})? (\S+)', line)
            if found and dict(re.findall(r'(\w+)="([^"]*)"', found[1] or '')) == labels:
                return float(found[2])
        return 0.0

    def requests(self, method: str, route: str, status: int) -> float:
        """Return how many requests were counted."""
        labels = {'method': method, 'route': route, 'status': str(status)}
        return self.value('glance_http_request_duration_seconds_count', **labels)


class _Service(service.Service):
    """A service with the file that its options name."""

    def _write_configuration(self) -> None:
        super()._write_configuration()
        (self.state / 'etc' / 'token').write_text(f'{_TOKEN}\n')


class _Metrics:
    """The tests; the classes below say where they run."""

    def test_what_happens_is_counted(self) -> None:
        before = {'received': self._bytes('received'), 'sent': self._bytes('sent'), 'hit': self._cache('hit')}
        downloads = self.requests('GET', _FILE, 200)
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, _DATA).status_code)
        self.download(image_id)
        process.wait_until((self.service.state / 'cache' / image_id).exists, 10, 'it is cached')
        self.download(image_id)
        self.download(image_id, 'bob')
        self.assertEqual(downloads + 2, self.requests('GET', _FILE, 200))
        self.assertLess(0, self.requests('GET', _FILE, 404))
        self.assertLess(0, self.requests('PUT', _FILE, 204))
        self.assertEqual(before['received'] + len(_DATA), self._bytes('received'))
        self.assertEqual(before['sent'] + len(_DATA), self._bytes('sent'))
        self.assertEqual(before['hit'] + 1, self._cache('hit'))
        process.wait_until(lambda: self.value('glance_images', status='active') >= 1, 5, 'it is counted')
        self.assertLessEqual(len(_DATA), self.value('glance_image_bytes', status='active'))
        process.wait_until(lambda: self._under_way() == 0, 15, 'transfers have ended')
        self.assertNotIn(image_id, self.page())
        self.assert_no_traceback()

    def test_many_readers_of_a_cold_image_read_its_store_once(self) -> None:
        data = bytes(512) + os.urandom(8_000_000)
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, data).status_code)
        before = self._bytes('sent')
        with futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.download(image_id).content, range(8)))
        self.assertEqual({data}, set(answers))
        self.assertEqual(before + len(data), self._bytes('sent'))

    def _bytes(self, direction: str) -> float:
        return self.value('glance_store_bytes_total', direction=direction, store='fast')

    def _cache(self, event: str) -> float:
        return self.value('glance_image_cache_events_total', event=event)

    def _under_way(self) -> float:
        return sum(self.value('glance_transfers_in_flight', kind=kind) for kind in ('upload', 'download'))

    def test_numbers_outlive_a_worker(self) -> None:
        self.request('alice', 'GET', '/v2/images')
        before = self.requests('GET', '/images', 200)
        os.kill(self.service.workers()[0], signal.SIGKILL)
        process.wait_until(self._answers, 30, 'a worker answers')
        self.assertLess(before, self.requests('GET', '/images', 200))

    def _answers(self) -> bool:
        try:
            return self.request('alice', 'GET', '/v2/images').status_code == 200
        except requests.RequestException:
            return False

    def test_reader_needs_the_token(self) -> None:
        for headers in ({}, {'Authorization': 'Bearer other'}, {'Authorization': f'Basic {_TOKEN}'}):
            answer = self.request(None, 'GET', '/metrics', headers=headers)
            self.assertEqual((401, ''), (answer.status_code, answer.text))
        self.assertEqual(405, self.request('admin', 'POST', '/metrics').status_code)


class UwsgiMetricsTest(_Metrics, MetricsTestCase):
    """Processes of uWSGI."""

    def test_log_lines_are_json_and_carry_the_request(self) -> None:
        answer = self.request('alice', 'GET', '/v2/images/0f0f0f0f-0000-4000-8000-00000000000f')
        request_id = answer.headers['x-openstack-request-id']
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith('{') and request_id in line]
        self.assertEqual([request_id], [line['context']['request_id'] for line in lines])
        self.assertEqual(['INFO'], [line['levelname'] for line in lines])


class StandaloneMetricsTest(_Metrics, MetricsTestCase):
    """Processes of the standalone server."""

    launcher = service.STANDALONE


class HealthTest(base.ServiceTestCase):
    """Checks of a service without further options: nothing else is exposed."""

    options = {'readiness': {'interval': 0}}

    def _ready(self, **headers: str) -> requests.Response:
        return self.request(None, 'GET', '/healthcheck/ready', headers=headers)

    def test_well(self) -> None:
        for path in ('/healthcheck', '/healthcheck/live', '/healthcheck/ready'):
            answer = self.request(None, 'GET', path)
            self.assertEqual((200, 'OK'), (answer.status_code, answer.text), path)
        self.assertEqual({'ready': True}, self._ready(Accept='application/json').json())
        self.assertEqual(405, self.request(None, 'POST', '/healthcheck/ready').status_code)
        self.assertEqual(300, self.request('admin', 'GET', '/metrics').status_code)

    def _assert_not_ready_without(self, path: pathlib.Path, check: str) -> None:
        away = path.with_name(f'{path.name}.away')
        path.rename(away)
        try:
            answer = self._ready()
            if path.exists():
                # A worker that was still starting has made it anew; it does that once.
                path.rmdir()
                answer = self._ready()
        finally:
            away.rename(path)
        self.assertEqual((503, 'NOT READY'), (answer.status_code, answer.text))
        self.assertIn('Retry-After', answer.headers)
        self.assertIn(f'the check of {check} failed', self.log())
        self.assertEqual(200, self._ready().status_code)

    def test_store_is_gone(self) -> None:
        self._assert_not_ready_without(self.service.state / 'fast', 'store fast')

    def test_staging_is_gone(self) -> None:
        self._assert_not_ready_without(self.service.state / 'staging', 'staging')


class DatabaseTest(base.ServiceTestCase):
    """A service that cannot log in to its database, and tells in detail what is wrong."""

    database = 'mariadb'
    options = {'healthcheck': {'detailed': True}}

    def test_wrong_login(self) -> None:
        config = self.service.config_file
        text = config.read_text()
        self.addCleanup(config.write_text, text)
        config.write_text(re.sub(r'(connection = \w[^@]*)@', r'\1x@', text))
        self.service.restart()
        answer = self.request(None, 'GET', '/healthcheck/ready', headers={'Accept': 'application/json'})
        self.assertEqual(503, answer.status_code)
        wanted = {'database': 'failed', 'store fast': 'ok', 'staging': 'ok'}
        self.assertEqual({'ready': False, 'checks': wanted}, answer.json())
        self.assertEqual(200, self.request(None, 'GET', '/healthcheck/live').status_code)


class _Recorder(drivers.Driver):
    """Keeps traces."""

    told: list[dict[str, object]] = []

    def notify(self, info: dict[str, object], **kwargs: object) -> None:
        """Keep a point of a trace."""
        self.told.append(info)

    @classmethod
    def get_name(cls) -> str:
        """Return the scheme of its connection string."""
        return 'recorder'


class _ProfiledService(gabbi_fixtures.ImageService):
    def options(self, state: pathlib.Path) -> dict[str, dict[str, object]]:
        """Return options with a profiler."""
        traced = {'enabled': True, 'trace_sqlalchemy': True, 'hmac_keys': 'key', 'connection_string': 'recorder://'}
        return {**super().options(state), 'profiler': traced}


class ProfilerTest(tests_base.TestCase):
    """Traces of the application in this process."""

    def setUp(self) -> None:
        super().setUp()
        fixture = _ProfiledService()
        fixture.start_fixture()
        self.addCleanup(fixture.stop_fixture)
        self.addCleanup(web.disable)

    def _get(self, headers: dict[str, str]) -> str:
        names = {f'HTTP_{name.upper().replace("-", "_")}': value for name, value in headers.items()}
        statuses: list[str] = []
        answer = gabbi_fixtures.application()(
            {
                'REQUEST_METHOD': 'GET',
                'PATH_INFO': '/v2/images',
                'SCRIPT_NAME': '',
                'SERVER_NAME': 'here',
                'SERVER_PORT': '80',
                'SERVER_PROTOCOL': 'HTTP/1.1',
                'wsgi.url_scheme': 'http',
                'HTTP_X_IDENTITY_STATUS': 'Confirmed',
                'HTTP_X_PROJECT_ID': 'a',
                'HTTP_X_ROLES': 'member,reader',
                **names,
            },
            lambda status, headers, exc_info=None: statuses.append(status),
        )
        list(answer)
        return statuses[0]

    def test_signed_requests_are_traced(self) -> None:
        profiler.init('key')
        headers = web.get_trace_id_headers()
        profiler.clean()
        _Recorder.told.clear()
        self.assertEqual('200 OK', self._get(headers))
        names = {str(info['name']) for info in _Recorder.told}
        self.assertEqual({'wsgi-start', 'wsgi-stop', 'db-start', 'db-stop'}, names)
        _Recorder.told.clear()
        self.assertEqual('200 OK', self._get({}))
        self.assertEqual([], _Recorder.told)
