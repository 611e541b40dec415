# SPDX-License-Identifier: Apache-2.0
"""The floor of metadata requests: a bare WSGI function that runs the same SQL through the same driver and dumps JSON.

``BENCH_DATABASE`` is the SQLAlchemy URL of the database; the driver is used directly.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
import urllib.parse
import uuid
from collections.abc import Iterable
from typing import Any

_URL = os.environ['BENCH_DATABASE']
_KIND = urllib.parse.urlsplit(_URL).scheme.partition('+')[0]
_MARK = '?' if _KIND == 'sqlite' else '%s'
_local = threading.local()

_COLUMNS = (
    'id, name, status, visibility, owner, protected, os_hidden, disk_format, container_format, min_disk, min_ram, size, '
    'virtual_size, checksum, os_hash_algo, os_hash_value, created_at, updated_at'
)
_NAMES = [name.strip() for name in _COLUMNS.split(',')]
_ALIVE = 'false' if _KIND == 'postgresql' else '0'


def _connect() -> Any:
    parts = urllib.parse.urlsplit(_URL)
    query = dict(urllib.parse.parse_qsl(parts.query))
    user, password = urllib.parse.unquote(parts.username or ''), urllib.parse.unquote(parts.password or '')
    name = parts.path[1:]
    if _KIND == 'sqlite':
        import sqlite3  # noqa: PLC0415

        connection = sqlite3.connect(parts.path[1:], timeout=30)
        connection.execute('PRAGMA journal_mode = WAL')
        return connection
    if _KIND == 'mysql':
        import pymysql  # noqa: PLC0415

        where = {'unix_socket': query['unix_socket']} if 'unix_socket' in query else {'host': parts.hostname}
        port = {'port': parts.port} if parts.port else {}
        return pymysql.connect(user=user, password=password, database=name, charset='utf8', **where, **port)
    import psycopg  # noqa: PLC0415

    where = {'host': query.get('host', parts.hostname), 'port': query.get('port', parts.port)}
    return psycopg.connect(user=user, password=password, dbname=name, **{k: v for k, v in where.items() if v})


def _cursor() -> Any:
    if not hasattr(_local, 'connection'):
        _local.connection = _connect()
    return _local.connection, _local.connection.cursor()


def _children(cursor: Any, images: dict[str, dict[str, Any]]) -> None:
    ids = list(images)
    marks = ', '.join([_MARK] * len(ids))
    where = f'image_id IN ({marks}) AND deleted = {_ALIVE}'
    cursor.execute(f'SELECT image_id, name, value FROM image_properties WHERE {where} ORDER BY id', ids)
    for image_id, name, value in cursor.fetchall():
        images[image_id][name] = value
    cursor.execute(f'SELECT image_id, value FROM image_tags WHERE {where} ORDER BY id', ids)
    for image_id, value in cursor.fetchall():
        images[image_id]['tags'].append(value)
    cursor.execute(f'SELECT image_id, id, value, meta_data, status FROM image_locations WHERE {where} ORDER BY id', ids)
    cursor.fetchall()


def _read(condition: str, *values: Any) -> Any:
    connection, cursor = _cursor()
    cursor.execute(f'SELECT {_COLUMNS} FROM images WHERE deleted = {_ALIVE} AND {condition}', values)
    images = {row[0]: {**dict(zip(_NAMES, row, strict=True)), 'tags': []} for row in cursor.fetchall()}
    _children(cursor, images)
    connection.rollback()
    return list(images.values())


def _write(document: dict[str, Any]) -> Any:
    connection, cursor = _cursor()
    image_id, now = str(uuid.uuid4()), datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    now = now.isoformat(' ') if _KIND == 'sqlite' else now
    dead = False if _KIND == 'postgresql' else 0
    marks = ', '.join([_MARK] * 9)
    cursor.execute(
        'INSERT INTO images (id, name, status, visibility, min_disk, min_ram, created_at, updated_at, deleted) '
        f'VALUES ({marks})',
        (image_id, document['name'], 'queued', 'private', 0, 0, now, now, dead),
    )
    marks = ', '.join([_MARK] * 6)
    cursor.executemany(
        f'INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) VALUES ({marks})',
        [(image_id, name, value, now, now, dead) for name, value in document.items() if name.startswith('property_')],
    )
    marks = ', '.join([_MARK] * 5)
    cursor.executemany(
        f'INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) VALUES ({marks})',
        [(image_id, tag, now, now, dead) for tag in document['tags']],
    )
    connection.commit()
    return {'id': image_id, **document}


def _change(image_id: str) -> Any:
    (image,) = _read(f'id = {_MARK}', image_id)
    connection, cursor = _cursor()
    cursor.execute(f'UPDATE images SET name = {_MARK} WHERE id = {_MARK} AND deleted = {_ALIVE}', ('x', image_id))
    condition = f'image_id = {_MARK} AND name = {_MARK}'
    cursor.execute(f'UPDATE image_properties SET value = {_MARK} WHERE {condition}', ('x', image_id, 'property_1'))
    connection.commit()
    return image


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer /show/ID, /list, /create and /patch/ID."""
    _, action, *rest = environ['PATH_INFO'].split('/')
    if action == 'show':
        answer = _read(f'id = {_MARK}', rest[0])[0]
    elif action == 'list':
        answer = _read('visibility = ' + _MARK + ' ORDER BY created_at DESC, id DESC LIMIT 25', 'private')
    elif action == 'create':
        answer = _write(json.loads(environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))))
    else:
        environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
        answer = _change(rest[0])
    body = json.dumps(answer, default=str).encode()
    start_response('200 OK', [('Content-Type', 'application/json'), ('Content-Length', str(len(body)))])
    return [body]
