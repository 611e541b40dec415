# SPDX-License-Identifier: Apache-2.0
"""Requests for one image that come to several processes at once: one winner, and nothing mixed or left behind (R6, F13-F19)."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable

import requests

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MIB = 1024 * 1024
_ROUNDS = 4

Call = Callable[[], requests.Response]


class _Races:
    """The tests; the classes below say where they run."""

    def _together(self, *calls: Call) -> list[int]:
        """Make requests at the same time; return their statuses in the order of the calls."""
        statuses = [0] * len(calls)
        begin = threading.Barrier(len(calls))

        def run(number: int, call: Call) -> None:
            begin.wait()
            statuses[number] = call().status_code

        threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assert_no_traceback()
        return statuses

    def _delete(self, image_id: str, after: float = 0) -> requests.Response:
        time.sleep(after)
        return self.request('alice', 'DELETE', f'/v2/images/{image_id}')

    def _left(self, image_id: str) -> list[str]:
        return [name for name in self.service.files() if image_id in name]

    def test_one_of_many_deletes_wins(self) -> None:
        for _ in range(_ROUNDS):
            image_id = self.create()
            self.upload(image_id, b'x' * 100_000)
            statuses = self._together(*[lambda: self._delete(image_id)] * 4)  # noqa: B023
            self.assertEqual([204, 404, 404, 404], sorted(statuses))
            self.assertEqual([], self._left(image_id))

    def test_one_of_many_uploads_wins(self) -> None:
        for _ in range(_ROUNDS):
            image_id, bodies = self.create(), [os.urandom(2 * _MIB) for _ in range(3)]
            statuses = self._together(*(lambda body=body: self.upload(image_id, body) for body in bodies))  # type: ignore[misc]  # noqa: B023
            self.assertEqual([204, 409, 409], sorted(statuses))
            self.assertTrue(bodies[statuses.index(204)] == self.download(image_id).content, 'not the data of the winner')
            self.assertEqual([image_id], self._left(image_id))

    def test_delete_during_an_upload(self) -> None:
        for number in range(_ROUNDS):
            image_id, data = self.create(), os.urandom(3 * _MIB)
            uploaded, deleted = self._together(
                lambda: self.upload(image_id, data),  # noqa: B023
                lambda: self._delete(image_id, number * 0.02),  # noqa: B023
            )
            self.assertEqual(204, deleted)
            self.assertIn(uploaded, (204, 404, 410))
            self.assertEqual([], self._left(image_id))

    def test_delete_during_downloads(self) -> None:
        for _ in range(_ROUNDS):
            image_id = self.create()
            self.upload(image_id, os.urandom(_MIB))
            get = lambda: self.request('alice', 'GET', f'/v2/images/{image_id}/file', stream=True)  # noqa: E731, B023
            statuses = self._together(get, get, lambda: self._delete(image_id))  # noqa: B023
            self.assertEqual(204, statuses.pop())
            self.assertLessEqual(set(statuses), {200, 404})
        self.assertNotIn(' ERROR glance_clone', self.log())

    def test_one_id_is_given_once(self) -> None:
        for _ in range(_ROUNDS):
            document = {'id': str(uuid.uuid4()), 'tags': ['a'], 'own': 'b'}
            statuses = self._together(*[lambda: self.request('alice', 'POST', '/v2/images', json=document)] * 4)  # noqa: B023
            self.assertEqual([201, 409, 409, 409], sorted(statuses))

    def test_members(self) -> None:
        bob = self.personas.project('bob')
        for _ in range(_ROUNDS):
            members = f'/v2/images/{self.create()}/members'
            add = lambda: self.request('alice', 'POST', members, json={'member': bob})  # noqa: E731, B023
            self.assertEqual([200, 409, 409, 409], sorted(self._together(*[add] * 4)))
            accept = lambda: self.request('bob', 'PUT', f'{members}/{bob}', json={'status': 'accepted'})  # noqa: E731, B023
            remove = lambda: self.request('alice', 'DELETE', f'{members}/{bob}')  # noqa: E731, B023
            accepted, *removed = self._together(accept, remove, remove)
            self.assertIn(accepted, (200, 404))
            self.assertEqual([204, 404], sorted(removed))
            self.assertEqual([], self.request('alice', 'GET', members).json()['members'])

    def test_the_limit_of_members_holds(self) -> None:
        members = f'/v2/images/{self.create()}/members'
        add = lambda: self.request('alice', 'POST', members, json={'member': uuid.uuid4().hex})  # noqa: E731
        for _ in range(3):
            self.assertEqual(200, add().status_code)
        self.assertEqual([200, 200, 413, 413, 413], sorted(self._together(*[add] * 5)))
        self.assertEqual(5, len(self.request('alice', 'GET', members).json()['members']))

    def test_tags(self) -> None:
        for _ in range(_ROUNDS):
            image_id = self.create()
            tags = [f'/v2/images/{image_id}/tags/{name}' for name in ('a', 'b', 'a', 'c')]
            put = [lambda tag=tag: self.request('alice', 'PUT', tag) for tag in tags]  # type: ignore[misc]
            self.assertEqual([204] * 4, self._together(*put))
            self.assertEqual(['a', 'b', 'c'], sorted(self.show(image_id)['tags']))
            self.assertEqual([204, 404, 404], sorted(self._together(*[lambda: self.request('alice', 'DELETE', tags[0])] * 3)))  # noqa: B023


class MariaDBTest(_Races, base.ServiceTestCase):
    """Two processes under uWSGI, on MariaDB."""

    database = 'mariadb'
    options = {'DEFAULT': {'image_member_quota': 5}}


class StandaloneTest(_Races, base.ServiceTestCase):
    """Two processes of the standalone server, on one SQLite file."""

    launcher = service.STANDALONE
    options = {'DEFAULT': {'image_member_quota': 5}}
