# SPDX-License-Identifier: Apache-2.0
"""Fills an empty database with very many images and their tasks, made by the database itself: a million in minutes.

Of image n everything follows from n, but no attribute follows from another. A tenth of all is deleted, and a tenth belongs
to one large project, ``PROJECT``, which others also shared a tenth of theirs with; the rest belongs to many small ones.
Statuses, formats, tags and properties exist in common and in rare values: a common one is that of a share of the images
however many there are, a rare one that of some of the first thousand.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from collections.abc import Sequence

import sqlalchemy as sa

#: Owns a tenth of the images, and is a member of a tenth.
PROJECT = 'project-0'
#: Is a member of some of the first thousand images only.
SMALL_PROJECT = 'project-7'
_SMALL_PROJECTS = 900

_WORDS = {
    'mysql': {
        'numbers': 'SELECT seq AS n FROM seq_1_to_{images}',
        'time': "'2020-01-01' + INTERVAL {n} SECOND",
        'visibility': '{of}',
        'analyse': 'ANALYZE TABLE',
        'yes': '1',
        'no': '0',
    },
    'postgresql': {
        'numbers': 'SELECT n FROM generate_series(CAST(1 AS bigint), {images}) AS numbers(n)',
        'time': "timestamp '2020-01-01' + {n} * interval '1 second'",
        'visibility': 'CAST({of} AS image_visibility)',
        'analyse': 'VACUUM ANALYZE',
        'yes': 'true',
        'no': 'false',
    },
}
#: What makes filling quick: nothing is checked, because nothing can be wrong, and empty tables get their indexes by sorting.
_BEFORE = {
    'mysql': ['SET unique_checks = 0', 'SET foreign_key_checks = 0'],
    'postgresql': ["SET session_replication_role = 'replica'"],
}
#: Indexes that are no keys.
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)
    AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname"""
_TABLES = ('images', 'image_properties', 'image_tags', 'image_members', 'image_locations', 'tasks', 'task_info')


def _draw(prime: int, sides: int) -> str:
    """Return an expression for a number below ``sides`` that looks like drawn for each image; by its own prime."""
    return f'(n * 7919 % {prime} % {sides})'


_ID = ', '.join(f'substr(hash, {at}, {size})' for at, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
#: Number, hash and id of each image in the order of the ids, which is that of the rows of InnoDB.
_NUMBERS = f"""
CREATE TEMPORARY TABLE numbers AS SELECT n, hash, concat_ws('-', {_ID}) AS image_id
FROM (SELECT n, md5(concat('image-', n)) AS hash FROM ({{numbers}}) plain) hashed ORDER BY image_id"""
#: The same in the order in which they are created, which is that of the rows of what belongs to them.
_IN_TIME = 'CREATE TEMPORARY TABLE created AS SELECT n, hash, image_id FROM numbers ORDER BY n'
#: Twenty of the first thousand each, in small clouds as in large ones.
_IS_RARE = '(n <= 1000 AND n % 50 = 20)'
_IS_HIDDEN = '(n <= 1000 AND n % 50 = 30)'
_IS_DEAD = f'({_draw(10007, 10)} = 9 AND NOT {_IS_RARE} AND NOT {_IS_HIDDEN})'
_OWNER = f"""CASE WHEN {_IS_RARE} OR {_IS_HIDDEN} OR {_draw(10009, 10)} = 0 THEN '{PROJECT}'
    ELSE concat('project-', 1 + {_draw(999983, _SMALL_PROJECTS)}) END"""
_OF_HUNDRED = _draw(10037, 100)
_VISIBILITY = f"""CASE WHEN {_OF_HUNDRED} < 5 THEN 'public' WHEN {_OF_HUNDRED} < 15 THEN 'community'
    WHEN {_OF_HUNDRED} < 45 THEN 'shared' ELSE 'private' END"""
_IS_SHARED = f'{_OF_HUNDRED} BETWEEN 15 AND 44'
_STATUS = f"""CASE WHEN {_IS_RARE} THEN 'importing' WHEN {_IS_DEAD} THEN 'deleted'
    WHEN {_draw(10039, 100)} < 20 THEN 'queued' WHEN {_draw(10039, 100)} < 25 THEN 'deactivated' ELSE 'active' END"""
_OF_TEN = _draw(10061, 10)
_DISK_FORMAT = f"CASE WHEN {_IS_RARE} THEN 'iso' WHEN {_OF_TEN} < 2 THEN NULL WHEN {_OF_TEN} < 5 THEN 'raw' ELSE 'qcow2' END"
_CONTAINER_FORMAT = f"CASE WHEN {_IS_RARE} THEN 'docker' WHEN {_OF_TEN} < 2 THEN NULL ELSE 'bare' END"
_SIZE = f'CASE WHEN {_IS_RARE} THEN 2000000000000 + n WHEN {_OF_TEN} < 2 THEN NULL ELSE n * 48271 % 999999937 END'
_NAME = f"CASE WHEN {_draw(10067, 10)} = 0 THEN 'common name' ELSE concat('image ', n) END"
_TIMES = (
    f'{{created}}, {{updated}}, CASE WHEN {_IS_DEAD} THEN {{yes}} ELSE {{no}} END, CASE WHEN {_IS_DEAD} THEN {{updated}} END'
)
_CHILD = 'image_id, created_at, updated_at, deleted, deleted_at'

_IMAGES = f"""
INSERT INTO images (id, name, status, visibility, owner, min_disk, min_ram, protected, os_hidden, size, virtual_size,
    disk_format, container_format, checksum, os_hash_algo, os_hash_value, created_at, updated_at, deleted, deleted_at)
SELECT image_id, {_NAME}, {_STATUS}, {{visibility}}, {_OWNER}, {_draw(10069, 4)}, {_draw(10079, 4)} * 512,
    CASE WHEN {_draw(10091, 5)} = 0 THEN {{yes}} ELSE {{no}} END, CASE WHEN {_IS_HIDDEN} THEN {{yes}} ELSE {{no}} END,
    {_SIZE}, {_SIZE}, {_DISK_FORMAT}, {_CONTAINER_FORMAT}, md5(hash), 'sha512', concat(hash, md5(hash)), {_TIMES}
FROM numbers"""
_PROPERTIES = {
    'os_distro': f"concat('distribution-', {_draw(10093, 4)})",
    'architecture': f"CASE WHEN {_draw(10099, 2)} = 0 THEN 'x86_64' ELSE 'aarch64' END",
    'build': "concat('build-', n)",
    'rare': f"CASE WHEN {_IS_RARE} THEN 'yes' ELSE 'no' END",
}
_TAGS = (f"concat('team-', {_draw(10103, 20)})", f"CASE WHEN {_IS_RARE} THEN 'rare' ELSE 'common' END")
#: Who may have the image by sharing, and whether the image is shared with that one.
_MEMBERS = {
    PROJECT: f'{_draw(10111, 3)} = 0',
    SMALL_PROJECT: f'n <= 1000 AND {_draw(10111, 3)} = 1',
    'project-8': f'{_draw(10111, 3)} > 0',
}


def _of_each(rows: Sequence[Sequence[str]], condition: str = '1 = 1') -> str:
    """Return a selection of rows that belong to images, each given by its columns; those of one image are together."""
    kinds = ' UNION ALL '.join(f'SELECT {number} AS kind' for number in range(len(rows)))
    columns = (
        f'CASE kind {" ".join(f"WHEN {number} THEN {value}" for number, value in enumerate(values))} END'
        for values in zip(*rows, strict=True)
    )
    return f"""SELECT image_id, {_TIMES}, {', '.join(columns)} FROM created CROSS JOIN ({kinds}) kinds
        WHERE {condition} ORDER BY n"""


_CHILDREN = [
    f'INSERT INTO image_properties ({_CHILD}, name, value) '
    + _of_each([(f"'{name}'", value) for name, value in _PROPERTIES.items()]),
    f'INSERT INTO image_tags ({_CHILD}, value) ' + _of_each([(value,) for value in _TAGS]),
    *(
        f'INSERT INTO image_members ({_CHILD}, can_share, member, status) '
        + _of_each(
            [('{no}', f"'{member}'", f"CASE WHEN {_draw(10133, 10)} < 4 THEN 'pending' ELSE 'accepted' END")],
            f'{_IS_SHARED} AND {condition}',
        )
        for member, condition in _MEMBERS.items()
    ),
    f'INSERT INTO image_locations ({_CHILD}, value, meta_data, status) '
    + _of_each([("concat('file:///var/lib/glance/images/', image_id)", "'{{}}'", "'active'")], f"{_STATUS} = 'active'"),
    # The import of each image.
    f"""INSERT INTO tasks (id, type, status, owner, image_id, created_at, updated_at, deleted, deleted_at)
    SELECT image_id, 'api_image_import', CASE WHEN {_IS_RARE} THEN 'processing' ELSE 'success' END, {_OWNER}, image_id, {_TIMES}
    FROM numbers""",
    "INSERT INTO task_info (task_id, input, result, message) SELECT image_id, '{{}}', '{{}}', '' FROM numbers",
]


def fill(url: str, images: int) -> Iterator[str]:
    """Fill an empty database, and yield what was done after each step.

    :param url: SQLAlchemy URL of a database with the schema and no images, on MariaDB or PostgreSQL; of its administrator
    """
    engine = sa.create_engine(url)
    words = _WORDS[engine.dialect.name]
    values = {
        'numbers': words['numbers'].format(images=images),
        'created': words['time'].format(n='n'),
        'updated': words['time'].format(n=f'(n + {_draw(1000003, 100000)})'),
        'visibility': words['visibility'].format(of=_VISIBILITY),
        'yes': words['yes'],
        'no': words['no'],
    }
    with engine.connect().execution_options(isolation_level='AUTOCOMMIT') as connection:
        for statement in _BEFORE[engine.dialect.name]:
            connection.exec_driver_sql(statement)
        with _without_indexes(connection):
            for statement in (_NUMBERS, _IN_TIME, _IMAGES, *_CHILDREN):
                connection.exec_driver_sql(statement.format(**values).replace('%', '%%'))
                yield ' '.join(statement.split()[:3])
        yield 'indexes'
        for table in _TABLES:
            # What the database learns by itself in time: how many rows of what there are.
            connection.exec_driver_sql(f'{words["analyse"]} {table}')
    yield 'statistics'
    engine.dispose()


@contextlib.contextmanager
def _without_indexes(connection: sa.Connection) -> Iterator[None]:
    """Leave out what PostgreSQL would keep in order row by row; MariaDB sorts what goes into an empty table by itself."""
    found = []
    if connection.dialect.name == 'postgresql':
        found = connection.exec_driver_sql(_INDEXES, (list(_TABLES),)).all()
    for name, _ in found:
        connection.exec_driver_sql(f'DROP INDEX {name}')
    yield
    for _, definition in found:
        connection.exec_driver_sql(definition)
