# SPDX-License-Identifier: Apache-2.0
"""Who may read an image may read its data in the account that keeps it, too: what the records say, the stores are told.

It is put around the bare repositories, so that no way passes by, and only where a store keeps data in the accounts of users.
What takes access away is told before the record changes, and refused if the store cannot be told: nobody keeps an access
that was taken back. What gives access is told afterwards; where that fails, the data is still read through the service.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import Unpack
from typing import cast

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.member import Member
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import MemberRepository
from glance_clone.domain.ports import SaveTerms
from glance_clone.domain.store_ports import AccountsStore
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.domain.task import Task
from glance_clone.layers.accounts import keeps_in_accounts

LOG = logging.getLogger(__name__)

_OPEN = (images.PUBLIC, images.COMMUNITY)
#: States in which an image has data that others may read.
_READABLE = (images.ACTIVE, images.DEACTIVATED)
#: How many may read an image of each visibility, compared with the others.
_WIDTH = {images.PRIVATE: 0, images.SHARED: 1, images.COMMUNITY: 2, images.PUBLIC: 2}


class Sharing:
    """Tells stores who may read images.

    :param found: the bare repository of images
    :param members: the bare repository of members
    """

    def __init__(self, stores: StoreRegistry, found: ImageRepository, members: MemberRepository):
        self._stores = stores
        self._images = found
        self._members = members
        self._is_needed = any(keeps_in_accounts(store) for store in stores.all())

    def around(self, layer: Any, inner: Any) -> Any:
        """Return a repository with a layer of this module around it; itself where no store needs that."""
        return layer(inner, self) if self._is_needed else inner

    def find(self, image_id: str) -> Image | None:
        """Return the image as it is in the database, None if it is gone."""
        try:
            return self._images.get(image_id, SERVICE)
        except errors.ImageNotFound:
            return None

    def concerns(self, image: Image) -> bool:
        """Tell whether an image has data that stores must be told of."""
        return image.status in _READABLE and any(self._copies(image))

    def _copies(self, image: Image) -> Iterator[tuple[AccountsStore, Location]]:
        for location in image.locations:
            try:
                store = self._stores.of(location)
            except errors.StoreUnknown:
                continue
            if keeps_in_accounts(store):
                yield cast(AccountsStore, store), location

    def tell(self, image: Image, without: Sequence[str] = ()) -> None:
        """Tell the stores who may read an image now.

        :param without: members who may not any more
        :raises StoreUnavailable: a store cannot be told
        """
        is_open = image.visibility in _OPEN
        members = self._members.list(image.id) if image.visibility == images.SHARED else []
        projects = [member.member_id for member in members if member.member_id not in without]
        if image.owner is not None:
            # The data may be in the account of an administrator, or of a former owner.
            projects.append(image.owner)
        for store, location in self._copies(image):
            try:
                store.share(location, is_open, projects)
            except errors.BlobNotFound:
                LOG.error('A copy of image %s in store %s is gone: nobody can read it.', image.id, location.store or 'default')

    def try_to_tell(self, image: Image) -> None:
        """Tell the stores, and go on if they cannot be told."""
        try:
            self.tell(image)
        except errors.ImageServiceError as error:
            LOG.warning(
                'Who may read image %s is not told to its store: %s Until it changes again, it is read through the service.',
                image.id,
                error,
            )


class _Around:
    """Something around another one that passes on whatever it does not define itself."""

    def __init__(self, inner: Any, sharing: Sharing):
        self._inner = inner
        self._sharing = sharing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SharedImages(_Around):
    """Tells of changes of images; see :class:`glance_clone.domain.ports.ImageRepository`."""

    def save(self, image: Image, **terms: Unpack[SaveTerms]) -> None:
        """Store what changed; who may read the data is told before or after.

        :raises StoreUnavailable: fewer shall read it, and a store cannot be told
        """
        before = self._sharing.find(image.id) if self._sharing.concerns(image) else None
        if before is None:
            self._inner.save(image, **terms)
        elif _WIDTH[image.visibility] < _WIDTH[before.visibility]:
            self._narrow(before, image, terms)
        else:
            self._inner.save(image, **terms)
            if _audience(before) != _audience(image):
                self._sharing.try_to_tell(image)

    def _narrow(self, before: Image, image: Image, terms: SaveTerms) -> None:
        self._sharing.tell(image)
        try:
            self._inner.save(image, **terms)
        except BaseException:
            self._sharing.try_to_tell(before)
            raise


class SharedMembers(_Around):
    """Tells of members; see :class:`glance_clone.domain.ports.MemberRepository`."""

    def add(self, member: Member, quota: int) -> None:
        """Store a new member."""
        self._inner.add(member, quota)
        self._refresh(member)

    def save(self, member: Member) -> None:
        """Store the answer of a member, who may read the data whatever it is."""
        self._inner.save(member)
        self._refresh(member)

    def remove(self, member: Member) -> None:
        """Remove a member.

        :raises StoreUnavailable: a store cannot be told
        """
        image = self._sharing.find(member.image_id)
        if image is None or not self._sharing.concerns(image):
            self._inner.remove(member)
            return
        self._sharing.tell(image, without=[member.member_id])
        self._inner.remove(member)
        # Somebody else may have told of all members while this one was still among them.
        self._sharing.try_to_tell(image)

    def _refresh(self, member: Member) -> None:
        image = self._sharing.find(member.image_id)
        if image is not None and self._sharing.concerns(image):
            self._sharing.try_to_tell(image)


class SharedTasks(_Around):
    """Tells of images that become active with the end of a task; see ``TaskRepository``."""

    def finish(self, task: Task, image: Image | None, from_state: str | None, lease: Lease) -> None:
        """End a task together with what it did to its image."""
        self._inner.finish(task, image, from_state, lease)
        if image is not None and image.status != from_state and self._sharing.concerns(image):
            self._sharing.try_to_tell(image)


def _audience(image: Image) -> tuple[bool, str, str | None, list[str]]:
    """Return what decides who may read which data."""
    urls = sorted(location.url for location in image.locations)
    return image.status in _READABLE, image.visibility, image.owner, urls
