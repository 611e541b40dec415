# SPDX-License-Identifier: Apache-2.0
"""The form in which definitions of properties are kept."""

from hypothesis import given
from hypothesis import strategies as st

from glance_clone.domain import errors
from glance_clone.domain.metadef_property import ATTRIBUTES
from glance_clone.domain.metadef_property import kept
from glance_clone.domain.metadef_property import shown
from glance_clone.tests import base

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(('type', 'enum', 'x')), inner, max_size=3),
    max_leaves=5,
)


class PropertyTest(base.TestCase):
    def test_defaults_are_text(self):
        for default, text in (
            (5, '5'),
            (1.5, '1.5'),
            (True, 'True'),
            ('a', 'a'),
            (['a'], None),
            ({'a': 1}, None),
            (None, None),
        ):
            self.assertEqual({'default': text}, kept({'default': default}))

    def test_bounds_are_whole(self):
        self.assertEqual({'minimum': 1, 'maxLength': 2}, kept({'minimum': 1.5, 'maxLength': 2.0}))
        self.assertIs(int, type(kept({'maxItems': 2.0})['maxItems']))

    def test_what_cannot_be_kept(self):
        for definition in (
            {'confidential': True},
            {'required': ['x']},
            {'enum': ['a', 1]},
            {'minimum': float('inf')},
            {'maximum': float('-inf')},
            {'items': {}},
            {'items': {'enum': ['a']}},
            {'items': {'type': 'integer', 'enum': [1]}},
            {'items': {'type': 'string', 'more': 1}},
        ):
            self.assertRaises(errors.Invalid, kept, definition)

    def test_order_is_that_of_the_reference(self):
        self.assertEqual(list(ATTRIBUTES[:3]), list(shown({'title': 'T', 'type': 'string', 'name': 'n'})))

    def test_what_others_wrote_is_shown(self):
        written = {
            'type': 'integer',
            'enum': [1, 2],
            'description': None,
            'confidential': 1,
            'default': 3,
            'items': {'enum': [5]},
        }
        wanted = {'type': 'integer', 'enum': ['1', '2'], 'default': '3', 'items': {'enum': ['5']}}
        self.assertEqual(wanted, shown(written))

    @given(st.dictionaries(st.sampled_from((*ATTRIBUTES, 'other')), _VALUES))
    def test_showing_never_fails_and_changes_nothing_twice(self, written):
        once = shown(written)
        self.assertEqual(once, shown(once))
