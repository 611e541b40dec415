# SPDX-License-Identifier: Apache-2.0
"""Fills a database with very many images, made by the database itself: a million in minutes.

Of image n everything follows from n: one in ten is deleted, projects and visibilities mix, each has four properties and
two tags, some shared ones have members. Properties and tags exist in common and in rare values.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

PROJECTS = 200
_BATCH = 50_000
_DIALECT = {
    'mysql': {'time': "'2020-01-01' + INTERVAL {n} SECOND", 'yes': '1', 'no': '0', 'visibility': '{of}'},
    'postgresql': {
        'time': "timestamp '2020-01-01' + {n} * interval '1 second'",
        'yes': 'true',
        'no': 'false',
        'visibility': 'CAST({of} AS image_visibility)',
    },
}
#: Numbers from :first on, without a table of them.
_NUMBERS = 'WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) '
_HASH = "md5(concat('image-', n))"
_ID = (
    "concat_ws('-', "
    + ', '.join(f'substr({_HASH}, {at}, {size})' for at, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    + ')'
)
_VISIBILITY = (
    "CASE WHEN n % 50 = 0 THEN 'public' WHEN n % 50 = 1 THEN 'community' WHEN n % 50 < 15 THEN 'shared' ELSE 'private' END"
)
_IS_DEAD = 'n % 10 = 9'
_CHILD = 'image_id, created_at, updated_at, deleted, deleted_at'

_IMAGES = f"""
INSERT INTO images (id, name, status, visibility, owner, min_disk, min_ram, protected, os_hidden, size, disk_format,
    container_format, created_at, updated_at, deleted, deleted_at) {{numbers}}
SELECT {_ID}, concat('image ', n), CASE WHEN {_IS_DEAD} THEN 'deleted' ELSE 'active' END, {{visibility}},
    concat('project-', n % {PROJECTS}), 0, 0, {{no}}, {{no}}, n * 1000, 'raw', 'bare', {{time}}, {{time}},
    {{dead}}, CASE WHEN {_IS_DEAD} THEN {{time}} END FROM numbers"""
_PROPERTIES = {
    'os_distro': "concat('distribution-', n % 10)",
    'architecture': "CASE WHEN n % 2 = 0 THEN 'x86_64' ELSE 'aarch64' END",
    'build': "concat('build-', n)",
    'rare': "CASE WHEN n % 1000 = 500 THEN 'yes' ELSE 'no' END",
}
_PROPERTY = f"""
INSERT INTO image_properties ({_CHILD}, name, value) {{numbers}}
SELECT {_ID}, {{time}}, {{time}}, {{dead}}, CASE WHEN {_IS_DEAD} THEN {{time}} END, '{{name}}', {{value}} FROM numbers"""
_TAGS = ("concat('team-', n % 20)", "CASE WHEN n % 1000 = 500 THEN 'rare' ELSE 'common' END")
_TAG = f"""
INSERT INTO image_tags ({_CHILD}, value) {{numbers}}
SELECT {_ID}, {{time}}, {{time}}, {{dead}}, CASE WHEN {_IS_DEAD} THEN {{time}} END, {{value}} FROM numbers"""
_MEMBER = f"""
INSERT INTO image_members (image_id, created_at, updated_at, deleted, can_share, member, status) {{numbers}}
SELECT {_ID}, {{time}}, {{time}}, {{no}}, {{no}}, concat('project-', (n + 7) % {PROJECTS}),
    CASE WHEN n % 4 = 0 THEN 'pending' ELSE 'accepted' END FROM numbers WHERE n % 50 = 4"""


def fill(url: str, first: int, last: int) -> Iterator[int]:
    """Add the images of these numbers, and yield the last number of each committed batch.

    :param url: SQLAlchemy URL of a database with the schema, on MySQL, MariaDB or PostgreSQL
    """
    engine = sa.create_engine(url)
    words = _DIALECT[engine.dialect.name]
    for start in range(first, last + 1, _BATCH):
        end = min(start + _BATCH - 1, last)
        with engine.begin() as connection:
            if engine.dialect.name == 'mysql':
                connection.exec_driver_sql(f'SET max_recursive_iterations = {_BATCH}')
            for statement in _statements(words, start, end):
                connection.exec_driver_sql(statement.replace('%', '%%'))
        yield end
    _analyse(engine)


def _statements(words: dict[str, str], first: int, last: int) -> Iterator[str]:
    common = {
        'numbers': _NUMBERS.format(first=first, last=last),
        'time': words['time'].format(n='n'),
        'yes': words['yes'],
        'visibility': words['visibility'].format(of=_VISIBILITY),
        'no': words['no'],
        'dead': f'CASE WHEN {_IS_DEAD} THEN {words["yes"]} ELSE {words["no"]} END',
    }
    yield _IMAGES.format(**common)
    for name, value in _PROPERTIES.items():
        yield _PROPERTY.format(name=name, value=value, **common)
    for value in _TAGS:
        yield _TAG.format(value=value, **common)
    yield _MEMBER.format(**common)


def _analyse(engine: sa.Engine) -> None:
    """Let the database learn how many rows of what there are, as it does by itself in time."""
    tables = ('images', 'image_properties', 'image_tags', 'image_members', 'image_locations')
    with engine.connect().execution_options(isolation_level='AUTOCOMMIT') as connection:
        for table in tables:
            word = 'ANALYZE TABLE' if engine.dialect.name == 'mysql' else 'ANALYZE'
            connection.exec_driver_sql(f'{word} {table}')
