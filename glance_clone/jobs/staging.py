# SPDX-License-Identifier: Apache-2.0
"""Looks after the staging directory of this node: removes what nobody will come for (contract, section 13; R5).

Files of images on which somebody works belong to the owner of that lease. Other nodes may have the same directory; that
does no harm, since the database tells of all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.import_ports import StagedRepository
from glance_clone.domain.ports import StagingStore

LOG = logging.getLogger(__name__)

#: Images that are asked for in one statement.
_AT_ONCE = 200


class StagingKeeper:
    """Removes leftovers.

    :param grace: seconds for which a file is left alone that may belong to something
    """

    def __init__(self, store: StagingStore, staged: StagedRepository, grace: float):
        self._store = store
        self._staged = staged
        self._grace = grace

    def sweep(self) -> None:
        """Look at every file once; what cannot be judged now waits for the next time."""
        try:
            files = list(self._store.names())
            for start in range(0, len(files), _AT_ONCE):
                self._look_at(files[start : start + _AT_ONCE])
        except errors.ImageServiceError as error:
            LOG.warning('The staging directory could not be looked through: %s', error)

    def _look_at(self, files: list[tuple[str, str, float]]) -> None:
        ids = sorted({image_id for image_id, _name, _age in files})
        leased, status = self._staged.leased(ids), self._staged.status_of(ids)
        for image_id, name, reason in self._leftovers(files, leased, status):
            if self._store.delete(name, older_than=self._grace if image_id in status else 0):
                LOG.info('Removed %s from the staging directory: %s.', name, reason)
                if name == image_id:
                    self._staged.forget(image_id)

    def _leftovers(
        self, files: list[tuple[str, str, float]], leased: set[str], status: dict[str, str]
    ) -> Iterator[tuple[str, str, str]]:
        for image_id, name, age in files:
            state = status.get(image_id)
            if image_id in leased:
                continue
            if state is None:
                yield image_id, name, 'its image is deleted'
            elif age >= self._grace and not _is_wanted(state, image_id, name):
                yield image_id, name, f'its image is {state}, and nobody works on it'


def _is_wanted(state: str, image_id: str, name: str) -> bool:
    """Tell whether a file of an image without lease may be needed yet: by its owner, or by other software."""
    return state == images.IMPORTING or (state == images.UPLOADING and name == image_id)
