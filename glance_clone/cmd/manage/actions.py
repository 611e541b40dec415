# SPDX-License-Identifier: Apache-2.0
"""What an action of ``glance-manage`` is: a function, and the values that it takes."""

from __future__ import annotations

import argparse
import dataclasses
import enum
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from glance_clone.db.engine import Database


class Kind(enum.Enum):
    """What an option takes."""

    TEXT = 'text'
    NUMBER = 'number'
    FLAG = 'flag'


@dataclasses.dataclass(frozen=True)
class Option:
    """A value that an action takes as ``--name``.

    :ivar positional: whether it can also be given without its name, in the order of the options
    :ivar setting: the option of ``[DEFAULT]`` that counts where it is not given
    """

    name: str
    kind: Kind
    help: str
    positional: bool = True
    setting: str | None = None

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let a parser take it by name."""
        if self.kind is Kind.FLAG:
            parser.add_argument(f'--{self.name}', action='store_true', default=None, help=self.help)
        else:
            convert = int if self.kind is Kind.NUMBER else str
            parser.add_argument(f'--{self.name}', metavar=f'<{self.name}>', type=convert, help=self.help)

    def convert(self, text: str) -> Any:
        """Return what a value means that was given without the name; any text switches a flag on.

        :raises ValueError: not a number
        """
        if self.kind is Kind.FLAG:
            return bool(text)
        if self.kind is Kind.TEXT:
            return text
        try:
            return int(text)
        except ValueError:
            raise ValueError(f'{self.name} must be a whole number, not {text!r}.') from None


@dataclasses.dataclass(frozen=True)
class Action:
    """What ``glance-manage CATEGORY NAME`` does.

    :ivar run: called with the database and the values that were given, by name; returns the exit code
    """

    run: Callable[..., int]
    help: str
    options: Sequence[Option] = ()

    @property
    def positional(self) -> list[Option]:
        """The options that can be given without their names."""
        return [option for option in self.options if option.positional]

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let a parser take its values."""
        for option in self.options:
            option.add_to(parser)
        parser.add_argument('action_args', nargs='*', metavar='value', help=argparse.SUPPRESS)

    def perform(self, conf: cfg.ConfigOpts, given: Any, in_order: Sequence[str]) -> int:
        """Do it.

        :param given: has the values that were given by name as attributes; None for those that were not
        :param in_order: values without names; one of these goes before one with a name
        :raises ValueError: one of them is not what it should be
        """
        return self.run(Database(conf, patient=True), **self.values(conf, given, in_order))

    def values(self, conf: cfg.ConfigOpts, given: Any, in_order: Sequence[str]) -> dict[str, Any]:
        """Return the values of its options; parameters as for :meth:`perform`."""
        values = {option.name: conf[option.setting] for option in self.options if option.setting}
        named = {option.name: getattr(given, option.name, None) for option in self.options}
        values.update((name, value) for name, value in named.items() if value is not None)
        values.update((option.name, option.convert(text)) for option, text in zip(self.positional, in_order, strict=False))
        return values
