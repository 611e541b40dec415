# SPDX-License-Identifier: Apache-2.0
"""S3: uploads in parts of bounded memory, whose remains can be told and aborted, and reads that begin where they are wanted.

The driver of glance_store has the options, the client and the locations. Data is sent here, because a driver that is asked
for data of unknown size would keep it in memory.
"""

from __future__ import annotations

import contextlib
import datetime
import os

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import SimpleQueue
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.store_ports import BlobReader
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_adapter import without_credentials
from glance_clone.stores.glance_store_errors import translated
from glance_clone.stores.glance_store_options import library
from glance_clone.stores.glance_store_reader import Reader
from glance_clone.stores.glance_store_reader import span

LOG = logging.getLogger(__name__)

_BLOCK = 1 << 20
#: Parts that one object may have.
_MOST_PARTS = 10_000
#: What gateways answer that do not know a condition.
_UNKNOWN_HEADER = ('NotImplemented', 'InvalidArgument')


class S3Store(GlanceStore):
    """A store in one bucket."""

    _client: Any = None
    _pid = 0

    def new_writer(self, blob_id: str, attempt: str, size: int) -> S3Writer:
        """Return a writer; size is 0 where it is unknown."""
        return S3Writer(self, blob_id, size, self._concurrency.detach)

    def client(self) -> Any:
        """Return the client of this process, which any number of threads may use; to make one takes long."""
        if self._client is None or self._pid != os.getpid():
            with translated(f'Connecting to {self.name}'):
                self._client = self.driver._create_s3_client()
            self._pid = os.getpid()
        return self._client

    def prepare_bucket(self, client: Any) -> None:
        """Create the bucket where that is asked for."""
        with translated(f'Looking for the bucket of {self.name}'):
            if self.driver._bucket_exists(client, self.driver.bucket):
                return
            if not self.option('s3_store_create_bucket_on_put'):
                LOG.error('The bucket of %s does not exist, and s3_store_create_bucket_on_put is off.', self.name)
                raise errors.StoreUnavailable('The store is not prepared; an operator must look.')
            self.driver._create_bucket(client, self.option('s3_store_host'), self.driver.bucket, self.driver.region_name)

    def canonical(self, url: str) -> str:
        """Return a url without the keys that older releases put into it (P12)."""
        return without_credentials(url) if url.partition('://')[0] in self.schemes else url

    def location_of(self, blob_id: str) -> Location:
        """Return where an object of this name lies or would lie."""
        specs = {
            'scheme': self.driver.scheme,
            'bucket': self.driver.bucket,
            'key': blob_id,
            's3serviceurl': self.driver.full_s3_host,
        }
        return Location(library('_drivers.s3').StoreLocation(specs, self._conf, backend_group=self.id).get_uri())

    def exists(self, blob_id: str) -> bool:
        """Tell whether an object has this name."""
        return bool(self.identity(self.location_of(blob_id)))

    def identity(self, location: Location) -> object:
        """Return when and with which content the object was written, () if it is gone."""
        with contextlib.suppress(errors.BlobNotFound):
            head = self._head(location)
            return head['ETag'], head['LastModified']
        return ()

    def size(self, location: Location) -> int:
        """See :meth:`BlobStore.size`."""
        return int(self._head(location)['ContentLength'])

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """See :meth:`BlobStore.open`."""
        size = self.size(location) if offset or length is not None else None
        count = None if size is None else span(size, offset, length)
        if size is not None and not count:
            return Reader((), size, 0, 0)
        wanted = {} if not count else {'Range': f'bytes={offset}-{offset + count - 1}'}
        client, names = self._names(location)
        with translated(f'Opening data in {self.name}'):
            answer = client.get_object(**names, **wanted)
        body = answer['Body']
        whole = answer['ContentLength'] if size is None else size
        return Reader(body.iter_chunks(_BLOCK), whole, 0, whole if count is None else count, body.close)

    def remove(self, location: Location) -> None:
        """See :meth:`BlobStore.remove`."""
        client, names = self._names(location)
        with translated(f'Removing data from {self.name}'):
            client.head_object(**names)
            client.delete_object(**names)

    def _head(self, location: Location) -> dict[str, Any]:
        client, names = self._names(location)
        with translated(f'Looking at data in {self.name}'):
            return dict(client.head_object(**names))

    def _names(self, location: Location) -> tuple[Any, dict[str, str]]:
        place = self.place(Location(self.canonical(location.url))).store_location
        return self.client(), {'Bucket': place.bucket, 'Key': place.key}

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Abort unfinished uploads of this name, then remove what has it."""
        client = self.client()
        for upload in self._uploads(client, blob_id):
            if upload['Key'] == blob_id:
                self._abort_upload(client, upload)
        super().discard_objects(blob_id, attempt)

    def _uploads(self, client: Any, prefix: str = '') -> list[dict[str, Any]]:
        with contextlib.suppress(errors.BlobNotFound), translated(f'Listing unfinished uploads in {self.name}'):
            pages = client.get_paginator('list_multipart_uploads').paginate(Bucket=self.driver.bucket, Prefix=prefix)
            return [upload for page in pages for upload in page.get('Uploads', ())]
        return []

    def _abort_upload(self, client: Any, upload: dict[str, Any]) -> None:
        with contextlib.suppress(errors.BlobNotFound), translated(f'Aborting an upload in {self.name}'):
            client.abort_multipart_upload(Bucket=self.driver.bucket, Key=upload['Key'], UploadId=upload['UploadId'])

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`; an unfinished upload is told with a size of 0."""
        client = self.client()
        for upload in self._uploads(client):
            name = f'{upload["Key"]}?uploadId={upload["UploadId"]}'
            yield StoredObject(name, upload['Key'], 0, _age(upload['Initiated']), True)
        with contextlib.suppress(errors.BlobNotFound), translated(f'Listing {self.name}'):
            for page in client.get_paginator('list_objects_v2').paginate(Bucket=self.driver.bucket):
                for entry in page.get('Contents', ()):
                    yield StoredObject(entry['Key'], entry['Key'], entry['Size'], _age(entry['LastModified']), False)

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`."""
        if found.temporary:
            key, _, upload_id = found.name.partition('?uploadId=')
            self._abort_upload(self.client(), {'Key': key, 'UploadId': upload_id})
            return
        with contextlib.suppress(errors.BlobNotFound):
            self.remove(self.location_of(found.name))


class S3Writer:
    """Takes the bytes of one object; see :class:`BlobWriter`.

    What is smaller than ``s3_store_large_object_size`` is sent at once, the rest in parts.
    """

    def __init__(self, store: S3Store, key: str, size: int, detach: Any):
        self._store = store
        self._client = store.client()
        self._names = {'Bucket': store.driver.bucket, 'Key': key}
        self._key = key
        self._pieces: list[bytes] = []
        self._held = 0
        driver = store.driver
        self._part_size = max(driver.s3_store_large_object_chunk_size, -(-size // _MOST_PARTS))
        self._is_small = 0 < size < driver.s3_store_large_object_size
        self._upload: _Parts | None = None
        self._detach = detach
        self._committed: tuple[Location, object] | None = None
        self._closed = False
        self._given_up = False

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append a block."""
        if not block:
            return
        self._pieces.append(bytes(block))
        self._held += len(block)
        while not self._is_small and self._held >= self._part_size:
            self._send_part(self._part_size)

    def _send_part(self, size: int) -> None:
        if self._upload is None:
            self._store.prepare_bucket(self._client)
            self._upload = _Parts(self._client, self._names, self._store, self._detach)
        data = b''.join(self._pieces)
        self._pieces = [data[size:]] if len(data) > size else []
        self._held = max(len(data) - size, 0)
        self._upload.send(data[:size])

    def commit(self) -> Location:
        """Make the object visible, and say where it is."""
        with self._store.publishing(self._key):
            if self._closed or self._given_up:
                raise errors.LeaseLost('The data came too late: its transfer was given up for dead. Send it again.')
            if self._store.exists(self._key):
                raise errors.BlobExists('The store holds an object of this name already.')
            location = self._store.location_of(self._key)
            self._finish()
            self._closed = True
            self._committed = (location, None)
            self._committed = (location, self._store.identity(location))
        return location

    def _finish(self) -> None:
        if self._upload is None:
            self._store.prepare_bucket(self._client)
            self._conditional(self._client.put_object, Body=b''.join(self._pieces))
            return
        if self._held:
            self._send_part(self._held)
        self._conditional(self._client.complete_multipart_upload, **self._upload.result())

    def _conditional(self, call: Any, **arguments: Any) -> None:
        """Make an object unless there is one; gateways that do not know the condition are asked without it."""
        with translated(f'Writing {self._key} to {self._store.name}'):
            try:
                call(**self._names, **arguments, IfNoneMatch='*')
            except Exception as error:
                code = getattr(error, 'response', {}).get('Error', {}).get('Code')
                if code == 'PreconditionFailed':
                    raise errors.BlobExists('The store holds an object of this name already.') from None
                if code not in _UNKNOWN_HEADER:
                    raise
                call(**self._names, **arguments)

    def give_up(self) -> None:
        """Store nothing any more: the attempt was given up for dead."""
        self._given_up = True

    def abort(self) -> None:
        """Remove what this writer made, and only that."""
        self._closed = True
        self._pieces, self._held = [], 0
        if self._committed is not None:
            self._store.remove_if(*self._committed)
        elif self._upload is not None:
            self._upload.abort()
        self._committed = self._upload = None


class _Parts:
    """The parts of one upload, sent at the same time in native threads, as many as ``s3_store_thread_pools`` says."""

    def __init__(self, client: Any, names: dict[str, str], store: S3Store, detach: Any):
        self._client = client
        self._names = names
        self._store = store
        self._detach = detach
        self._tags: dict[int, str] = {}
        self._failure: Exception | None = None
        self._count = 0
        self._under_way = 0
        self._most = store.driver.s3_store_thread_pools
        self._done: SimpleQueue[None] = SimpleQueue()
        with translated(f'Beginning to write to {store.name}'):
            self._upload_id = client.create_multipart_upload(**names)['UploadId']

    def send(self, data: bytes) -> None:
        """Send a part; waits while too many are on their way."""
        self._wait_until(self._most - 1)
        self._raise_failure()
        self._count += 1
        self._under_way += 1
        number = self._count

        def work() -> None:
            try:
                answer = self._client.upload_part(
                    **self._names, PartNumber=number, UploadId=self._upload_id, Body=data, ContentLength=len(data)
                )
                self._tags[number] = answer['ETag']
            except Exception as error:
                self._failure = error
            self._done.put(None)

        self._detach(work)

    def _wait_until(self, most: int) -> None:
        while self._under_way > most:
            self._done.get()
            self._under_way -= 1

    def _raise_failure(self) -> None:
        if self._failure is not None:
            with translated(f'Writing to {self._store.name}'):
                raise self._failure

    def result(self) -> dict[str, Any]:
        """Wait for all parts; return what completes the upload."""
        self._wait_until(0)
        self._raise_failure()
        parts = [{'PartNumber': number, 'ETag': self._tags[number]} for number in sorted(self._tags)]
        return {'UploadId': self._upload_id, 'MultipartUpload': {'Parts': parts}}

    def abort(self) -> None:
        """Take all parts back."""
        self._wait_until(0)
        with contextlib.suppress(errors.BlobNotFound), translated(f'Aborting an upload in {self._store.name}'):
            self._client.abort_multipart_upload(**self._names, UploadId=self._upload_id)


def _age(moment: datetime.datetime) -> float:
    return max((datetime.datetime.now(datetime.UTC) - moment).total_seconds(), 0)
