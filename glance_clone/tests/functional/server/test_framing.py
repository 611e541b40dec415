# SPDX-License-Identifier: Apache-2.0
"""Framing: what is doubtful is refused, and nothing after it on the connection is ever taken for a request."""

from __future__ import annotations

from glance_clone.tests import base
from glance_clone.tests.functional.server import cases
from glance_clone.tests.functional.server import fixture


class StandaloneTest(base.TestCase):
    """The standalone server."""

    server: fixture.Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.share(fixture.Server(options={'client_body_timeout': 3}))

    def _send(self, case: cases.Case) -> list[int]:
        return fixture.statuses(self.server.talk(case.raw + cases.SECOND % case.name.encode()))

    def _ran(self, case: cases.Case) -> bool:
        return f'GET /second/{case.name}' in self.server.seen()

    def test_doubtful_requests_are_refused(self) -> None:
        for case in cases.BAD:
            with self.subTest(case.name):
                self.assertEqual([case.status], self._send(case), case.name)
                self.assertFalse(self._ran(case), case.name)

    def test_unusual_requests_are_served(self) -> None:
        for case in cases.GOOD:
            with self.subTest(case.name):
                second = [200] if case.second else []
                self.assertEqual([case.status, *second], self._send(case), case.name)
                self.assertEqual(case.second, self._ran(case), case.name)

    def test_refusals_are_logged_on_one_line_each(self) -> None:
        before = len(self.server.log())
        self.server.talk(b'GET /a\x1b[2J\x00 HTTP/1.1\r\nHost: image\r\n\r\n')
        self.server.talk(b'GET /\xc2\x9b"x HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n')
        refused, served = self.server.log()[before:].splitlines()
        self.assertIn('"- (the request line is malformed)" status: 400', refused)
        self.assertIn('"GET /\\xc2\\x9b\\"x HTTP/1.1"'.replace('\\xc2', 'Â'), served)

    def test_fields_with_underscores_are_dropped(self) -> None:
        fields = b'X-Roles: reader\r\nX_Roles: admin\r\nContent_Length: 7\r\n'
        answer = self.server.talk(b'GET /headers HTTP/1.1\r\nHost: image\r\nConnection: close\r\n' + fields + b'\r\n')
        self.assertIn(b'HTTP_X_ROLES=reader\n', answer)
        self.assertNotIn(b'admin', answer)
        self.assertNotIn(b'CONTENT_LENGTH', answer)

    def test_environ(self) -> None:
        head = b'GET /headers/a%2Fb%20c?q=%20&r HTTP/1.1\r\nHost: image:99\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n'
        lines = self.server.talk(head).decode().splitlines()
        for line in (
            'PATH_INFO=/headers/a/b c',
            'QUERY_STRING=q=%20&r',
            'HTTP_HOST=image:99',
            'HTTP_X_A=1,2',
            'REMOTE_ADDR=127.0.0.1',
            f'SERVER_PORT={self.server.port}',
            'wsgi.url_scheme=http',
        ):
            self.assertIn(line, lines)
        self.assertNotIn('CONTENT_TYPE', ' '.join(lines))

    def test_no_banner(self) -> None:
        self.assertNotIn(b'\nserver:', self.server.talk(cases.SECOND % b'banner').lower())

    def test_methods_without_a_body(self) -> None:
        answer = self.server.talk(b'HEAD /first HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n')
        self.assertEqual(b'', answer.partition(b'\r\n\r\n')[2])


class UwsgiTest(base.TestCase):
    """uWSGI with the shipped file: its parser is more lenient, but a connection never has a second request."""

    def test_second_request_never_runs(self) -> None:
        server = self.useFixture(fixture.Server(fixture.UWSGI))
        for case in cases.BAD + cases.GOOD:
            with self.subTest(case.name):
                answers = fixture.statuses(server.talk(case.raw + cases.SECOND % case.name.encode()))
                self.assertLessEqual(len(answers), 1, case.name)
                self.assertNotIn(f'GET /second/{case.name}', server.seen())
        self.assertIn('GET /first', server.seen())
