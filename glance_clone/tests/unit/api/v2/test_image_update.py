# SPDX-License-Identifier: Apache-2.0
"""Patches, whatever they are made of: all of their operations or none, as if one after the other (R7)."""

import copy
import json
import types

import fixtures
import webob
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from oslotest import base

from glance_clone.api.schema.image import ImageSchema
from glance_clone.api.serial import image_patch
from glance_clone.api.v2 import image_update
from glance_clone.domain import errors
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image

_MEDIA_TYPE = 'application/openstack-images-v2.1-json-patch'
_NAMES = st.sampled_from(['a', 'b', 'c/d', 'e~f', 'g h'])
_VALUES = st.sampled_from(['', 'x', 'y', '\u00e4', ' ', 'long' * 50])
_OPERATIONS = st.builds(
    lambda verb, name, value: {'op': verb, 'path': _pointer(name), **({} if verb == 'remove' else {'value': value})},
    st.sampled_from(['add', 'replace', 'remove']),
    _NAMES,
    _VALUES,
)


_SCHEMA = ImageSchema(['raw'], ['bare'])


def _pointer(name):
    return '/' + name.replace('~', '~0').replace('/', '~1')


class _Door:
    """Lets everybody do everything."""

    protects_properties = False

    def require_on_image(self, context, image, rule):
        pass

    def image(self, context, image_id, rule):
        return context.images.get(image_id, SERVICE)

    def allows_property(self, context, operation, name):
        return True

    def require_property(self, context, operation, name):
        pass


class _Images:
    """One image; ``meanwhile`` is done to it before the next save, which is refused then."""

    def __init__(self, properties):
        self.stored = Image('i', properties=dict(properties))
        self.meanwhile = []
        self.saves = 0

    def get(self, image_id, caller):
        return copy.deepcopy(self.stored)

    def save(self, image, from_state=None, if_unchanged=False):
        if self.meanwhile:
            self.meanwhile.pop()(self.stored)
            raise errors.StateChanged('changed')
        self.saves += 1
        self.stored = copy.deepcopy(image)


def _api(properties=None):
    images = _Images(properties or {})
    conf = types.SimpleNamespace(image_property_quota=-1, image_tag_quota=-1, max_json_body_size=1 << 20)
    return types.SimpleNamespace(conf=conf, door=_Door(), images=images, image_schema=_SCHEMA)


def _patch(api, operations):
    request = webob.Request.blank('/', method='PATCH', body=json.dumps(operations).encode(), content_type=_MEDIA_TYPE)
    context = types.SimpleNamespace(caller=SERVICE, is_admin=True, images=api.images)
    return image_update.update(api, context, {'image_id': 'i'}, image_patch.parse(api, request))


def _expected(properties, operations):
    """Return what RFC 6902 makes of properties; None if an operation fails."""
    found = dict(properties)
    for operation in operations:
        name = operation['path'][1:].replace('~1', '/').replace('~0', '~')
        if operation['op'] != 'add' and name not in found:
            return None
        if operation['op'] == 'remove':
            del found[name]
        else:
            found[name] = operation['value']
    return found


_unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class PatchTest(base.BaseTestCase):
    @_unhurried
    @given(st.dictionaries(_NAMES, _VALUES), st.lists(_OPERATIONS, max_size=8))
    def test_all_or_nothing(self, properties, operations):
        api, expected = _api(properties), _expected(properties, operations)
        if expected is None:
            self.assertRaises(errors.Conflict, _patch, api, operations)
            self.assertEqual((properties, 0), (api.images.stored.properties, api.images.saves))
        else:
            self.assertEqual(expected, _patch(api, operations).properties)
            self.assertEqual((expected, bool(operations)), (api.images.stored.properties, bool(api.images.saves)))

    @_unhurried
    @given(st.dictionaries(_NAMES, _VALUES), st.lists(_OPERATIONS, min_size=1, max_size=5), st.lists(_OPERATIONS, max_size=3))
    def test_others_change_the_image_meanwhile(self, properties, operations, others):
        between = _expected(properties, others)
        if between is None:
            return
        api = _api(properties)
        api.images.meanwhile.append(lambda image: setattr(image, 'properties', dict(between)))
        if _expected(properties, operations) is None:
            return  # it fails before it could be saved
        expected = _expected(between, operations)
        if expected is None:
            self.assertRaises(errors.Conflict, _patch, api, operations)
            self.assertEqual(between, api.images.stored.properties)
        else:
            _patch(api, operations)
            self.assertEqual(expected, api.images.stored.properties)

    @_unhurried
    @given(st.text(st.characters(codec='utf-8', max_codepoint=0xFFFF, exclude_characters='\0'), min_size=1, max_size=20))
    def test_any_name_can_be_a_property(self, name):
        api = _api()
        try:
            _patch(api, [{'op': 'add', 'path': _pointer(name), 'value': 'v'}])
        except errors.ImageServiceError:
            return  # names of attributes, and those of the service
        self.assertIn(api.images.stored.properties, ({name.strip(): 'v'}, {}))

    @_unhurried
    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5), _VALUES)
    def test_what_is_no_patch_is_refused(self, thing, text):
        for document in (thing, [thing], {'op': thing}, [{'op': 'add', 'path': thing, 'value': text}], [{text: thing}]):
            api = _api()
            try:
                _patch(api, document)
            except errors.ImageServiceError:
                continue
            self.assertIsInstance(document, list)

    def test_who_never_gets_through_is_told(self):
        api = _api()
        api.images.meanwhile = [lambda image: None] * 1000
        self.useFixture(fixtures.MonkeyPatch('glance_clone.api.v2.image_update._PAUSE', 0))
        error = self.assertRaises(errors.Conflict, _patch, api, [{'op': 'add', 'path': '/a', 'value': 'v'}])
        self.assertIn('try again', str(error))
