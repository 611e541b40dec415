# SPDX-License-Identifier: Apache-2.0
"""The whole blob contract for stores in Swift and S3, against real servers; the functional tier has what matters most of it."""

from __future__ import annotations

from glance_clone.domain import errors
from glance_clone.domain.location import StoredObject
from glance_clone.tests.functional import object_stores
from glance_clone.tests.unit.stores import contract


class SwiftTest(object_stores.InSwift, object_stores.LargeObjects, contract.BlobContract):
    """A store in the account of the service."""


class S3Test(object_stores.InS3, object_stores.LargeObjects, contract.BlobContract):
    """A store in a bucket of the gateway."""


class AccountsTest(object_stores.InAccounts, contract.BlobContract):
    """A store in the accounts of users, which cannot be listed."""

    def test_all_objects_are_told(self) -> None:
        self.assertRaises(errors.CannotList, self.store.objects)

    def test_what_is_told_can_be_removed(self) -> None:
        self.assertRaises(errors.CannotList, self.store.remove_object, StoredObject('x', 'x', 1, 1, False))
