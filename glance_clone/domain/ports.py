# SPDX-License-Identifier: Apache-2.0
"""The contracts between the service and what it stands on.

The API and the layers know the database and the stores only by these protocols. Implementations live in
``glance_clone.db``, ``glance_clone.stores`` and ``glance_clone.transfer``; ``glance_clone.bootstrap`` puts them together.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypedDict
from typing import Unpack

from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.member import Member
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits
from glance_clone.domain.store_ports import BlobReader

if TYPE_CHECKING:
    from glance_clone.domain.importing import Material
    from glance_clone.domain.importing import Staged
    from glance_clone.domain.importing import Submitter


class SaveTerms(TypedDict, total=False):
    """On what terms the changes of an image are stored, and what else happens in the same transaction.

    :ivar from_state: the status that the row must still have; status, sizes, hashes and locations are written
        only if this is given
    :ivar take: a lease to begin
    :ivar drop: a lease to end; it must still be held
    :ivar hold: a lease that must still be held, and stays so
    :ivar if_unchanged: store it only if nobody changed, since the image was read, what the changes may rest on: its
        status, owner and visibility, and which properties, tags or locations it has, if such are changed. Who gets
        StateChanged reads the image again and decides anew, so that no change is lost or let through by mistake (R7)
    :ivar limits: what its owner may have with these changes
    """

    from_state: str | None
    take: Lease | None
    drop: Lease | None
    hold: Lease | None
    if_unchanged: bool
    limits: Limits


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

    def save(self, image: Image, **terms: Unpack[SaveTerms]) -> None:
        """Store what changed since the image was read, and nothing else; sets ``updated_at``.

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


class LeaseRepository(Protocol):
    """Keeps leases. All times are those of the database's clock, so that nodes need not agree on the time."""

    def renew(self, owner: str, ttl: int) -> int:
        """Prolong every lease of an owner to ttl seconds from now; return how many there are."""

    def release(self, lease: Lease) -> bool:
        """End one lease; False if it was not held any more."""

    def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease is held by its owner."""

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

        :raises StateChanged: somebody else is about it, or an import is, whose new data may have the same name
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
        """Bring an image back with status, data, properties, tags and members as they were when it was deleted; ends the claim.

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


class ImageData(Protocol):
    """Moves the data of images between callers and stores."""

    def write(self, image: Image, incoming: Incoming) -> None:
        """Take the data of a queued image and make it active.

        :raises SizeMismatch: not as many bytes came as were announced
        :raises HashMismatch: it has another hash than expected
        :raises LimitExceeded: too many bytes
        :raises UnsafeContent: the bytes are refused for what they are
        :raises SignatureRefused: the image is signed, but not this data, or the signature cannot be verified
        """

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """Take the data of a queued image into the staging directory, where it waits for its import.

        :raises SizeMismatch: not as many bytes came as were announced
        :raises HashMismatch: the data has another hash
        :raises LimitExceeded: too many bytes
        """

    def inspect(self, image: Image, material: Material, submitter: Submitter | None = None) -> int | None:
        """Look at what data is, before an image of that format becomes active with it; return its virtual size.

        The data of a signed image is verified, for which all of it is read.

        :param submitter: with whose rights the certificate of a signed image is fetched
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


class Call(Protocol):
    """Work that was started and will end."""

    def wait(self, timeout: float | None = None) -> Any:
        """Return the result of the work, or raise what it raised.

        :param timeout: seconds to wait at most; the work itself goes on
        :raises TimeoutError: it has not ended yet
        """


class Concurrency(Protocol):
    """Runs blocking work beside the caller in native threads, whatever the launcher.

    What is begun by ``start``, ``spawn`` or ``detach`` has the context variables of whoever began it, and so works for the
    same caller (see :data:`glance_clone.domain.caller.CONTEXT`); what is periodic works for nobody.
    """

    def start(self, work: Any, *args: Any) -> Call:
        """Begin ``work(*args)`` in a native thread."""

    def run(self, work: Any, *args: Any) -> Any:
        """Return ``work(*args)``, which blocks: called here, or in a native thread where the launcher is green."""

    def compute(self, work: Any) -> None:
        """Call ``work()`` soon in one of a few native threads, as many as there are processors.

        For short pieces of work that keep a processor busy; any thread may ask for it. The work itself deals with what goes
        wrong.
        """

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
