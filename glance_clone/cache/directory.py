# SPDX-License-Identifier: Apache-2.0
"""The directory of the cache, in the layout that operators know.

``<image id>`` is complete data; ``incomplete/<image id>`` is data that is coming in, locked by whoever brings it;
``invalid/<image id>`` was not what its image says; ``queue/<image id>`` is empty and tells that the image is to be cached.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

COMPLETE = ''
INCOMPLETE = 'incomplete'
INVALID = 'invalid'
QUEUE = 'queue'

#: Permissions of complete data (D-19).
MODE = 0o640
_DIRECTORY_MODE = 0o750
_LOCK = '.lock'
#: Seconds to wait for others that prune or clean.
_LOCK_TIME = 30.0
_LOCK_PAUSE = 0.05
_IMAGE_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def is_image_id(name: str) -> bool:
    """Tell whether a name is a canonical UUID; nothing else becomes the name of a file."""
    return _IMAGE_ID.fullmatch(name) is not None


class CacheDirectory:
    """Files of the cache.

    :param path: the directory; it is created with :meth:`prepare`
    """

    def __init__(self, path: str):
        self.path = os.path.abspath(path)

    def prepare(self) -> None:
        """Create what is missing.

        :raises OSError: it cannot be created
        """
        for part in (COMPLETE, INCOMPLETE, INVALID, QUEUE):
            os.makedirs(os.path.join(self.path, part), mode=_DIRECTORY_MODE, exist_ok=True)

    def path_of(self, part: str, image_id: str) -> str:
        """Return the path of a file.

        :raises ImageNotFound: no image could have this id
        """
        if not is_image_id(image_id):
            raise errors.ImageNotFound(image_id[:64])
        return os.path.join(self.path, part, image_id)

    def files(self, part: str) -> dict[str, os.stat_result]:
        """Return the files of a part by image id; they may go at any time."""
        found = {}
        with os.scandir(os.path.join(self.path, part)) as entries:
            for entry in entries:
                if is_image_id(entry.name) and entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):
                        found[entry.name] = entry.stat(follow_symlinks=False)
        return found

    def state(self, part: str, image_id: str) -> os.stat_result | None:
        """Return the state of a file, None if it is not there."""
        try:
            return os.stat(self.path_of(part, image_id), follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self, part: str, image_id: str) -> bool:
        """Remove a file; False if there was none."""
        try:
            os.unlink(self.path_of(part, image_id))
        except FileNotFoundError:
            return False
        return True

    def mark(self, image_id: str) -> bool:
        """Put an image into the queue; False if it is there already."""
        try:
            descriptor = os.open(self.path_of(QUEUE, image_id), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, MODE)
        except FileExistsError:
            return False
        os.close(descriptor)
        return True

    def free(self) -> int:
        """Return the bytes that can still be written here."""
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the directory, which prunes and cleans of all processes share.

        :raises Unavailable: another holds it for too long
        """
        descriptor = os.open(os.path.join(self.path, _LOCK), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, MODE)
        try:
            deadline = time.monotonic() + _LOCK_TIME
            while not try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise errors.Unavailable('The cache is being pruned or cleaned by another process; try again later.')
                time.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)


def try_lock(descriptor: int, shared: bool = False) -> bool:
    """Lock an open file without waiting; False if another holds it. The lock ends with the descriptor, or the process."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give a lock back."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
