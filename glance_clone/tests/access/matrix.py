# SPDX-License-Identifier: Apache-2.0
"""What ``matrix.yaml`` says: the cases, and the answer to each."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pathlib
import random
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import yaml

ANONYMOUS = 'anonymous'
_BY_SIGHT = 'by sight'
_DELETED = 'pending_delete'


@dataclasses.dataclass(frozen=True)
class Operation:
    """A request, and the rules by which it is answered."""

    name: str
    request: str
    rules: list[dict[str, Any]]
    json: Any = None
    patch: Any = None
    bytes: str | None = None
    ignores: str | None = None

    @property
    def route(self) -> tuple[str, str]:
        """Verb and path."""
        verb, path = self.request.split(' ', 1)
        return verb, path

    @property
    def subject(self) -> str | None:
        """What is acted on: ``image``, ``namespace``, or nothing that has an owner."""
        if self.ignores:
            return None
        return 'image' if '{image_id}' in self.request else 'namespace' if '{namespace}' in self.request else None


@dataclasses.dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    variant: str
    operation: Operation
    persona: str
    visibility: str
    state: str

    def __str__(self) -> str:
        parts = (self.persona, self.operation.name, self.visibility, self.state)
        return ' / '.join(parts)


class Matrix:
    """The matrix as a whole."""

    def __init__(self, document: dict[str, Any]):
        self.personas: dict[str, dict[str, Any]] = document['personas']
        self.visibilities: list[str] = document['visibilities']
        self.states: list[str] = document['states']
        self.variants: dict[str, dict[str, Any]] = document['variants']
        self._rows: dict[str, Any] = document['rows']
        self.operations = list(_operations(document['operations']))

    def cases(self, variant: str, operation: Operation) -> Iterator[Case]:
        """Yield every case of an operation; what it does not look at does not vary."""
        visibilities, states = self._dimensions(operation)
        for persona, visibility, state in itertools.product(self.who(variant), visibilities, states):
            yield Case(variant, operation, persona, visibility, state)

    def pairwise(self, variant: str, operations: Collection[Operation]) -> list[Case]:
        """Return some cases, in which every operation, persona, visibility and state meets every one of the others."""
        cases = []
        for _subject, group in itertools.groupby(sorted(operations, key=_kind), key=_kind):
            alike = {operation.name: operation for operation in group}
            visibilities, states = self._dimensions(next(iter(alike.values())))
            for name, *values in cover([list(alike), self.who(variant), visibilities, states]):
                cases.append(Case(variant, alike[name], *values))
        return cases

    def who(self, variant: str) -> list[str]:
        """Return the personas of a variant; those who have no token are in variants of their own."""
        return list(self.variants[variant].get('personas', [name for name in self.personas if name != ANONYMOUS]))

    def _dimensions(self, operation: Operation) -> tuple[list[str], list[str]]:
        if operation.subject == 'image':
            return self.visibilities, self.states
        return ['private', 'public'] if operation.subject == 'namespace' else ['private'], ['active']

    def expected(self, case: Case) -> int:
        """Return the status with which a case must be answered."""
        operation = case.operation
        if case.persona == ANONYMOUS and operation.route[0] != 'GET':
            return 403
        if operation.subject and not self.has_row(case):
            return 404
        rule = next(rule for rule in operation.rules if self._fits(case, rule))
        if rule['then'] == _BY_SIGHT:
            return 403 if self.sees(case) else 404
        return int(rule['then'])

    def has_row(self, case: Case) -> bool:
        """Tell whether somebody may know that there is such a row."""
        if case.operation.subject == 'image' and case.state == _DELETED:
            return False
        people = self._rows[case.visibility]
        return people == 'everybody' or case.persona in people

    def sees(self, case: Case) -> bool:
        """Tell whether somebody may see the image or namespace."""
        return self.has_row(case) and self._is_in(case, 'sees')

    def _fits(self, case: Case, rule: dict[str, Any]) -> bool:
        return (
            ('who' not in rule or self._is_in(case, rule['who']))
            and ('and' not in rule or self._is_in(case, rule['and']))
            and ('and_not' not in rule or not self._is_in(case, rule['and_not']))
            and case.visibility in rule.get('visibility', [case.visibility])
            and case.state in rule.get('state', [case.state])
        )

    def _is_in(self, case: Case, group: str) -> bool:
        groups = self.variants[case.variant]['groups']
        if group == 'sees' and case.operation.subject == 'namespace':
            group = 'reads_own_definitions' if case.visibility == 'private' else 'reads_definitions'
        people = groups[group]
        return case.persona in (people[case.visibility] if isinstance(people, dict) else people)


def _kind(operation: Operation) -> str:
    return operation.subject or ''


@functools.cache
def load() -> Matrix:
    """Return the matrix of this directory."""
    return Matrix(yaml.safe_load((pathlib.Path(__file__).parent / 'matrix.yaml').read_text()))


def _operations(documents: dict[str, dict[str, Any]]) -> Iterator[Operation]:
    """Yield the operations; those that name further requests stand for one operation each."""
    for name, document in documents.items():
        also = document.pop('also', [])
        yield Operation(name, **document)
        for request in also:
            yield Operation(f'{name}: {request}', **{**document, 'request': request})


def cover(dimensions: list[list[str]], seed: int = 7) -> list[tuple[str, ...]]:
    """Return combinations in which every two values of different dimensions meet; always the same ones."""
    chance = random.Random(seed)
    missing = set(_pairs(dimensions))
    chosen = []
    while missing:
        (first, one), (second, other) = min(missing)
        fixed = {first: one, second: other}
        best = max(
            (_complete(dimensions, fixed, chance) for _try in range(20)),
            key=lambda values: len(missing & set(_meetings(values))),
        )
        missing -= set(_meetings(best))
        chosen.append(best)
    return chosen


def _pairs(dimensions: list[list[str]]) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    for (first, ones), (second, others) in itertools.combinations(enumerate(dimensions), 2):
        for one, other in itertools.product(ones, others):
            yield (first, one), (second, other)


def _complete(dimensions: list[list[str]], fixed: dict[int, str], chance: random.Random) -> tuple[str, ...]:
    return tuple(fixed.get(number) or chance.choice(values) for number, values in enumerate(dimensions))


def _meetings(values: Iterable[str]) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    return itertools.combinations(enumerate(values), 2)
