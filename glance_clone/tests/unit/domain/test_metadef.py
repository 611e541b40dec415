# SPDX-License-Identifier: Apache-2.0
"""Namespaces and names."""

from glance_clone.domain import errors
from glance_clone.domain import metadef
from glance_clone.domain.caller import Caller
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import Namespace
from glance_clone.tests import base


class NamespaceTest(base.TestCase):
    def test_who_sees_it(self):
        for visibility, owner, seen in (
            ('public', 'me', {'admin', 'me', 'other', None}),
            ('private', 'me', {'admin', 'me'}),
            (None, 'me', {'admin', 'me'}),
            ('private', '', {'admin'}),
        ):
            namespace = Namespace('n', owner, visibility=visibility)
            callers = {'admin': Caller('x', is_admin=True), 'me': Caller('me'), 'other': Caller('other'), None: Caller(None)}
            self.assertEqual(seen, {name for name, caller in callers.items() if namespace.is_visible_to(caller)})

    def test_protection(self):
        self.assertRaises(errors.Forbidden, Namespace('n', 'me', protected=True).require_unprotected)
        for protected in (False, None):
            Namespace('n', 'me', protected=protected).require_unprotected()

    def test_prefixes(self):
        namespace = Namespace('n', 'me', associations=[Association('T', prefix='p_'), Association('U')])
        self.assertEqual(['p_', '', ''], [namespace.prefix_for(name) for name in ('T', 'U', 't')])

    def test_two_of_one_name(self):
        tags = [metadef.Tag('a'), metadef.Tag('A'), metadef.Tag('a ')]
        Namespace('n', 'me', tags=tags, objects=[metadef.Object('a')]).require_distinct_names()
        error = self.assertRaises(errors.Conflict, metadef.require_distinct_tags, [*tags, metadef.Tag('A')])
        self.assertIn("'A'", str(error))


class NameTest(base.TestCase):
    def test_names_that_can_be(self):
        for name in ('', 'x' * 80, 'ü', 'a/b', 'OS::X', '\uffff'):
            metadef.require_name('tag', name)

    def test_names_that_cannot(self):
        for name in (None, 5, 'x' * 81, 'a\0b', '\U00010000'):
            self.assertRaises(errors.Invalid, metadef.require_name, 'tag', name)

    def test_text_has_room_in_bytes(self):
        metadef.require_storable('x' * metadef.MAX_TEXT, 'text')
        self.assertRaises(errors.Invalid, metadef.require_storable, 'ü' * (metadef.MAX_TEXT // 2 + 1), 'text')
