# SPDX-License-Identifier: Apache-2.0
"""Figures: of several rounds the smallest, the middle and the largest; as a table and as JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds gave."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of figures, of which there is at least one."""
        return cls(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return '/'.join(_short(value) for value in (self.low, self.middle, self.high))


@dataclasses.dataclass(slots=True)
class Row:
    """One workload against one service, or one floor.

    :ivar figures: by name, e.g. ``cpu ms``, ``requests/s``, ``MB/s``
    :ivar note: why there are no figures, or how far from the floor they are
    """

    service: str
    workload: str
    figures: dict[str, Spread] = dataclasses.field(default_factory=dict)
    note: str = ''


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(rows: Sequence[Row]) -> str:
    """Return rows as aligned text, figures as min/median/max."""
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    lines = [['service', 'workload', *names, 'note']]
    for row in rows:
        figures = [str(row.figures[name]) if name in row.figures else '-' for name in names]
        lines.append([row.service, row.workload, *figures, row.note])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def documents(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return rows as JSON documents."""
    return [dataclasses.asdict(row) for row in rows]


#: Workloads without a floor, which are compared with ``show`` of the same service.
_LIKE_SHOW = ('members', 'tag', 'namespace')


def compare(rows: Sequence[Row]) -> None:
    """Note in each row how its figures relate to those of the floor of the same workload, or to those of ``show``."""
    shows = {row.service: row for row in rows if row.workload == 'show' and row.figures}
    for row in rows:
        if row.workload in _LIKE_SHOW and row.figures and row.service in shows:
            row.note = f'{row.figures["cpu ms"].low / shows[row.service].figures["cpu ms"].low:.2f} x show'
    floors = {row.workload: row for row in rows if row.service == 'floor'}
    for name in ('stage', 'copy', 'fetch'):
        floors.setdefault(name, floors.get('upload'))
    for row in rows:
        floor = floors.get(row.workload)
        if floor is None or row.service == 'floor' or not row.figures:
            continue
        for name in ('cpu ms', 'MB/s'):
            if name in row.figures and name in floor.figures and floor.figures[name].low:
                row.note = f'{_best(row.figures[name], name) / _best(floor.figures[name], name):.2f} x floor'
                break


def _best(spread: Spread, name: str) -> float:
    """Return the figure that is least disturbed by whatever else the machine does."""
    return spread.low if name == 'cpu ms' else spread.high


def _short(value: float) -> str:
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'
