# SPDX-License-Identifier: Apache-2.0
"""What the repository of leases promises, on every database."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.tests.functional.db import base


class _Leases:
    def hold(self, image: Image | None = None, operation: str = 'upload', owner: str = 'worker') -> Lease:
        """Store a lease on an image, a new one by default, and return it."""
        image = image or self.add()
        lease = self.lease(image, operation, owner)
        self.images.save(self.images.get(image.id, self.me), from_state='queued', take=lease)
        return lease

    def expire(self, *those: Lease) -> None:
        """Let leases run out."""
        attempts = [lease.attempt for lease in those]
        with self.database.write() as connection:
            connection.execute(sa.update(leases).where(leases.c.attempt.in_(attempts)).values(expires_at=1))

    def test_a_new_lease_holds_for_its_time(self) -> None:
        self.hold()
        (row,) = self.rows(leases)
        self.assertAlmostEqual(time.time() + base.TTL, row['expires_at'], delta=10)
        self.assertEqual([], self.leases.claim_expired('other', base.TTL))

    def test_renewing_moves_all_of_one_owner(self) -> None:
        mine = [self.hold(), self.hold()]
        theirs = self.hold(owner='other')
        self.expire(*mine, theirs)
        self.assertEqual(2, self.leases.renew('worker', 1000))
        for row in self.rows(leases, owner='worker'):
            self.assertAlmostEqual(time.time() + 1000, row['expires_at'], delta=10)
        self.assertEqual([theirs.attempt], [lease.attempt for lease in self.leases.claim_expired('third', base.TTL)])
        self.assertEqual(0, self.leases.renew('nobody', 1))

    def test_release(self) -> None:
        lease = self.hold()
        for other in ('owner', 'attempt', 'operation'):
            stranger = Lease(lease.image_id, lease.operation, lease.owner, lease.attempt)
            setattr(stranger, other, 'x')
            self.assertFalse(self.leases.release(stranger), other)
        self.assertTrue(self.leases.release(lease))
        self.assertFalse(self.leases.release(lease))

    def test_a_claim_has_all_that_is_needed_to_go_on(self) -> None:
        lease = self.hold(operation='delete')
        self.expire(lease)
        (claimed,) = self.leases.claim_expired('reaper', base.TTL)
        self.assertEqual(Lease(lease.image_id, 'delete', 'reaper', lease.attempt, {'store': 'fast'}), claimed)
        self.assertFalse(self.leases.release(lease), 'the dead owner has lost it')
        self.assertEqual([], self.leases.claim_expired('reaper', base.TTL), 'claimed leases hold')
        self.assertTrue(self.leases.release(claimed))

    def test_oldest_claims_first(self) -> None:
        held = [self.hold() for _ in range(3)]
        self.expire(*held)
        self.assertEqual(2, len(self.leases.claim_expired('reaper', base.TTL, limit=2)))
        self.assertEqual(1, len(self.leases.claim_expired('reaper', base.TTL, limit=2)))

    def test_two_claimers_never_get_the_same(self) -> None:
        self.expire(*(self.hold() for _ in range(20)))
        barrier, claims = threading.Barrier(4), []

        def claim(number: int) -> None:
            barrier.wait()
            claims.extend(self.leases.claim_expired(f'reaper {number}', base.TTL))

        threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(20, len(claims))
        self.assertEqual(20, len({lease.attempt for lease in claims}))
        self.assertEqual(
            {(lease.attempt, lease.owner) for lease in claims}, {(r['attempt'], r['owner']) for r in self.rows(leases)}
        )

    def test_the_image_of_a_lease(self) -> None:
        lease = self.hold()
        for status in ('saving', 'pending_delete', 'active'):
            self.change(tables.images, status=status)
            self.assertEqual(status, self.leases.image_of(lease).status)
        image = self.leases.image_of(lease)
        image.status = 'queued'
        self.images.save(image, from_state='active', drop=lease)
        self.change(tables.images, deleted=True)
        self.assertIsNone(self.leases.image_of(lease))


class SQLiteLeasesTest(_Leases, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBLeasesTest(_Leases, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLLeasesTest(_Leases, base.RepositoryTestCase):
    kind = 'postgresql'
