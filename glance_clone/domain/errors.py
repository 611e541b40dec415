# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, in the words of the domain.

Code below the API raises these; ``glance_clone.api.errors`` holds the one table that turns them into HTTP statuses.
The text of an error is shown to users: it names the cause and the remedy, never a path, a query, a secret or a location.
"""


class ImageServiceError(Exception):
    """The root of all errors that a caller may be told about."""


class Invalid(ImageServiceError):
    """The caller sent something that no state of the service could accept."""


class Forbidden(ImageServiceError):
    """The caller may see the thing but may not do this to it."""


class NotFound(ImageServiceError):
    """The thing does not exist, or the caller may not know that it does."""


class Conflict(ImageServiceError):
    """The request is sound, but the present state of the thing does not allow it."""


class ImageNotFound(NotFound):
    """No image of that id is visible to the caller."""

    def __init__(self, image_id: str):
        super().__init__(f'No image found with ID {image_id}.')
        self.image_id = image_id


class MemberNotFound(NotFound):
    """The image is not shared with that project, as far as the caller may know."""

    def __init__(self, image_id: str, member_id: str):
        super().__init__(f'Image {image_id} has no member {member_id[:255]}.')


class DuplicateMember(Conflict):
    """The image is shared with that project already."""

    def __init__(self, image_id: str, member_id: str):
        super().__init__(f'Image {image_id} has a member {member_id} already.')


class NamespaceNotFound(NotFound):
    """No metadata definition namespace of that name is visible to the caller."""

    def __init__(self, name: str):
        super().__init__(f'No namespace {name[:255]!r} was found.')


class DefinitionNotFound(NotFound):
    """A namespace has no object, property, tag or association of that name.

    :param kind: which of them, in words
    """

    def __init__(self, kind: str, name: str):
        super().__init__(f'The namespace has no {kind} {name[:255]!r}.')


class DuplicateName(Conflict):
    """The name is taken: by its very self, or by one that the database cannot tell apart from it (D-11).

    :param kind: what has the name, in words
    :param taken: the name that is there
    """

    def __init__(self, kind: str, name: str, taken: str):
        if name == taken:
            super().__init__(f'There is a {kind} {name!r} already.')
        else:
            super().__init__(f'There is a {kind} {taken!r} already, and the database cannot tell {name!r} from it.')


class DuplicateImage(Conflict):
    """The id is, or once was, the id of an image."""

    def __init__(self, image_id: str):
        super().__init__(f'Image ID {image_id} already exists; ids are never used twice. Choose another, or leave it out.')


class TaskNotFound(NotFound):
    """No task of that id is visible to the caller."""

    def __init__(self, task_id: str):
        super().__init__(f'No task found with ID {task_id[:64]}.')


class ImageLocked(Conflict):
    """A task works on the image, and nothing else may until it ends."""

    def __init__(self, image_id: str):
        super().__init__(f'Another import works on image {image_id}; wait until it ends.')


class IllegalTransition(Conflict):
    """The status machine has no such move."""

    def __init__(self, image_id: str, current: str, wanted: str, message: str = ''):
        super().__init__(message or f'Image {image_id} is {current} and cannot become {wanted}.')
        self.current = current
        self.wanted = wanted


class HasData(IllegalTransition):
    """Data is sent for an image that is active; the hash tells a client that repeats itself whether it is the same (F19)."""

    def __init__(self, image_id: str, size: int | None, algorithm: str | None, value: str | None):
        hashed = f', {algorithm} {value}' if value else ''
        message = f'Image {image_id} is active: it has its data already, {size} bytes{hashed}.'
        super().__init__(image_id, 'active', 'saving', message)


class StateChanged(Conflict):
    """A conditional save found another state than the caller had seen: somebody else was faster."""


class LastCopy(Forbidden):
    """The last copy of the data of an active image goes only with the image."""

    def __init__(self, image_id: str):
        super().__init__(f'Image {image_id} has no other copy of its data; delete the image instead.')


class ImageGone(ImageServiceError):
    """The image was deleted while its data was on the way."""


class LeaseLost(Conflict):
    """The work was given to another owner because its lease ran out."""


class FormatNotSet(Invalid):
    """Data cannot be taken before both formats are known."""


class SizeMismatch(Invalid):
    """The body was shorter or longer than announced."""


class HashMismatch(Invalid):
    """The data has another hash than it should have."""


class SignatureRefused(Invalid):
    """The signature of an image is not one of its data, or cannot be verified as its properties are."""


class LocationUnreadable(Invalid):
    """The data at a location that somebody named cannot be read."""


class RemoteError(ImageServiceError):
    """Another server did not give what was asked of it."""


class PeerRefused(ImageServiceError):
    """Another node of the service refused a request that was sent on to it.

    :param status: HTTP status with which it answered
    """

    def __init__(self, status: int):
        super().__init__('The node of the service that has the staged data refused the request.')
        self.status = status


class PeerTimeout(ImageServiceError):
    """Another node of the service does not answer."""


class PeerBroken(ImageServiceError):
    """Another node of the service cannot be talked to."""


class ClientDisconnected(ImageServiceError):
    """The connection ended before the announced number of bytes had arrived."""


class ClientTooSlow(ClientDisconnected):
    """The body came too slowly, so that the server gave it up."""


class LimitExceeded(ImageServiceError):
    """A configured limit or quota does not allow this much."""


class UnsafeContent(ImageServiceError):
    """The bytes are not what they were declared to be, or could harm whoever opens them."""


class RangeNotSatisfiable(ImageServiceError):
    """The requested byte range does not touch the image."""


class BlobNotFound(ImageServiceError):
    """A store has no object at this location."""


class BlobExists(Conflict):
    """A store holds an object of this name already."""


class BlobInUse(Conflict):
    """A store will not remove an object that something else depends on."""


class StoreKeeps(ImageServiceError):
    """A store never removes what was put into it."""


class CannotList(ImageServiceError):
    """A store cannot tell what it holds."""


class StoreError(ImageServiceError):
    """A store failed in a way that has no name of its own."""


class StoreUnknown(Invalid):
    """No store of that name is configured."""


class UrlRefused(Invalid):
    """The service may not, or cannot, fetch what a URL names."""


class FetchError(ImageServiceError):
    """Data could not be fetched from the server that a user named.

    :param status: HTTP status of the answer, None if there was none or it was not the reason
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class StoreReadOnly(ImageServiceError):
    """The store takes no data."""


class StoreFull(LimitExceeded):
    """The store has no room for the data."""


class Unavailable(ImageServiceError):
    """Something the request depends on is down; the same request may succeed later.

    :param retry_after: seconds after which a client should try again
    """

    def __init__(self, message: str, retry_after: int = 5):
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailable(Unavailable):
    """A store cannot be reached, or refuses to read or write."""


class DataMissing(Unavailable):
    """An image that should have data has none in any of its stores."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached."""
