# SPDX-License-Identifier: Apache-2.0
"""Many who change one image at the same time: what was acknowledged stays, what was refused left no trace (R7)."""

from __future__ import annotations

from concurrent import futures

from glance_clone.tests.functional import base

_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}


class _Races:
    def _all(self, *requests: tuple[str, str, object]) -> list[int]:
        """Send all at the same time as alice; return their statuses."""

        def send(request: tuple[str, str, object]) -> int:
            method, path, document = request
            headers = _PATCH if method == 'PATCH' else {}
            return self.request('alice', method, path, json=document, headers=headers).status_code

        with futures.ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(send, requests))

    def _patch(self, image_id: str, *operations: tuple[str, str, object]) -> tuple[str, str, object]:
        document = [dict(zip(('op', 'path', 'value'), operation, strict=True)) for operation in operations]
        return ('PATCH', f'/v2/images/{image_id}', document)

    def test_nothing_acknowledged_is_lost(self) -> None:
        image_id = self.create()
        patches = [self._patch(image_id, ('add', f'/p{n}', str(n)), ('replace', '/min_ram', n)) for n in range(10)]
        tags = [('PUT', f'/v2/images/{image_id}/tags/t{n}', None) for n in range(6)]
        self.assertEqual([200] * 10 + [204] * 6, self._all(*patches, *tags))
        image = self.show(image_id)
        self.assertEqual([str(n) for n in range(10)], [image.get(f'p{n}') for n in range(10)])
        self.assertEqual({f't{n}' for n in range(6)}, set(image['tags']))
        self.assert_no_traceback()

    def test_quotas_hold(self) -> None:
        image_id = self.create(**{f'p{n}': 'x' for n in range(124)})
        statuses = self._all(*(self._patch(image_id, ('add', f'/q{n}', 'x')) for n in range(10)))
        self.assertEqual([200] * 4 + [413] * 6, sorted(statuses))
        self.assertEqual(128, sum(name[0] in 'pq' and name[1:].isdigit() for name in self.show(image_id)))

    def test_tags_are_replaced_as_a_whole(self) -> None:
        image_id = self.create()
        values = [[f'a{n}', f'b{n}'] for n in range(6)]
        self.assertEqual([200] * 6, self._all(*(self._patch(image_id, ('replace', '/tags', value)) for value in values)))
        self.assertIn(sorted(self.show(image_id)['tags']), values)


class SQLiteTest(_Races, base.ServiceTestCase):
    """On SQLite."""


class MariaDBTest(_Races, base.ServiceTestCase):
    """On MariaDB."""

    database = 'mariadb'


class PostgreSQLTest(_Races, base.ServiceTestCase):
    """On PostgreSQL."""

    database = 'postgresql'
