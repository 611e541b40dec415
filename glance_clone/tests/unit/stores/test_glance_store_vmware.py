# SPDX-License-Identifier: Apache-2.0
"""Datastores of VMware: the driver itself, with a server and a library that are played."""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
import types
import unittest
import urllib.parse
from unittest import mock

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.tests.unit.stores import contract

if importlib.util.find_spec('glance_store') is None:
    raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')

from glance_clone.tests.unit.stores.test_glance_store import one_store

_DRIVER = 'glance_store._drivers.vmware_datastore'
_LIBRARIES = (
    'oslo_vmware',
    'oslo_vmware.api',
    'oslo_vmware.exceptions',
    'oslo_vmware.objects',
    'oslo_vmware.objects.datacenter',
    'oslo_vmware.objects.datastore',
    'oslo_vmware.vim_util',
)
_OPTIONS = """
vmware_server_host = host.example.org
vmware_server_username = user
vmware_server_password = hidden
vmware_datastores = dc:ds:100
"""


class FileNotFound(Exception):
    """What the library raises for a file that is not there."""


class _Answer:
    """An answer of requests, as far as the driver looks at it."""

    is_redirect = False
    headers: dict[str, str] = {}

    def __init__(self, status, body=b'', size=None):
        self.raw = self
        self.status = status
        self._size = len(body) if size is None else size
        self.read = io.BytesIO(body).read

    def getheader(self, name, default):
        return self._size

    def close(self):
        pass


class _Server:
    """The files of a datastore by the paths of their URLs; refuses to replace one."""

    def __init__(self):
        self.files = {}

    def put(self, url, data, headers):
        path = urllib.parse.urlsplit(url).path
        content = data.read() if hasattr(data, 'read') else b''.join(data)
        if path in self.files:
            return _Answer(409)
        self.files[path] = content
        return _Answer(201)

    def request(self, method, url, headers, stream):
        content = self.files.get(urllib.parse.urlsplit(url).path)
        if content is None:
            return _Answer(404)
        return _Answer(200, content if method == 'GET' else b'', len(content))

    def delete(self, name):
        """Remove the file of a name such as ``[ds] /openstack_glance/blob``."""
        if self.files.pop('/folder' + name.partition('] ')[2], None) is None:
            raise FileNotFound


class VmwareTest(contract.ReadContract, base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self._play()
        self.server = _Server()
        driver = importlib.import_module(_DRIVER)
        driver.vexc.FileNotFoundException = FileNotFound
        self.useFixture(fixtures.MonkeyPatch(f'{_DRIVER}.new_session', lambda *args: self.server))
        datastore = types.SimpleNamespace(name='ds', datacenter=types.SimpleNamespace(path='dc'), freespace=1 << 40)
        patched = {
            '_build_datastore_weighted_map': {100: [datastore]},
            '_build_vim_cookie_header': 'cookie',
            '_get_freespace': 1 << 40,
            '_get_datacenter': mock.Mock(),
        }
        for name, result in patched.items():
            self.useFixture(fixtures.MockPatchObject(driver.Store, name, return_value=result))
        session = mock.Mock()
        session.invoke_api.side_effect = lambda *args, name, **kwargs: name
        session.wait_for_task.side_effect = self.server.delete
        self.useFixture(
            fixtures.MockPatchObject(driver.Store, 'reset_session', lambda store: setattr(store, 'session', session))
        )
        self.store = one_store('vmware', _OPTIONS)
        self.store.driver.session = session

    def _play(self):
        """Let the driver find a library that is not installed, and forget it afterwards."""
        for name in (*_LIBRARIES, _DRIVER):
            known = sys.modules.pop(name, None)
            if known is not None:
                self.addCleanup(sys.modules.__setitem__, name, known)
            self.addCleanup(sys.modules.pop, name, None)
        sys.modules.update({name: mock.MagicMock() for name in _LIBRARIES})

    def _put(self, name='blob', data=contract.DATA):
        writer = self.store.writer(name, 'one', len(data))
        writer.write(data)
        return writer.commit()

    def test_locations(self):
        location = self._put()
        self.assertEqual('vsphere://host.example.org/folder/openstack_glance/blob?dsName=ds&dcPath=dc', location.url)
        self.assertLess(0, self.store.match(location.url))
        for other in ('vsphere://other/folder/openstack_glance/x', 'vsphere://host.example.org/folder/openstack_glance2/x'):
            self.assertEqual(-1, self.store.match(other))
        self.assertNotIn('hidden', location.url)
        self.assertEqual({}, self.store.properties())

    def test_remove(self):
        location = self._put()
        self.store.remove(location)
        self.assertEqual({}, self.server.files)
        for call in (self.store.remove, self.store.open, self.store.size):
            self.assertRaises(errors.BlobNotFound, call, location)

    def test_an_object_is_never_replaced(self):
        location = self._put()
        self.assertRaises(errors.BlobExists, self._put, data=b'other')
        self.assertEqual(contract.DATA, self._get(location)[0])

    def test_a_writer_takes_back_what_it_committed_and_leaves_nothing_otherwise(self):
        for commits in (True, False):
            writer = self.store.writer('blob', 'one', None)
            writer.write(b'data')
            writer.write(b'more')
            if commits:
                writer.commit()
            writer.abort()
            self.assertEqual({}, self.server.files)

    def test_nothing_can_be_listed(self):
        self.assertRaises(errors.CannotList, lambda: list(self.store.objects()))
