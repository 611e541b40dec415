# SPDX-License-Identifier: Apache-2.0
"""From query parameters to conditions."""

import contextlib
import datetime

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from glance_clone.api.serial import image_filters
from glance_clone.domain import errors
from glance_clone.domain import query as q
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery


def _query(*pairs, most=10):
    query = ImageQuery()
    image_filters.apply(query, list(pairs), most)
    return query


class FilterTest(base.BaseTestCase):
    def _assert_condition(self, name, value, op, wanted, attribute=None):
        self.assertEqual([Condition(attribute or name, op, wanted)], _query((name, value)).conditions)

    def _assert_invalid(self, *pairs):
        self.assertRaises(errors.Invalid, _query, *pairs)

    def test_text(self):
        self._assert_condition('name', 'a', q.EQ, 'a')
        self._assert_condition('name', 'eq:a:b', q.EQ, 'a:b')
        self._assert_condition('owner', 'in:a', q.EQ, 'in:a')
        self._assert_invalid(('name', 'foo:bar'))

    def test_lists(self):
        for text, elements in (
            ('in:a,b', ('a', 'b')),
            ('in:"a,b",c', ('a,b', 'c')),
            (r'in:"a\"b"', ('a"b',)),
            ('in:', ()),
        ):
            self._assert_condition('name', text, q.IN, elements)
        for text in ('in:"a', 'in:a"b"', 'in:"a"b', 'in:"a""b"'):
            self._assert_invalid(('name', text))

    def test_numbers(self):
        self._assert_condition('size', '5', q.EQ, 5)
        self._assert_condition('size', 'x', q.IN, ())
        self._assert_condition('size_min', '5', q.GTE, 5, 'size')
        self._assert_condition('min_ram_max', '5', q.LTE, 5, 'min_ram')
        for name, value in (('size_min', 'x'), ('size_max', ''), ('foo_min', '5'), ('size_min', '1.5')):
            self._assert_invalid((name, value))

    def test_times(self):
        moment = datetime.datetime(2026, 1, 31, 12)
        for text in ('gt:2026-01-31T12:00:00Z', 'gt:2026-01-31T14:00:00+02:00'):
            self._assert_condition('created_at', text, q.GT, moment)
        self._assert_condition('updated_at', '2026-01-31T12:00:00', q.EQ, moment)
        for text in ('', 'gt:', 'xx:2026-01-31', 'in:2026-01-31T12:00:00Z', 'gt:2026-13-01T00:00:00Z'):
            self._assert_invalid(('created_at', text))

    def test_booleans(self):
        self.assertTrue(_query(('os_hidden', 'TRUE')).os_hidden)
        self._assert_condition('protected', 'true', q.EQ, True)
        self._assert_invalid(('os_hidden', '1'))
        self._assert_invalid(('protected', 'True'))

    def test_membership_and_visibility(self):
        query = _query(('visibility', 'all'), ('member_status', 'pending'))
        self.assertEqual(('all', 'pending'), (query.visibility, query.member_status))
        self.assertEqual('', _query(('visibility', '')).visibility)
        self._assert_invalid(('visibility', 'x'))
        self._assert_invalid(('member_status', ''))

    def test_tags_add_up_and_other_parameters_replace_each_other(self):
        query = _query(('tag', ' a '), ('tag', 'b'), ('name', 'x'), ('name', 'y'))
        self.assertEqual((['a', 'b'], [Condition('name', q.EQ, 'y')]), (query.tags, query.conditions))

    def test_unknown_names_are_properties(self):
        self.assertEqual({'color': 'in:red', 'is_public': 'x'}, _query(('color', 'in:red'), ('is_public', 'x')).properties)

    def test_too_many(self):
        pairs = [('tag', str(i)) for i in range(5)] + [(f'p{i}', 'x') for i in range(6)]
        self._assert_invalid(*pairs)
        _query(*pairs[1:])

    def test_refused_names(self):
        for name in ('changes-since', 'locations', 'members', 'properties'):
            self._assert_invalid((name, 'x'))

    @given(st.lists(st.text(alphabet='ab,"\\ é', min_size=1, max_size=6), min_size=1, max_size=5))
    def test_quoting_any_elements_gives_them_back(self, elements):
        elements = [element.replace('\\', '') or 'x' for element in elements]
        text = ','.join('"' + element.replace('"', '\\"') + '"' for element in elements)
        (condition,) = _query(('name', f'in:{text}')).conditions
        self.assertEqual(tuple(elements), condition.value)

    @given(st.sampled_from(sorted((*image_filters._APPLY, 'tag', 'x_min', 'size_max', 'other'))), st.text(max_size=30))
    def test_any_value_gives_a_query_or_a_known_error(self, name, value):
        with contextlib.suppress(errors.Invalid):
            _query((name, value))
