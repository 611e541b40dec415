# SPDX-License-Identifier: Apache-2.0
"""Where imports get their data from: a URL, or the image service of another region."""

from __future__ import annotations

import hashlib
import json

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.imports.glance_download import Choice
from glance_clone.imports.glance_download import GlanceDownload
from glance_clone.imports.web_download import WebDownload
from glance_clone.tests.unit.imports.material import StagedWork
from glance_clone.tests.unit.imports.material import configuration

DATA = b'disk' * 1000
ID = '0b7d6a9c-8b0a-4b8e-9c57-3c8d2c8d4f10'


class Remote:
    def __init__(self, data):
        self.size = len(data)
        self.headers = {}
        self.closed = False
        self._data = data

    def read(self, size):
        block, self._data = self._data[: min(size, 1000)], self._data[min(size, 1000) :]
        return block

    def close(self):
        self.closed = True


class Fetcher:
    """Gives what it was told to, by URL."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.opened = []

    def check(self, url):
        if url not in self.answers:
            raise errors.UrlRefused('not allowed')

    def open(self, url, headers=None, alive=None, **kwargs):
        self.asked.append((url, dict(headers or {})))
        answer = self.answers[url]
        if isinstance(answer, Exception):
            raise answer
        self.opened.append(Remote(answer))
        return self.opened[-1]


def read(download):
    data = b''
    while block := download.read(1 << 16):
        data += block
    download.close()
    return data


class WebDownloadTest(base.BaseTestCase):
    def test_data_comes_from_the_url(self):
        fetcher = Fetcher({'http://a/x': DATA})
        source = WebDownload(fetcher)
        request = ImportRequest('web-download', {'uri': 'http://a/x'})
        source.check(request)
        work = self.useFixture(StagedWork(request=request))
        download = source.open(work)
        self.assertEqual((len(DATA), {}), (download.size, download.expected))
        self.assertEqual(DATA, read(download))
        self.assertTrue(fetcher.opened[0].closed)
        source.undo(work)

    def test_requests_that_cannot_succeed(self):
        source = WebDownload(Fetcher({}))
        for options in ({}, {'uri': ''}, {'uri': None}, {'uri': 5}, {'uri': ['http://a/x']}, {'uri': 'http://b/'}):
            self.assertRaises(errors.Invalid, source.check, ImportRequest('web-download', options))


def record(**changes):
    plain = {
        'id': ID,
        'status': 'active',
        'size': len(DATA),
        'checksum': hashlib.md5(DATA, usedforsecurity=False).hexdigest(),
        'os_hash_algo': 'sha512',
        'os_hash_value': hashlib.sha512(DATA).hexdigest(),
        'disk_format': 'qcow2',
        'container_format': 'bare',
        'owner': 'somebody',
        'os_hidden': True,
        'hw_disk_bus': 'scsi',
        'trait:X': 'required',
        'os_distro': 'remote',
        'private': 'no',
        'os_glance_import_task': 'no',
        'hw_number': 5,
    }
    return json.dumps({**plain, **changes}).encode()


_CATALOG = (
    {'type': 'compute', 'endpoints': [{'region': 'Two', 'publicURL': 'http://compute'}]},
    {
        'type': 'image',
        'endpoints': [
            {'region': 'One', 'publicURL': 'http://one'},
            {'region': 'Two', 'publicURL': 'http://two:9292/', 'internalURL': 'http://inside/image/v2/'},
        ],
    },
)


class GlanceDownloadTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.options = {'glance_region': 'tWO', 'glance_image_id': ID}
        self.url = f'http://two:9292/v2/images/{ID}'
        self.conf = ''

    def open(self, metadata=None, data=DATA, **image):
        self.fetcher = Fetcher({self.url: record() if metadata is None else metadata, f'{self.url}/file': data})
        self.source = GlanceDownload(self.fetcher, Choice.of(configuration(self.conf)))
        submitter = Submitter(token='secret', catalog=_CATALOG)
        request = ImportRequest('glance-download', self.options)
        self.work = self.useFixture(StagedWork(request=request, submitter=submitter, **image))
        self.work.image.properties = {'os_distro': 'mine', 'os_glance_import_task': 't', 'other': 'kept'}
        self.source.check(request)
        return self.source.open(self.work)

    def fails(self, kind, **wanted):
        self.assertRaises(kind, self.open, **wanted)
        self.source.undo(self.work)
        self.assertEqual('raw', self.work.image.disk_format)
        self.assertEqual('mine', self.work.image.properties['os_distro'])

    def test_data_formats_properties_and_hashes(self):
        download = self.open()
        self.assertEqual(DATA, read(download))
        self.assertEqual(len(DATA), download.size)
        self.assertEqual({'md5', 'sha512'}, set(download.expected))
        self.assertEqual('qcow2', self.work.image.disk_format)
        self.assertEqual(
            {
                'hw_disk_bus': 'scsi',
                'trait:X': 'required',
                'os_distro': 'remote',
                'os_glance_import_task': 't',
                'other': 'kept',
            },
            self.work.image.properties,
        )
        self.assertEqual([self.url, f'{self.url}/file'], [url for url, _ in self.fetcher.asked])
        self.assertTrue(all(headers['X-Auth-Token'] == 'secret' for _, headers in self.fetcher.asked))
        self.assertTrue(self.fetcher.opened[0].closed)

    def test_undo_puts_formats_and_properties_back(self):
        self.open()
        self.work.image.properties['os_glance_import_progress'] = '7'
        del self.work.image.properties['os_glance_import_task']
        self.source.undo(self.work)
        self.assertEqual('raw', self.work.image.disk_format)
        self.assertEqual({'os_distro': 'mine', 'other': 'kept', 'os_glance_import_progress': '7'}, self.work.image.properties)

    def test_attributes_never_become_properties(self):
        self.conf = '[glance_download_properties]\nextra_properties = [os_,own,hw_]\n'
        self.open()
        self.assertEqual({'os_distro', 'hw_disk_bus', 'os_glance_import_task', 'other'}, set(self.work.image.properties))
        self.assertEqual('t', self.work.image.properties['os_glance_import_task'])

    def test_interfaces(self):
        self.options['glance_service_interface'] = 'internal'
        self.url = f'http://inside/image/v2/images/{ID}'
        self.assertEqual(DATA, read(self.open()))
        self.options['glance_service_interface'] = 'admin'
        self.assertRaises(errors.Invalid, self.open)

    def test_requests_that_cannot_succeed(self):
        source = GlanceDownload(Fetcher({}), Choice.of(configuration()))
        for changes in (
            {'glance_region': None},
            {'glance_region': ''},
            {'glance_region': 5},
            {'glance_image_id': None},
            {'glance_image_id': 'x'},
            {'glance_image_id': ID + '0'},
            {'glance_service_interface': ['public']},
        ):
            request = ImportRequest('glance-download', {**self.options, **changes})
            self.assertRaises(errors.Invalid, source.check, request)

    def test_unknown_region(self):
        self.options['glance_region'] = 'Three'
        self.assertRaises(errors.Invalid, self.open)

    def test_remote_images_that_cannot_be_had(self):
        for metadata in (
            record(status='queued'),
            record(size=None),
            record(size='5'),
            record(size=True),
            record(size=-1),
            record(disk_format=None),
            record(container_format='unheard-of'),
            b'[]',
            b'no json',
            b'[' * 100000,
            b'{"a": "' + b'x' * (1 << 20) + b'"}',
        ):
            self.fails(errors.FetchError, metadata=metadata)

    def test_the_data_cannot_be_had(self):
        self.fails(errors.FetchError, data=errors.FetchError('gone'))

    def test_too_many_properties(self):
        self.conf = '[DEFAULT]\nimage_property_quota = 3\n'
        self.fails(errors.LimitExceeded)

    def test_hashes_that_nobody_here_can_compute_are_left_out(self):
        download = self.open(record(os_hash_algo='unheard-of', checksum=None))
        self.assertEqual({}, download.expected)
