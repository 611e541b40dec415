# SPDX-License-Identifier: Apache-2.0
"""Bodies about what is in namespaces: each is read, or refused for a reason."""

import json
import types

import webob
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from glance_clone.api.serial import metadef_object
from glance_clone.api.serial import metadef_property
from glance_clone.api.serial import metadef_resource_type
from glance_clone.api.serial import metadef_tag
from glance_clone.domain import errors
from glance_clone.domain.metadef_property import ATTRIBUTES
from glance_clone.tests import base

_API = types.SimpleNamespace(conf=types.SimpleNamespace(max_metadef_body_size=100_000))
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
_KEYS = st.sampled_from((*ATTRIBUTES, 'tags', 'prefix', 'required', 'properties', 'created_at', 'x'))
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=8
)
_SOUND = {'name': 'n', 'title': 'T', 'type': 'string'}
_PARSERS = {
    metadef_object.parse: {'name': 'n'},
    metadef_property.parse: _SOUND,
    metadef_resource_type.parse: {'name': 'n'},
    metadef_tag.parse: {'name': 'n'},
    metadef_tag.parse_several: {'tags': [{'name': 'n'}]},
}


def _parse(parser, document):
    return parser(_API, webob.Request.blank('/x', method='POST', body=json.dumps(document).encode()))


class ParseTest(base.TestCase):
    def test_the_least_that_can_be_said(self):
        for parser, least in _PARSERS.items():
            _parse(parser, least)
            for name in least:
                self.assertRaises(errors.Invalid, _parse, parser, {key: value for key, value in least.items() if key != name})

    def test_things_of_another_kind(self):
        for parser in _PARSERS:
            for document in ([], [{}], 'x', 5, None, True):
                self.assertRaises(errors.Invalid, _parse, parser, document)
        for tags in (['x'], [['name']], [None], {}, 'x', [{'name': 'n'}, 5]):
            self.assertRaises(errors.Invalid, _parse, metadef_tag.parse_several, {'tags': tags})

    def test_what_cannot_be_stored(self):
        for parser, least in _PARSERS.items():
            text = json.dumps(least).replace('"n"', '"\\ud83d\\ude00"')
            self.assertRaises(errors.Invalid, _parse, parser, json.loads(text))

    @settings(max_examples=150, deadline=None)
    @given(st.sampled_from(list(_PARSERS)), st.dictionaries(_KEYS, _JSON, max_size=4))
    def test_any_body_is_read_or_refused(self, parser, more):
        try:
            _parse(parser, {**_PARSERS[parser], **more})
        except (errors.Invalid, errors.Forbidden) as error:
            self.assertTrue(str(error))
