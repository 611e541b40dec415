# SPDX-License-Identifier: Apache-2.0
"""Swift with ``swift_store_multi_tenant``: each image in the account of whoever sends its data, in a container of its own.

What is done for a caller is done with the caller's token. Where that is refused, or nobody has asked, the service's own
account does it, if there is one (:mod:`glance_store_swift_service`); data is taken from callers only. Who may read an image
may read its container, too.
"""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NoReturn

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.store_ports import BlobReader
from glance_clone.stores.glance_store_errors import translated
from glance_clone.stores.glance_store_options import library
from glance_clone.stores.glance_store_options import masked
from glance_clone.stores.glance_store_reader import Reader
from glance_clone.stores.glance_store_swift import ID_LENGTH
from glance_clone.stores.glance_store_swift import SwiftStore
from glance_clone.stores.glance_store_swift_connection import Connection
from glance_clone.stores.glance_store_swift_connection import Nobody
from glance_clone.stores.glance_store_swift_connection import tokens_of
from glance_clone.stores.glance_store_swift_service import ServiceAccount
from glance_clone.stores.glance_store_writer import Added

LOG = logging.getLogger(__name__)


class SwiftAccountsStore(SwiftStore):
    """A store in the accounts of users; see :class:`glance_clone.domain.store_ports.AccountsStore`."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._service = ServiceAccount(self._conf, self.id, self.driver)
        if not self._service.is_configured:
            LOG.warning(
                'The %s keeps data in the accounts of users, and swift_store_user is not set: what nobody asks for, such as '
                'ending interrupted uploads, the scrubber and filling the cache, will fail there.',
                self.name,
            )

    def load_driver(self) -> Any:
        """Return a driver that puts all that belongs to an image into one container."""
        driver = super().load_driver()
        create = driver.create_location

        def create_location(name: str, context: Any = None) -> Any:
            place = create(name[:ID_LENGTH], context=context)
            place.obj = name
            return place

        driver.create_location = create_location
        return driver

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        if url.partition('://')[0] not in self.schemes or url.count('/') < 4:
            return -1
        above, container, name = url.rsplit('/', 2)
        prefix = f'{self.option("swift_store_container")}_'
        return len(above) + 1 + len(prefix) if container.startswith(prefix) and name else -1

    # Who acts.

    def context(self) -> Any:
        """Return the caller, whose account takes data.

        :raises StoreUnavailable: there is none, or not with a token
        """
        context = CONTEXT.get()
        if getattr(context, 'auth_token', None):
            return context
        raise errors.StoreUnavailable('The store keeps data in the accounts of users, and there is no user with a token now.')

    def connection(self, place: Any) -> Any:
        """Return what asks Swift as the caller, and as the service where that is refused."""
        url = place.swift_url
        return Connection(lambda: self._tokens(_origin(url)), lambda token: self.driver.get_store_connection(token, url))

    def _tokens(self, origin: tuple[str, str]) -> Iterator[str]:
        """Yield tokens for the server of a location: only those whose own catalogue names it, lest it gets those of others."""
        with contextlib.suppress(errors.StoreUnavailable):
            if _origin(self.account()) == origin:
                yield self.context().auth_token
        if self._service.is_configured and _origin(self._service.endpoint()) == origin:
            yield from tokens_of(self._service.session())

    def account(self) -> str:
        """Return the account of the caller, as the URL that the catalogue names.

        :raises StoreUnavailable: there is no caller, or no account
        """
        return str(self._place('account').auth_or_store_url)

    def require_own(self, location: Location) -> None:
        """See :meth:`AccountsStore.require_own`."""
        mine = self.account().rstrip('/')
        if self.match(location.url) >= 0 and not location.url.endswith('/..'):
            with contextlib.suppress(errors.StoreError):
                if self.place(location).store_location.swift_url.rstrip('/') == mine:
                    return
        raise errors.Invalid('A location in this store must be that of an image in the account of your own project.')

    def _place(self, blob_id: str) -> Any:
        context = self.context()
        try:
            return self.driver.create_location(blob_id, context=context)
        except Exception as error:
            LOG.error('The catalogue of project %s names no account for %s: %s', context.project_id, self.name, error)
            raise errors.StoreUnavailable('Your project has no account in the object store; ask an operator.') from None

    def container(self, blob_id: str) -> tuple[str, Any]:
        """Return the container of an image in the account of the caller, and a connection to it."""
        place = self._place(blob_id)
        return place.container, self.connection(place)

    # Data.

    def writer(self, blob_id: str, attempt: str, size: int | None) -> Any:
        """See :meth:`BlobStore.writer`; refused at once where there is no account to write to."""
        self.account()
        return super().writer(blob_id, attempt, size)

    def location_of(self, blob_id: str) -> Location:
        """Return where an object of this name lies or would lie in the account of the caller."""
        return Location(self._place(blob_id).get_uri())

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """See :meth:`BlobStore.open`."""
        if offset or length is not None:
            return super().open(location, offset, length)
        headers, blocks = self.get(location, {})
        size = int(headers.get('content-length', 0))
        return Reader(blocks, size, 0, size, blocks.close)

    def remove(self, location: Location) -> None:
        """Remove an object with its segments, then its container."""
        place = self.place(location)
        connection = self.connection(place.store_location)
        with translated(f'Removing data from {self.name}'):
            library('_drivers.swift.store').BaseStore.delete(self.driver, place, connection=connection)
        self._remove_container(connection, place.store_location.container)

    def _remove_container(self, connection: Any, container: str) -> None:
        """Remove the container of an image; one that another attempt uses stays, and one that is gone is no error."""
        try:
            connection.delete_container(container)
        except Exception as error:
            if getattr(error, 'http_status', None) not in (404, 409):
                LOG.warning('The container %s in %s stays: %s', container, self.name, masked(str(error)))

    def clean(self, blob_id: str, attempt: str, added: Added | None) -> None:
        """Remove what a driver left of an object that was not committed."""
        super().clean(blob_id, attempt, added)
        container, connection = self.container(blob_id)
        self._remove_container(connection, container)

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Remove what an attempt of the caller left; what is in whose account is not known here without one."""
        account = None
        with contextlib.suppress(errors.StoreUnavailable):
            account = self.account()
        if account is None:
            LOG.error('What an attempt left of %s in %s stays: nobody knows in which account.', blob_id, self.name)
        else:
            self._discard_in(account, blob_id, attempt)

    def discard_in(self, account: str, blob_id: str, attempt: str) -> None:
        """See :meth:`AccountsStore.discard_in`."""
        writer = self._writers.get((blob_id, attempt))
        if writer is not None:
            writer.give_up()
        try:
            self._discard_in(account, blob_id, attempt)
        except Nobody:
            LOG.error('What an attempt left of %s in the account %s stays: set swift_store_user.', blob_id, account)

    def _discard_in(self, account: str, blob_id: str, attempt: str) -> None:
        scheme = 'swift+http' if account.startswith('http://') else 'swift+https'
        container = f'{self.option("swift_store_container")}_{blob_id}'
        specs = {'scheme': scheme, 'container': container, 'obj': blob_id, 'auth_or_store_url': account}
        place = library('_drivers.swift.store').StoreLocation(specs, self._conf, backend_group=self.id)
        connection = self.connection(place)
        with translated(f'Discarding {blob_id} in {self.name}'):
            self.remove_parts_from(connection, container, blob_id, attempt)
        with contextlib.suppress(errors.BlobNotFound):
            self.remove(Location(place.get_uri()))
        self._remove_container(connection, container)

    # Sharing.

    def share(self, location: Location, public: bool, projects: Sequence[str]) -> None:
        """See :meth:`AccountsStore.share`; the projects of ``swift_store_admin_tenants`` may always read and write."""
        place = self.place(location)
        readers = [*projects, *self.driver.admin_tenants]
        with translated(f'Saying who may read data in {self.name}'):
            connection = self.connection(place.store_location)
            self.driver.set_acls(place, public=public, read_tenants=readers, write_tenants=[], connection=connection)

    # Listing.

    def check(self) -> None:
        """Look whether the service can log in, where it has an account; of users' accounts there is none to ask for."""
        if self._service.is_configured:
            with translated(f'Logging in for {self.name}'):
                self._service.session().get_token()

    def objects(self) -> NoReturn:
        """See :meth:`BlobStore.objects`."""
        raise errors.CannotList(f'The {self.name} keeps data in the accounts of users and cannot list it.')

    def remove_object(self, found: StoredObject) -> NoReturn:
        """See :meth:`BlobStore.remove_object`."""
        self.objects()


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and server of a URL."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()
