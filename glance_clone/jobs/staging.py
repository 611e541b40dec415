# SPDX-License-Identifier: Apache-2.0
"""Looks after the staging directory of this node, and the one in which tasks work: removes what nobody will come for (R5).

Files of images on which somebody works belong to the owner of that lease. Other nodes may have the same directory; that
does no harm, since the database tells of all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.import_ports import StagedRepository
from glance_clone.domain.store_ports import StagingStore

LOG = logging.getLogger(__name__)

#: Images that are asked for in one statement.
_AT_ONCE = 200


class Leftover(NamedTuple):
    """A file that nobody will come for.

    :ivar age: seconds since which it must be as it is, to be removed
    """

    store: StagingStore
    image_id: str
    name: str
    reason: str
    age: float


class StagingKeeper:
    """Removes leftovers.

    :param stores: the directories of this node that hold data on its way
    :param grace: seconds for which a file is left alone that may belong to something
    """

    def __init__(self, stores: Sequence[StagingStore], staged: StagedRepository, grace: float):
        self._stores = stores
        self._staged = staged
        self._grace = grace

    def sweep(self) -> None:
        """Look at every file once; what cannot be judged now waits for the next time."""
        try:
            for found in self.leftovers():
                self.remove(found)
        except errors.ImageServiceError as error:
            LOG.warning('The staging directory could not be looked through: %s', error)

    def begin(self) -> None:
        """Look at every file once, when a process starts; marks of tasks that other software ran here go, too (section 13)."""
        try:
            for store in self._stores:
                for name in store.marks():
                    store.delete(name, older_than=self._grace)
        except errors.ImageServiceError as error:
            LOG.warning('The marks of tasks could not be removed: %s', error)
        self.sweep()

    def leftovers(self) -> Iterator[Leftover]:
        """Yield what nobody will come for."""
        for store in self._stores:
            files = list(store.names())
            for start in range(0, len(files), _AT_ONCE):
                yield from self._judged(store, files[start : start + _AT_ONCE])

    def remove(self, found: Leftover) -> bool:
        """Remove a leftover and what is known of it; False if it has become something else meanwhile."""
        if not found.store.delete(found.name, older_than=found.age):
            return False
        LOG.info('Removed %s from the directory of data on its way: %s.', found.name, found.reason)
        if found.name == found.image_id:
            self._staged.forget(found.image_id)
        return True

    def _judged(self, store: StagingStore, files: list[tuple[str, str, float]]) -> Iterator[Leftover]:
        ids = sorted({image_id for image_id, _name, _age in files})
        leased, status = self._staged.leased(ids), self._staged.status_of(ids)
        for image_id, name, age in files:
            state = status.get(image_id)
            if image_id in leased:
                continue
            if state is None:
                yield Leftover(store, image_id, name, 'its image is deleted', 0)
            elif age >= self._grace and not _is_wanted(state, image_id, name):
                yield Leftover(store, image_id, name, f'its image is {state}, and nobody works on it', self._grace)


def _is_wanted(state: str, image_id: str, name: str) -> bool:
    """Tell whether a file of an image without lease may be needed yet: by its owner, or by other software."""
    return state == images.IMPORTING or (state == images.UPLOADING and name == image_id)
