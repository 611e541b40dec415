# SPDX-License-Identifier: Apache-2.0
"""The contracts of stores and of what moves bytes to and from them; see :mod:`glance_clone.domain.ports`."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol
from typing import runtime_checkable

from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject


class BlobReader(Protocol):
    """Open data of one location. Iterate it once, then close it."""

    #: Bytes of the whole object, not only of the part that was asked for.
    size: int

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes asked for; raises StoreError if fewer come than were promised."""

    def close(self) -> None:
        """Give back what the store lent."""


class FileBlobReader(BlobReader, Protocol):
    """Data that lies in a file, so that the server can send it without copying.

    ``fileobj`` is an open binary file positioned at the first byte asked for; ``length`` bytes of it are wanted.
    """

    fileobj: Any
    length: int


class BlobWriter(Protocol):
    """Takes the bytes of one new object. Nothing is visible under the final name before commit."""

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append a block.

        :raises StoreFull: no room
        :raises StoreUnavailable: the store refuses or cannot write
        :raises BlobExists: as commit does, where that is known by now
        """

    def commit(self) -> Location:
        """Make the object durable and visible, and say where it is.

        :raises BlobExists: an object of the name is there already
        """

    def abort(self) -> None:
        """Leave nothing behind, also after commit; may be called at any time and more than once."""


@runtime_checkable
class FileCopyingWriter(BlobWriter, Protocol):
    """A writer that may get bytes from an open file of this node without their passing through this process."""

    def clone(self, file: int, size: int) -> bool:
        """Let a new object have all bytes of a file, to which nothing is to be appended; False where it must be copied.

        :param file: a descriptor
        :param size: bytes of the file
        :raises StoreUnavailable: as write does
        """

    def copy(self, file: int, start: int, size: int) -> bool:
        """Append bytes of a file; False where they must be written, none having been appended.

        :raises StoreFull: no room
        :raises StoreUnavailable: as write does
        """


class BlobStore(Protocol):
    """One configured store."""

    #: Name by which users and operators choose the store; None for the one classic store.
    id: str | None
    description: str
    #: Copies in stores of greater weight are read first.
    weight: int
    #: URL schemes that the store's locations may have.
    schemes: tuple[str, ...]
    writable: bool
    #: Type of the store as operators are shown it, e.g. ``file``.
    kind: str
    #: False for a store that takes requests but is not in the lists from which users choose.
    advertised: bool

    def properties(self) -> dict[str, Any]:
        """Return the settings that operators are shown; no secrets."""

    def writer(self, blob_id: str, attempt: str, size: int | None) -> BlobWriter:
        """Begin a new object.

        :param blob_id: its name, the image id
        :param attempt: random name of this try, for temporary names
        :param size: announced bytes, None if unknown
        :raises StoreReadOnly: the store takes no data
        :raises StoreFull: the announced size cannot fit
        """

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """Open the data for reading from offset, to its end if no length is given.

        :raises BlobNotFound: nothing is there
        :raises StoreUnavailable: the store cannot be read now
        """

    def size(self, location: Location) -> int:
        """Return the number of bytes at the location; raises as open does."""

    def remove(self, location: Location) -> None:
        """Remove the object.

        :raises BlobNotFound: it was gone already
        :raises BlobInUse: something depends on it
        """

    def discard(self, blob_id: str, attempt: str) -> None:
        """Remove what a dead writer of this attempt left: temporary and committed objects that no record refers to."""

    def objects(self) -> Iterator[StoredObject]:
        """Yield everything in the store, temporary objects included, in no particular order.

        :raises CannotList: the store cannot tell
        :raises StoreUnavailable: the store cannot be read now
        """

    def remove_object(self, found: StoredObject) -> None:
        """Remove one object that :meth:`objects` told of, and nothing else; one that is gone already is no error.

        :raises BlobInUse: something depends on it
        :raises CannotList: as :meth:`objects` does
        """


@runtime_checkable
class CheckedStore(Protocol):
    """A store that can tell whether it works, without moving data."""

    id: str | None

    def check(self) -> None:
        """Look whether the store can be used now; raises StoreUnavailable or another StoreError if not."""


class AccountsStore(BlobStore, Protocol):
    """A store that keeps data in the accounts of users, who may read it there with credentials of their own."""

    def account(self) -> str:
        """Return what names the account of the present caller; no secret.

        :raises StoreUnavailable: there is no caller, or the caller has no account
        """

    def require_own(self, location: Location) -> None:
        """Refuse a location that is not in the account of the present caller, who names it (P4).

        The service may act in all accounts; it must not read or remove the data of others for whoever names it.

        :raises Invalid: it is elsewhere
        :raises StoreUnavailable: as :meth:`account`
        """

    def discard_in(self, account: str, blob_id: str, attempt: str) -> None:
        """Do what :meth:`BlobStore.discard` does, in the account of somebody else; what cannot be done is logged."""

    def share(self, location: Location, public: bool, projects: Sequence[str]) -> None:
        """Let everybody, or these projects and no others beside the owner of the account, read the data.

        :raises StoreUnavailable: the store is away, or does not let the caller or the service say that
        :raises BlobNotFound: nothing is there
        """


class AdoptingStore(BlobStore, Protocol):
    """A store that may make a file of this node its own without moving the bytes."""

    def adopt(self, source: str, blob_id: str, attempt: str, size: int, share: bool) -> BlobWriter | None:
        """Begin a new object that has all its bytes already; only its commit or abort is left to do.

        :param source: absolute path of a file that nobody changes any more
        :param share: whether the file itself may become the object, because its name goes as soon as that is committed
        :return: None where the bytes must be copied
        """


class StagingStore(BlobStore, Protocol):
    """The store of data that waits for its import: files of this node, whose names begin with the ids of their images."""

    def path(self, name: str) -> str:
        """Return the absolute path of a file."""

    def scratch(self, name: str) -> str:
        """Return the absolute path of the file that :meth:`keep_scratch` gives this name."""

    def keep_scratch(self, name: str) -> None:
        """Make a finished scratch file durable and give it its name."""

    def size_of(self, name: str) -> int | None:
        """Return the bytes of a file, None if it is not there."""

    def delete(self, name: str, older_than: float = 0) -> bool:
        """Remove a file, temporary or not; False if there was none, or it is younger than so many seconds."""

    def names_of(self, image_id: str) -> list[str]:
        """Return the names of the files that belong to an image."""

    def names(self) -> Iterator[tuple[str, str, float]]:
        """Yield for each file that belongs to an image: the id of the image, the name, and the age in seconds."""

    def marks(self) -> list[str]:
        """Return the names of the files by which other software marks that a task runs here."""


class StoreRegistry(Protocol):
    """The configured stores."""

    #: False for the one classic store, whose id users never see.
    multiple: bool
    default: BlobStore
    #: Where data waits for its import; no image lies there, and its id is none that users may name.
    staging: StagingStore
    #: Where tasks keep the data of images that they make; None where the staging directory serves that, too.
    tasks: StagingStore | None

    def all(self) -> list[BlobStore]:
        """Return every store in the order of the configuration, reserved ones left out."""

    def get(self, store_id: str | None) -> BlobStore:
        """Return the store of that id, the default for None.

        :raises StoreUnknown: no store has that id
        """

    def of(self, location: Location) -> BlobStore:
        """Return the store that holds a location, found by its ``store`` or else by its url.

        :raises StoreUnknown: no configured store holds it
        """

    def by_weight(self, locations: list[Location], prefer: Sequence[str] = ()) -> list[Location]:
        """Return the locations in the order in which they should be read: greatest weight first, else as stored.

        :param prefer: ids of stores whose copies come before all others, in this order (D-13)
        """

    def attribute(self, locations: list[Location]) -> None:
        """Note in the metadata of locations which store holds them, where that is missing or out of date.

        Data of older releases does not name its store, and stores get other names. Nothing is saved here. Locations that
        no store claims stay as they are.
        """


class ByteSource(Protocol):
    """Where data comes from: the body of a request, a staged file, a remote server."""

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises ClientDisconnected: the source broke off
        """


class FillingSource(ByteSource, Protocol):
    """A source that can put its bytes where they are wanted, which saves a copy."""

    def readinto(self, buffer: memoryview) -> int:
        """Put at least one byte into a buffer, as many as have come and fit; return how many, 0 at the end.

        Raises as read does.
        """


class RemoteData(FillingSource, Protocol):
    """Data that a remote server sends. Read it once, then close it; read raises FetchError where the server breaks off."""

    #: Bytes of the whole object, not only of the part that was asked for; None if the server did not say.
    size: int | None
    #: Headers of the answer, names in lower case.
    headers: Mapping[str, str]

    def close(self) -> None:
        """Close the connection."""


class Fetcher(Protocol):
    """Fetches what users name by URL, and nothing that the operator does not allow (P3, D-10)."""

    def check(self, url: str) -> None:
        """Tell whether a URL may be fetched; its host is resolved, but nothing is sent to it.

        :raises UrlRefused: it may not, or its host is not known to the name service
        """

    def open(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        offset: int = 0,
        length: int | None = None,
        redirects: int = 10,
        total_timeout: float | None = None,
        alive: Callable[[], None] = ...,
    ) -> RemoteData:
        """Begin to fetch; the URL is checked anew, and so is every redirect.

        :param headers: further headers of the request; credentials in them go to the origin of the URL only
        :param offset: first byte that is wanted
        :param length: how many bytes are wanted at most, None for all
        :param redirects: how many are followed
        :param total_timeout: seconds for the whole, None for what the operator configured
        :param alive: called again and again while the server is waited for; what it raises ends the download
        :raises UrlRefused: the URL or a redirect may not be fetched
        :raises FetchError: the server cannot be reached or does not answer with the data
        """

    def size(self, url: str, headers: Mapping[str, str] | None = None, redirects: int = 10) -> int | None:
        """Return the bytes of an object without fetching it, None if the server does not say; raises as open does."""
