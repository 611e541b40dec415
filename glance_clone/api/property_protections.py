# SPDX-License-Identifier: Apache-2.0
"""Property protections: who may create, read, update and delete which custom properties of images.

The rules are an INI file. The header of a section is a regular expression, searched in the name of the property; the first
section in the order of the file that matches decides, and what no section matches is nobody's. A rule is a list of roles,
or names one access rule of the policy file; ``@`` is everybody, ``!`` nobody.

Base attributes are not protected, and neither are the properties of the service itself (``os_glance...``), which the API
keeps users from setting.
"""

from __future__ import annotations

import configparser
import dataclasses
import functools
import re
from collections.abc import Callable
from collections.abc import Mapping

from oslo_config import cfg

from glance_clone.domain.image import RESERVED_PREFIX

CREATE, READ, UPDATE, DELETE = OPERATIONS = ('create', 'read', 'update', 'delete')
ROLES, POLICIES = 'roles', 'policies'

_EVERYBODY, _NOBODY = '@', '!'
#: No section of a file can have this name, so that none of them is taken for one of defaults.
_NO_DEFAULTS = '\n'
#: For how many names of properties it is kept which section they belong to.
_REMEMBERED = 4096


class BadProtections(ValueError):
    """The file of property protections cannot be used."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Who may do one thing to some properties.

    :ivar everybody: whether anybody may
    :ivar roles: whoever has one of these may
    :ivar policy: whom this access rule lets pass, may
    """

    everybody: bool = False
    roles: frozenset[str] = frozenset()
    policy: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """The rules of the properties whose names match, by operation."""

    pattern: re.Pattern[str]
    rules: Mapping[str, Rule]


class Protections:
    """The rules of one file, in its order."""

    def __init__(self, sections: list[Section]):
        self._sections = sections
        self._rules_of = functools.lru_cache(maxsize=_REMEMBERED)(self._first_match)

    def rule(self, operation: str, name: str) -> Rule:
        """Return the rule for an operation on a property."""
        if name.startswith(RESERVED_PREFIX):
            return _OF_THE_SERVICE
        rules = self._rules_of(name)
        return _OF_NOBODY if rules is None else rules[operation]

    def _first_match(self, name: str) -> Mapping[str, Rule] | None:
        return next((section.rules for section in self._sections if section.pattern.search(name)), None)

    def policies(self) -> set[str]:
        """Return the names of the access rules that the file refers to."""
        rules = (rule for section in self._sections for rule in section.rules.values())
        return {rule.policy for rule in rules if rule.policy is not None}


_OF_THE_SERVICE = Rule(everybody=True)
_OF_NOBODY = Rule()


def load(conf: cfg.ConfigOpts, is_policy: Callable[[str], bool]) -> Protections | None:
    """Return the property protections that the configuration asks for; None if it asks for none.

    :param is_policy: tells whether an access rule of that name exists
    :raises BadProtections: naming the section and what is wrong with it
    """
    name = conf.property_protection_file
    if not name:
        return None
    path = conf.find_file(name)
    if path is None:
        raise BadProtections(f'property_protection_file {name} is not there; name a file that can be read.')
    try:
        with open(path, encoding='utf-8') as file:
            protections = parse(file.read(), conf.property_protection_rule_format)
    except (OSError, UnicodeDecodeError, configparser.Error, BadProtections) as error:
        raise BadProtections(f'property_protection_file {path} cannot be used: {error}') from error
    unknown = sorted(policy for policy in protections.policies() if not is_policy(policy))
    if unknown:
        raise BadProtections(f'property_protection_file {path} names policies that do not exist: {", ".join(unknown)}.')
    return protections


def parse(text: str, rule_format: str) -> Protections:
    """Read the text of a file of protections.

    :param rule_format: ``roles`` or ``policies``
    :raises BadProtections: naming the section and what is wrong with it
    """
    parser = configparser.RawConfigParser(default_section=_NO_DEFAULTS)
    parser.read_string(text)
    sections = [_section(header, parser[header], rule_format) for header in parser.sections()]
    # What belongs to the service is not for operators to give away or to take.
    return Protections([section for section in sections if not section.pattern.pattern.startswith(RESERVED_PREFIX)])


def _section(header: str, values: Mapping[str, str], rule_format: str) -> Section:
    try:
        pattern = re.compile(header)
    except re.error as error:
        raise BadProtections(f'[{header}] is no regular expression: {error}') from error
    missing = [operation for operation in OPERATIONS if operation not in values]
    if missing:
        raise BadProtections(f'[{header}] lacks {", ".join(missing)}; each section needs {", ".join(OPERATIONS)}.')
    read = _policy_rule if rule_format == POLICIES else _role_rule
    return Section(pattern, {operation: read(f'{operation} of [{header}]', values[operation]) for operation in OPERATIONS})


def _role_rule(where: str, text: str) -> Rule:
    roles = {role.strip().lower() for role in text.split(',')} - {''}
    if {_EVERYBODY, _NOBODY} <= roles:
        raise BadProtections(f'{where} has both {_EVERYBODY} (everybody) and {_NOBODY} (nobody); write one of them.')
    if _NOBODY in roles:
        return _OF_NOBODY
    return Rule(everybody=_EVERYBODY in roles, roles=frozenset(roles))


def _policy_rule(where: str, text: str) -> Rule:
    name = text.strip()
    if ',' in name or not name:
        raise BadProtections(f'{where} must name one policy, or be {_EVERYBODY} or {_NOBODY}.')
    if name in (_EVERYBODY, _NOBODY):
        return Rule(everybody=name == _EVERYBODY)
    return Rule(policy=name)
