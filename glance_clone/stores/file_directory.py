# SPDX-License-Identifier: Apache-2.0
"""One data directory of a file store: names in it, never followed out of it, and what its errors mean.

Every access begins at a descriptor of the directory and follows no symbolic link below it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_REFUSED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOTDIR))
#: Extended attribute of directories in which this service has kept data.
_MARK = 'user.glance_clone.store'
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Directory:
    """A data directory.

    :param path: absolute, as operators wrote it; it may itself be a symbolic link
    :param priority: new data goes where this is greatest
    :param private: nobody but this service may have access to it (D-19)
    """

    def __init__(self, path: str, priority: int = 0, private: bool = False):
        self.path = os.path.abspath(path)
        self.priority = priority
        self._private = private
        self._could_be_made = True
        self._is_marked = False

    def prepare(self) -> None:
        """Create the directory; one that cannot be used is logged, and each use of it fails until it is mended."""
        try:
            os.makedirs(self.path, mode=0o700 if self._private else 0o750, exist_ok=True)
            state = os.stat(self.path)
        except OSError as error:
            LOG.error('The data directory %s cannot be created: %s. Until it is there the store fails.', self.path, error)
            self._could_be_made = False
            return
        if not os.access(self.path, os.W_OK | os.X_OK):
            LOG.error('The data directory %s cannot be written by this service: new data will be refused.', self.path)
        if self._private and (state.st_uid not in (0, os.geteuid()) or state.st_mode & 0o077):
            LOG.warning('Others have access to the directory %s; give it to the service alone: chmod 700.', self.path)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Lend a descriptor of the directory.

        :raises StoreUnavailable: it is not there or cannot be entered
        """
        try:
            descriptor = os.open(self.path, _DIRECTORY_FLAGS)
        except OSError as error:
            LOG.error('The data directory %s cannot be opened: %s', self.path, error)
            raise errors.StoreUnavailable('The store cannot be reached now; try again later.') from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def parent_of(self, relative: str) -> Iterator[tuple[int, str]]:
        """Lend a descriptor of the directory that holds a file, with the last part of its name, which must be there.

        :param relative: name below this directory
        """
        *above, name = relative.split('/')
        with self.opened() as root, contextlib.ExitStack() as stack:
            descriptor = root
            for part in above:
                descriptor = os.open(part, _DIRECTORY_FLAGS | os.O_NOFOLLOW, dir_fd=descriptor)
                stack.callback(os.close, descriptor)
            yield descriptor, name
            self.mark(root)

    def relative(self, path: str) -> str | None:
        """Return the name of a file below this directory, None if it lies elsewhere."""
        prefix = self.path.rstrip('/') + '/'
        if not path.startswith(prefix):
            return None
        relative = path[len(prefix) :]
        if any(part in ('', '.', '..') for part in relative.split('/')):
            return None
        return relative

    def check(self) -> None:
        """Look whether files can be listed and made here.

        :raises StoreUnavailable: not so
        """
        with self.opened() as descriptor:
            if not os.access('.', os.R_OK | os.W_OK | os.X_OK, dir_fd=descriptor):
                raise errors.StoreUnavailable(f'{self.path} cannot be read and written by this service.')
            # A file system that is read-only, or has lost its disk, still lets directories be opened.
            if os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
                raise errors.StoreUnavailable(f'The file system of {self.path} is read-only.')

    def mark(self, descriptor: int) -> None:
        """Note on the directory that data is kept in it, where its listing does not show that; see :meth:`require_there`."""
        if not self._is_marked:
            with contextlib.suppress(OSError):  # some file systems have no room for notes
                os.setxattr(descriptor, _MARK, b'1')
            self._is_marked = True

    def require_there(self) -> None:
        """Make sure that a file which is not found is gone, and not merely on a file system that is not mounted.

        A directory that is empty, and on which nothing notes that data was kept in it, is not believed.

        :raises StoreUnavailable: the directory is not there, or not believed
        """
        with self.opened() as descriptor:
            with os.scandir(descriptor) as entries:
                if next(entries, None) is not None:
                    return
            try:
                os.getxattr(descriptor, _MARK)
            except OSError as error:
                if error.errno != errno.ENODATA:
                    return  # whether it was noted cannot be known here
                LOG.error('The data directory %s is empty, but should hold data. Is its file system mounted?', self.path)
                raise errors.StoreUnavailable('The store is not there: its directory is empty.') from None

    def free(self) -> int:
        """Return the bytes that this service may still write here.

        :raises StoreReadOnly: the directory of a store could not be made when the service started, and still is not there
        :raises StoreUnavailable: it cannot be reached now
        """
        if not (self._could_be_made or self._private or os.path.isdir(self.path)):
            raise errors.StoreReadOnly('The store takes no data, as it is not set up; choose another store.')
        with translated(f'Measuring {self.path}'), self.opened() as descriptor:
            state = os.fstatvfs(descriptor)
        return state.f_bavail * state.f_frsize


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors of the operating system into those of the domain, and log them.

    :param what: what was tried, for the log
    """
    try:
        yield
    except OSError as error:
        LOG.error('%s failed: %s', what, error)
        if error.errno in _FULL:
            raise errors.StoreFull('The store has no room for the data.') from error
        if error.errno in _REFUSED:
            raise errors.StoreUnavailable('The store does not let the service at the data; an operator must look.') from error
        raise errors.StoreError('The store failed; an operator must look.') from error


def require_plain_name(name: str) -> str:
    """Return a name that is safe as the name of a file.

    :raises StoreError: it is not
    """
    if not name or '/' in name or '\0' in name or name.startswith('.'):
        raise errors.StoreError('The store cannot keep an object of that name.')
    return name
