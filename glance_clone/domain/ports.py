# SPDX-License-Identifier: Apache-2.0
"""The contracts between the service and what it stands on.

The API and the layers know the database and the stores only by these protocols. Implementations live in
``glance_clone.db``, ``glance_clone.stores`` and ``glance_clone.transfer``; ``glance_clone.bootstrap`` puts them together.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import runtime_checkable

from glance_clone.domain import metadef
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.member import Member
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import RESOURCES
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage
from glance_clone.domain.quota import Work

if TYPE_CHECKING:
    from glance_clone.domain.importing import Material
    from glance_clone.domain.importing import Staged
    from glance_clone.domain.importing import Submitter


class ImageRepository(Protocol):
    """Keeps image records. Every write is one transaction and is repeated by the repository after a deadlock."""

    def get(self, image_id: str, caller: Caller) -> Image:
        """Return the image with properties, tags and locations.

        Visible are: to admins every image; else public and community images, those without owner, those of the
        caller's project, and shared ones of which the project is a member, whatever the member's status.

        :raises ImageNotFound: unknown, not visible, deleted, or being deleted
        """

    def list(self, query: ImageQuery, caller: Caller) -> list[Image]:
        """Return one page, complete with properties, tags and locations, in a bounded number of statements.

        :raises Invalid: unknown marker, sort key or filter
        :raises Forbidden: the marker exists but is not visible to the caller
        """

    def add(self, image: Image, id_is_new: bool = False, limits: Limits = NO_LIMITS) -> None:
        """Store a new image; sets ``created_at`` and ``updated_at``.

        :param id_is_new: the service has just made the id up, so that it cannot be that of an image of former times
        :param limits: what its owner may have with this image; looked at in the same transaction
        :raises DuplicateImage: the id is taken, also by an image that is deleted or purged
        :raises LimitExceeded: the owner would have too much
        """

    def save(
        self,
        image: Image,
        from_state: str | None = None,
        take: Lease | None = None,
        drop: Lease | None = None,
        hold: Lease | None = None,
        if_unchanged: bool = False,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Store what changed since the image was read, and nothing else; sets ``updated_at``.

        :param from_state: the status that the row must still have; status, sizes, hashes and locations are written
            only if this is given
        :param take: a lease to begin in the same transaction
        :param drop: a lease to end in the same transaction; it must still be held
        :param hold: a lease that must still be held, and stays so
        :param if_unchanged: store it only if nobody changed, since the image was read, what the changes may rest on: its
            status, owner and visibility, and which properties, tags or locations it has, if such are changed. Who gets
            StateChanged reads the image again and decides anew, so that no change is lost or let through by mistake (R7)
        :param limits: what its owner may have with these changes; looked at in the same transaction
        :raises StateChanged: the row has another status than from_state, or the lease to take is held by another
        :raises LastCopy: an active image would be left without any copy of its data
        :raises LeaseLost: the lease to drop or to hold is no longer held
        :raises ImageNotFound: the image is deleted or being deleted
        :raises LimitExceeded: the owner would have too much
        """

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Mark the image and its properties, tags, members and locations deleted, all with one time.

        :raises ImageNotFound: somebody else deleted it first
        :raises LeaseLost: the lease to drop is no longer held
        """


class MemberRepository(Protocol):
    """Keeps the projects with which images are shared."""

    def list(self, image_id: str) -> list[Member]:
        """Return the members of an image, in the order in which they were added."""

    def get(self, image_id: str, member_id: str) -> Member:
        """Return one member.

        :raises MemberNotFound: the project is none
        """

    def add(self, member: Member, quota: int) -> None:
        """Store a new member; sets its times.

        :param quota: largest number of members of one image, negative for any; counted in the same transaction
        :raises DuplicateMember: the project is one already
        :raises LimitExceeded: too many members
        """

    def save(self, member: Member) -> None:
        """Store the status of a member; sets ``updated_at``.

        :raises MemberNotFound: it was removed meanwhile
        """

    def remove(self, member: Member) -> None:
        """Remove a member.

        :raises MemberNotFound: it was removed meanwhile
        """


class NamespaceRepository(Protocol):
    """Keeps namespaces of metadata definitions.

    Here and in the repositories of what namespaces contain, every write is one transaction, all or nothing, and whoever
    loses a race for a name gets DuplicateName. A name of which the database cannot tell another one apart counts as taken.
    """

    def get(self, name: str, caller: Caller) -> metadef.Namespace:
        """Return the namespace without what it contains.

        :raises NamespaceNotFound: unknown, or not visible to the caller
        """

    def whole(self, name: str, caller: Caller) -> metadef.Namespace:
        """Return the namespace with everything that it contains, in a fixed number of statements; raises as get does."""

    def list(self, query: metadef.NamespaceQuery, caller: Caller) -> list[metadef.Namespace]:
        """Return a page of the visible namespaces with their associations, in a fixed number of statements.

        :raises NamespaceNotFound: the marker is unknown, or not visible to the caller
        """

    def add(self, namespace: metadef.Namespace) -> None:
        """Store a new namespace and everything in it; sets all times, and the id of the namespace.

        :raises DuplicateName: the name is taken, or two things in it have the same
        """

    def replace(self, old: metadef.Namespace, new: metadef.Namespace) -> None:
        """Store other attributes, also another name; what the namespace contains stays. Sets the times and id of new.

        :raises NamespaceNotFound: it was removed meanwhile
        :raises DuplicateName: the name is taken
        """

    def remove(self, namespace: metadef.Namespace) -> None:
        """Remove the namespace and everything in it, but no resource type.

        :raises NamespaceNotFound: it was removed meanwhile
        :raises Forbidden: it is protected
        """


class MetadefObjectRepository(Protocol):
    """Keeps the objects of namespaces. All methods raise NamespaceNotFound if the namespace was removed meanwhile."""

    def list(self, namespace: metadef.Namespace) -> list[metadef.Object]:
        """Return the objects in the order in which they were added."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Object:
        """Return one object.

        :raises DefinitionNotFound: there is none of that name
        """

    def add(self, namespace: metadef.Namespace, new: metadef.Object) -> None:
        """Store a new object; sets its times and id.

        :raises DuplicateName: the name is taken
        """

    def replace(self, namespace: metadef.Namespace, old: metadef.Object, new: metadef.Object) -> None:
        """Store other attributes, also another name; sets the times and id of new.

        :raises DefinitionNotFound: it was removed meanwhile
        :raises DuplicateName: the name is taken
        """

    def remove(self, namespace: metadef.Namespace, old: metadef.Object) -> None:
        """Remove one object.

        :raises DefinitionNotFound: it was removed meanwhile
        :raises Forbidden: the namespace is protected
        """

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all objects.

        :raises Forbidden: the namespace is protected
        """


class MetadefPropertyRepository(Protocol):
    """Keeps the properties of namespaces; see :class:`MetadefObjectRepository` for what each method promises."""

    def list(self, namespace: metadef.Namespace) -> list[metadef.Property]:
        """Return the properties in the order in which they were added."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Property:
        """Return one property."""

    def add(self, namespace: metadef.Namespace, new: metadef.Property) -> None:
        """Store a new property."""

    def replace(self, namespace: metadef.Namespace, old: metadef.Property, new: metadef.Property) -> None:
        """Store another definition, also another name."""

    def remove(self, namespace: metadef.Namespace, old: metadef.Property) -> None:
        """Remove one property."""

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all properties."""


class MetadefTagRepository(Protocol):
    """Keeps the tags of namespaces; see :class:`MetadefObjectRepository` for what each method promises."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Tag:
        """Return one tag."""

    def add(self, namespace: metadef.Namespace, new: metadef.Tag) -> None:
        """Store a new tag."""

    def add_all(self, namespace: metadef.Namespace, new: list[metadef.Tag], append: bool) -> None:
        """Store tags, all or none.

        :param append: keep the tags that are there, else take the new ones in their place
        """

    def replace(self, namespace: metadef.Namespace, old: metadef.Tag, new: metadef.Tag) -> None:
        """Store another name."""

    def remove(self, namespace: metadef.Namespace, old: metadef.Tag) -> None:
        """Remove one tag."""

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all tags."""

    def list(self, namespace: metadef.Namespace, query: metadef.ListQuery) -> list[metadef.Tag]:
        """Return a page of tags.

        :raises DefinitionNotFound: the marker is unknown
        """


class ResourceTypeRepository(Protocol):
    """Keeps resource types and which namespaces apply to them."""

    def associations(self, namespace: metadef.Namespace) -> list[metadef.Association]:
        """Return what a namespace applies to, in the order in which the resource types came into being."""

    def association(self, namespace: metadef.Namespace, name: str) -> metadef.Association:
        """Return one association.

        :raises DefinitionNotFound: the namespace does not apply to that resource type
        """

    def associate(self, namespace: metadef.Namespace, new: metadef.Association) -> None:
        """Make a namespace apply to a resource type, which need not exist before; sets the times and id.

        :raises DuplicateName: it does already
        :raises NamespaceNotFound: the namespace was removed meanwhile
        """

    def dissociate(self, namespace: metadef.Namespace, old: metadef.Association) -> None:
        """Make a namespace apply to a resource type no longer; the type stays.

        :raises DefinitionNotFound: it does not already
        :raises Forbidden: the namespace is protected
        """

    def list(self) -> list[metadef.ResourceType]:
        """Return all resource types in the order in which they came into being."""


@dataclasses.dataclass(frozen=True)
class Metadefs:
    """The repositories of metadata definitions."""

    namespaces: NamespaceRepository
    objects: MetadefObjectRepository
    properties: MetadefPropertyRepository
    tags: MetadefTagRepository
    resource_types: ResourceTypeRepository


class LeaseRepository(Protocol):
    """Keeps leases. All times are those of the database's clock, so that nodes need not agree on the time."""

    def renew(self, owner: str, ttl: int) -> int:
        """Prolong every lease of an owner to ttl seconds from now; return how many there are."""

    def release(self, lease: Lease) -> bool:
        """End one lease; False if it was not held any more."""

    def claim_expired(self, owner: str, ttl: int, limit: int = 100, operations: Collection[str] = ()) -> list[Lease]:
        """Make the owner the new owner of leases that ran out, and return those; two claimers never get the same.

        :param operations: only leases of these, where some are named
        """

    def image_of(self, lease: Lease) -> Image | None:
        """Return the image of a lease whatever its status, None if its row is deleted or purged."""


class DelayedDeletes(Protocol):
    """Keeps deleted images, and copies taken off images, until their data is removed."""

    def schedule(self, image: Image) -> None:
        """Delete an image as :meth:`ImageRepository.remove` does, but leave its data to be removed later.

        :raises ImageNotFound: somebody else deleted it first
        :raises StateChanged: its status is not what it was when it was read
        """

    def schedule_copy(self, lease: Lease) -> None:
        """Leave the data of one copy, which is marked ``pending_delete``, to be removed later; ends the lease of its removal.

        :raises LeaseLost: the lease is no longer held
        """

    def due(self, age: int, after: str, limit: int) -> list[str]:
        """Return ids of images of which something is to be removed, in the order of ids.

        :param age: seconds since the delete
        :param after: the id after which to go on, '' to begin
        """

    def claim(self, lease: Lease) -> None:
        """Begin the removal of what remains of an image.

        :raises StateChanged: somebody else is about it
        """

    def remains(self, image_id: str, age: int) -> list[Location]:
        """Return the copies that are to be removed, deleted at least age seconds ago."""

    def is_used(self, image_id: str, url: str) -> bool:
        """Tell whether an image has a living copy at the url: what is there must not be removed."""

    def bury(self, number: int) -> None:
        """Note that the data of a copy is gone."""

    def finish(self, lease: Lease) -> bool:
        """End a claim; an image of which nothing remains is ``deleted`` then. False if something remains.

        :raises LeaseLost: the claim is no longer held
        """

    def restore(self, image_id: str, lease: Lease) -> None:
        """Bring an image back with data, properties, tags and members as they were when it was deleted; ends the claim.

        :raises ImageNotFound: there is no such image
        :raises Conflict: it is not ``pending_delete``, or some of its data is gone
        :raises LeaseLost: the claim is no longer held
        """


class AuditRecords(Protocol):
    """Tells what the database says that stores should hold."""

    def count(self) -> int:
        """Return how many images should have data."""

    def images(self, after: str, limit: int) -> Sequence[Image]:
        """Return images that should have data, with their active copies, in the order of ids from the one after."""

    def copies_of(self, image_ids: Sequence[str]) -> dict[str, list[Location]]:
        """Return the copies that images have by their ids, also copies that wait for the scrubber."""

    def worked_on(self, image_ids: Sequence[str]) -> set[str]:
        """Return those images on which somebody works, by their leases."""

    def stuck(self) -> dict[str, str]:
        """Return the status of images that are in passing, and on which nobody works, by their ids."""

    def living(self, image_ids: Sequence[str]) -> set[str]:
        """Return those images that are not deleted."""

    def drop_copy(self, number: int) -> None:
        """Take a copy off its image, by its row number."""


class LocationRepository(Protocol):
    """Keeps the single copies of images, for removing them one by one.

    A copy is first marked ``pending_delete`` by :meth:`ImageRepository.save`, then its bytes go, then its row.
    """

    def get(self, number: int) -> Location | None:
        """Return the copy of that row number whatever its status, also of a deleted image; None if the row is gone."""

    def bury(self, number: int, drop: Lease) -> None:
        """Mark a copy deleted whose bytes are gone, and end the lease under which that was done.

        :raises LeaseLost: it is no longer held
        """

    def revive(self, number: int, drop: Lease) -> None:
        """Make a copy active again that was to be removed and could not be, and end the lease.

        :raises LeaseLost: it is no longer held
        """


class UsageRepository(Protocol):
    """Knows how much projects have, and keeps what unfinished work reserves."""

    def of(self, project: str, resources: Collection[str] = RESOURCES) -> Usage:
        """Return how much a project has of each resource, counted now; what is reserved counts."""

    def projects(self) -> list[str]:
        """Return every project that has an image or a reservation, in order."""

    def reserve(self, work: Work, project: str, limits: Limits, stored: int, staged: int, least: int | None = None) -> int:
        """Reserve bytes for the work of a lease, in place of what was reserved for it; one at a time for each project.

        What is reserved ends with the lease.

        :param work: tells the lease
        :param limits: what the project may have with this; nothing is reserved if it would have more
        :param stored: bytes for stores
        :param staged: bytes for the staging area
        :param least: so many bytes for stores will do, if there is no room for all
        :returns: the bytes for stores that are reserved now
        :raises LimitExceeded: the project would have too much
        :raises LeaseLost: the lease is no longer held
        """


class Reservation(Protocol):
    """What one piece of work takes of the quota of a project. It ends with the lease of the work, whoever ends that.

    ``is_limited`` tells whether bytes in stores are limited, so that they must be taken before they are written.
    """

    is_limited: bool

    def take(self, stored: int | None = None, staged: int | None = None, least: int | None = None) -> int:
        """Say anew how much the work takes, all in all; what was said before counts no more. None leaves it as it is.

        Bytes that a record tells, such as a copy that the image names by now, need not be held any longer.

        :param stored: bytes that the work may still put into stores, copies counted one by one
        :param staged: bytes that the work may have in the staging area, as long as the image does not tell them
        :param least: so many bytes in stores will do, if the project has no room for all
        :returns: the bytes in stores that are held now
        :raises LimitExceeded: the project has no room; what was held before is held still
        :raises LeaseLost: the lease is no longer held
        """


class Quota(Protocol):
    """What projects may have. Where nothing is limited, none of this costs a statement or asks anybody."""

    def limits(self, project: str | None, *resources: str) -> Limits:
        """Return the limits of a project on these resources; those without limit are left out.

        :raises Unavailable: whoever knows the limits cannot be asked
        """

    def begin(self, image: Image, attempt: str, stored: int | None = None, staged: int | None = None) -> Reservation:
        """Admit work that moves the data of an image, and charge the owner of the image for it.

        Call it when the lease of the work is taken and the image has its transient status, and end both if it is refused.

        :param attempt: names the lease
        :param stored: bytes that the work will put into stores, 0 if that is not known yet; None if it stores nothing
        :param staged: bytes that the work will put into the staging area, in the same way
        :raises LimitExceeded: the project has no room, or too many images with data on the way
        :raises Unavailable: whoever knows the limits cannot be asked
        """

    def require_room(self, project: str | None) -> None:
        """Refuse work that would store more for a project which has too much in stores already.

        :raises LimitExceeded: it has
        """

    def report(self, project: str | None) -> dict[str, tuple[int, int]]:
        """Return usage and limit by the names of the limits that users are shown, in the units of these limits."""


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


class AdoptingStore(BlobStore, Protocol):
    """A store that may make a file of this node its own without moving the bytes."""

    def adopt(self, path: str, blob_id: str, attempt: str, size: int, share: bool) -> BlobWriter | None:
        """Begin a new object that has all its bytes already; only its commit or abort is left to do.

        :param path: of a file that nobody changes any more
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


class StoreRegistry(Protocol):
    """The configured stores."""

    #: False for the one classic store, whose id users never see.
    multiple: bool
    default: BlobStore
    #: Where data waits for its import; no image lies there, and its id is none that users may name.
    staging: StagingStore
    #: Where tasks work; None in a service with the one classic store.
    tasks: BlobStore | None

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


class RemoteData(ByteSource, Protocol):
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


class ImageData(Protocol):
    """Moves the data of images between callers and stores."""

    def write(
        self,
        image: Image,
        source: ByteSource,
        size: int | None,
        store_id: str | None,
        attempt: str | None = None,
        expected: Mapping[str, str] | None = None,
        submitter: Submitter | None = None,
    ) -> None:
        """Take the data of a queued image and make it active.

        :param size: announced bytes, None if unknown
        :param store_id: where to put it, None for the default store
        :param attempt: name of this try, by which others can undo it; chosen by the layer that holds the lease
        :param expected: hashes that the data must have: algorithm as hashlib names it to hexadecimal digest
        :param submitter: who sends it; with these rights the certificate of a signed image is fetched
        :raises SizeMismatch: not as many bytes came as were announced
        :raises HashMismatch: it has another hash than expected
        :raises LimitExceeded: too many bytes
        :raises UnsafeContent: the bytes are refused for what they are
        :raises SignatureRefused: the image is signed, but not this data, or the signature cannot be verified
        """

    def stage(
        self, image: Image, source: ByteSource, size: int | None, expected: Mapping[str, str], attempt: str | None = None
    ) -> Staged:
        """Take the data of a queued image into the staging directory, where it waits for its import.

        :param size: announced bytes, None if unknown
        :param expected: hashes that the data must have: algorithm as hashlib names it to hexadecimal digest
        :param attempt: as for :meth:`write`
        :raises SizeMismatch: not as many bytes came as were announced
        :raises HashMismatch: the data has another hash
        :raises LimitExceeded: too many bytes
        """

    def inspect(self, image: Image, material: Material, submitter: Submitter | None = None) -> int | None:
        """Look at what data is, before an image of that format becomes active with it; return its virtual size.

        The data of a signed image is verified, for which all of it is read.

        :param submitter: as for :meth:`write`
        :raises UnsafeContent: the bytes are refused for what they are
        :raises SignatureRefused: as :meth:`write` does
        """

    def add_copy(
        self, image: Image, material: Material, store_id: str | None, attempt: str, submitter: Submitter | None = None
    ) -> Location:
        """Put data that was inspected into a store and check it on the way; the image itself is not changed.

        The location is that of one more copy, durable but in no record; :meth:`take_back` removes it.

        :param submitter: given where the signature of a signed image is to be verified too, since :meth:`inspect` did not
        :raises SignatureRefused: as :meth:`write` does
        :raises BlobExists: the store has an object of the image already
        :raises StoreError: the bytes are not those that the material promised
        """

    def take_back(self, image: Image, location: Location) -> None:
        """Remove a copy that :meth:`add_copy` made and no record refers to."""

    def read(self, image: Image, offset: int = 0, length: int | None = None, prefer: Sequence[str] = ()) -> BlobReader:
        """Open the data at the first of the image's locations that can give it.

        :param prefer: ids of stores that are tried first, in this order
        :raises DataMissing: the image should have data but no store gives it
        """

    def remove(self, image: Image) -> None:
        """Remove every copy of the data; a copy that is gone already is no error.

        Copies leave ``image.locations`` as they go, so that after a failure it names those that are left.

        :raises BlobInUse: a store will not part with it
        """

    def remove_copy(self, image: Image, location: Location) -> None:
        """Remove one of several copies of the data of an active image; one that is gone already is no error.

        The location leaves ``image.locations``.

        :raises LastCopy: there is no other copy (any more)
        :raises StateChanged: the image is not active any more, or another copy is being removed at this moment
        :raises BlobInUse: the store will not part with it; the image stays as it was
        """


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime.datetime:
        """Return the present time in UTC without time zone."""


class Call(Protocol):
    """Work that was started and will end."""

    def wait(self, timeout: float | None = None) -> Any:
        """Return the result of the work, or raise what it raised.

        :param timeout: seconds to wait at most; the work itself goes on
        :raises TimeoutError: it has not ended yet
        """


class Concurrency(Protocol):
    """Runs blocking work beside the caller in native threads, whatever the launcher."""

    def start(self, work: Any, *args: Any) -> Call:
        """Begin ``work(*args)`` in a native thread."""

    def spawn(self, work: Any, *args: Any) -> Call:
        """Begin ``work(*args)`` in a thread of its own, which may use the database: a green one where the launcher is green.

        It does not keep the process from ending.
        """

    def detach(self, work: Any) -> None:
        """Run ``work()`` in a native thread of its own; for work that waits for others, who need the threads of start.

        The work itself deals with what goes wrong.
        """

    def periodic(self, interval: float, work: Any) -> Any:
        """Call ``work()`` every interval seconds in the background until ``stop()`` of the result is called."""


#: What policy rules may look at: names to values of the thing that is acted on.
PolicyTarget = Mapping[str, Any]
