# SPDX-License-Identifier: Apache-2.0
"""The file of property protections: what is read from it, and what keeps the service from starting."""

from oslo_config import cfg
from oslotest import base

from glance_clone import bootstrap
from glance_clone.api import property_protections as protections

_RULES = """
[^os_glance_secret$]
create = !
read = !
update = !
delete = !

[^secret_]
create = Admin, operator
read = @
update = admin
delete = !

[secret]
create = @
read =
update = @
delete = @
"""


def _section(header='x', **rules):
    return f'[{header}]\n' + '\n'.join(f'{name} = {value}' for name, value in rules.items())


_OPEN = dict.fromkeys(protections.OPERATIONS, '@')


class ParseTest(base.BaseTestCase):
    def test_first_match_decides(self):
        found = protections.parse(_RULES, 'roles')
        self.assertEqual({'admin', 'operator'}, found.rule('create', 'secret_a').roles)
        self.assertTrue(found.rule('read', 'secret_a').everybody)
        self.assertTrue(found.rule('create', 'my_secret_a').everybody)

    def test_names_are_searched_by_case(self):
        found = protections.parse(_RULES, 'roles')
        self.assertEqual(protections.Rule(), found.rule('create', 'SECRET_a'))

    def test_nobody_has_what_is_not_matched_or_not_given(self):
        found = protections.parse(_RULES, 'roles')
        for operation, name in [('read', 'other'), ('delete', 'secret_a'), ('read', 'a_secret')]:
            self.assertEqual(protections.Rule(), found.rule(operation, name))

    def test_properties_of_the_service_are_not_protected(self):
        found = protections.parse(_RULES, 'roles')
        self.assertTrue(found.rule('read', 'os_glance_secret').everybody)

    def test_policies(self):
        found = protections.parse(_section(**{**_OPEN, 'read': 'see_it', 'delete': '!'}), 'policies')
        self.assertEqual('see_it', found.rule('read', 'x').policy)
        self.assertEqual(protections.Rule(), found.rule('delete', 'x'))
        self.assertEqual({'see_it'}, found.policies())

    def test_a_section_called_default_is_one_like_others(self):
        found = protections.parse(_section('DEFAULT', **_OPEN) + '\n' + _section('x', **_OPEN), 'roles')
        self.assertEqual(protections.Rule(), found.rule('read', 'y'))

    def test_bad_files(self):
        bad = {
            'lacks delete': _section(create='@', read='@', update='@'),
            'no regular expression': _section('(', **_OPEN),
            'both @': _section(**{**_OPEN, 'read': '@,!'}),
        }
        for reason, text in bad.items():
            error = self.assertRaises(protections.BadProtections, protections.parse, text, 'roles')
            self.assertIn(reason, str(error))

    def test_bad_policies(self):
        for value in ('a,b', ''):
            text = _section(**{**_OPEN, 'read': value})
            error = self.assertRaises(protections.BadProtections, protections.parse, text, 'policies')
            self.assertIn('must name one policy', str(error))


class LoadTest(base.BaseTestCase):
    def _load(self, text=None, **options):
        conf = cfg.ConfigOpts()
        bootstrap.load_config(conf)
        path = self.create_tempfiles([('rules', text)])[0] if text is not None else '/nonexistent/rules.conf'
        conf.set_override('property_protection_file', path)
        for name, value in options.items():
            conf.set_override(name, value)
        return protections.load(conf, 'known'.__eq__)

    def test_a_file_that_is_not_there(self):
        error = self.assertRaises(protections.BadProtections, self._load)
        self.assertIn('not there', str(error))

    def test_a_file_that_is_no_ini_file(self):
        self.assertRaises(protections.BadProtections, self._load, 'create = @')

    def test_policies_must_exist(self):
        options = {'property_protection_rule_format': 'policies'}
        self.assertIsNotNone(self._load(_section(**{**_OPEN, 'read': 'known'}), **options))
        text = _section(**{**_OPEN, 'read': 'unknown'})
        error = self.assertRaises(protections.BadProtections, self._load, text, **options)
        self.assertIn('unknown', str(error))

    def test_no_file_no_protections(self):
        conf = cfg.ConfigOpts()
        bootstrap.load_config(conf)
        self.assertIsNone(protections.load(conf, bool))
