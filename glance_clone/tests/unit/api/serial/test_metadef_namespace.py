# SPDX-License-Identifier: Apache-2.0
"""Requests for namespaces, and their documents."""

import datetime
import json
import types
import urllib.parse

import webob
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from glance_clone.api.serial import metadef_namespace
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.tests import base

_API = types.SimpleNamespace(
    conf=types.SimpleNamespace(max_metadef_body_size=100_000, limit_param_default=25, api_limit_max=1000)
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_NAMES = ('namespace', 'owner', 'visibility', 'tags', 'objects', 'properties', 'resource_type_associations', 'name', 'prefix')


def _request(query='', document=None):
    body = None if document is None else json.dumps(document).encode()
    return webob.Request.blank(f'/x?{query}', method='GET' if body is None else 'POST', body=body)


class ParseTest(base.TestCase):
    def _parse(self, document):
        return metadef_namespace.parse_create(_API, _request(document=document))

    def test_what_is_not_said(self):
        self.assertEqual(Namespace('n', '', visibility='private', protected=False), self._parse({'namespace': 'n'}))

    def test_what_was_read_before_can_be_sent_again(self):
        times = {'created_at': '2026-01-01T00:00:00Z', 'updated_at': '2026-01-01T00:00:00Z'}
        parsed = self._parse(
            {
                'namespace': 'n',
                'tags': [{'name': 't', **times}],
                'objects': [{'name': 'o', 'self': '/x', 'schema': '/y', **times}],
                'resource_type_associations': [{'name': 'T', **times}],
            }
        )
        self.assertEqual(['t', 'o', 'T'], [parsed.tags[0].name, parsed.objects[0].name, parsed.associations[0].name])
        self.assertIsNone(parsed.tags[0].created_at)

    def test_an_update_ignores_what_is_in_it(self):
        document = {'namespace': 'n', 'tags': [{}], 'objects': [{'name': 'o' * 90}]}
        self.assertEqual(Namespace('n', ''), metadef_namespace.parse_update(_API, _request(document=document)))
        document['tags'] = ['x']
        self.assertRaises(errors.Invalid, metadef_namespace.parse_update, _API, _request(document=document))

    @settings(max_examples=60, deadline=None)
    @given(st.dictionaries(st.sampled_from(_NAMES), _JSON | st.lists(st.dictionaries(st.sampled_from(_NAMES), _JSON))))
    def test_any_body_is_read_or_refused(self, document):
        try:
            self.assertIsInstance(self._parse({'namespace': 'n', **document}), Namespace)
        except (errors.Invalid, errors.Forbidden) as error:
            self.assertTrue(str(error))


class ListTest(base.TestCase):
    def _parse(self, query):
        return metadef_namespace.parse_list(_API, _request(query))

    def test_limits(self):
        for query, limit in (('', 25), ('limit=0', 0), ('limit=7', 7), ('limit=5000', 1000), ('limit=' + '9' * 30, 1000)):
            self.assertEqual(limit, self._parse(query).limit)
        for query in ('limit=', 'limit=x', 'limit=-1', 'limit=1.5', 'limit=%D9%A3'):
            self.assertRaises(errors.Invalid, self._parse, query)

    def test_resource_types(self):
        for query, names in (('', None), ('resource_types=', []), ('resource_types=,', []), ('resource_types=a,b', ['a', 'b'])):
            self.assertEqual(names, self._parse(query).resource_types)

    @given(
        st.dictionaries(st.sampled_from(('limit', 'marker', 'sort_key', 'sort_dir', 'visibility', 'x')), st.text(max_size=9))
    )
    def test_any_query_is_read_or_refused(self, query):
        try:
            self._parse(urllib.parse.urlencode(query))
        except errors.Invalid as error:
            self.assertTrue(str(error))


class RenderTest(base.TestCase):
    def test_nothing_is_shown_as_null(self):
        moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
        namespace = Namespace('n', 'me', visibility=None, protected=None, created_at=moment)
        document = metadef_namespace.render(None, None, namespace, _request()).json
        self.assertEqual(
            {
                'namespace': 'n',
                'owner': 'me',
                'created_at': '2026-01-02T03:04:05Z',
                'self': '/v2/metadefs/namespaces/n',
                'schema': '/v2/schemas/metadefs/namespace',
            },
            document,
        )

    def test_a_location_is_a_url(self):
        response = metadef_namespace.render_created(None, None, Namespace('OS::a b/"<%?#\r\nX: ü', 'me'), _request())
        self.assertEqual('http://localhost/metadefs/namespaces/OS::a b%2F"<%25%3F%23%0D%0AX: %C3%BC', response.location)
