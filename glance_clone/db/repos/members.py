# SPDX-License-Identifier: Apache-2.0
"""The members of images on SQL."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables
from glance_clone.domain import errors
from glance_clone.domain.member import Member

_table = tables.members
_columns = _table.c
_SELECT = sa.select(_columns.image_id, _columns.member, _columns.status, _columns.created_at, _columns.updated_at)
_ALL = _SELECT.where(_columns.image_id == sa.bindparam('image_id'), _columns.deleted == sa.false()).order_by(_columns.id)


class MemberRepository:
    """See :class:`glance_clone.domain.ports.MemberRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def list(self, image_id: str) -> list[Member]:
        """Return the members of an image."""
        with self._database.read() as connection:
            return [Member(*row) for row in connection.execute(_ALL, {'image_id': image_id}).all()]

    @repeatable
    def get(self, image_id: str, member_id: str) -> Member:
        """Return one member."""
        with self._database.read() as connection:
            row = connection.execute(_SELECT.where(*_live(image_id, member_id))).first()
        if row is None:
            raise errors.MemberNotFound(image_id, member_id)
        return Member(*row)

    def add(self, member: Member, quota: int) -> None:
        """Store a new member."""
        member.created_at = member.updated_at = self._database.now()
        self._add(member, quota)

    @retried
    def _add(self, member: Member, quota: int, again: bool = False) -> None:
        with self._database.write() as connection:
            _lock(connection, member.image_id)
            found = connection.execute(_SELECT.where(*_live(member.image_id))).all()
            same = next((row for row in found if row.member == member.member_id), None)
            if same is not None:
                if again and same.created_at == member.created_at:
                    return
                raise errors.DuplicateMember(member.image_id, member.member_id)
            if 0 <= quota < len(found) + 1:
                raise errors.LimitExceeded(f'An image may have {quota} members (image_member_quota).')
            connection.execute(
                sa.insert(_table).values(
                    image_id=member.image_id,
                    member=member.member_id,
                    status=member.status,
                    can_share=False,
                    deleted=False,
                    created_at=member.created_at,
                    updated_at=member.updated_at,
                )
            )

    def save(self, member: Member) -> None:
        """Store the status of a member."""
        member.updated_at = self._database.now()
        self._update(member, {'status': member.status, 'updated_at': member.updated_at})

    def remove(self, member: Member) -> None:
        """Remove a member."""
        now = self._database.now()
        self._update(member, {'deleted': True, 'deleted_at': now, 'updated_at': now})

    @retried
    def _update(self, member: Member, values: dict[str, Any], again: bool = False) -> None:
        statement = sa.update(_table).where(*_live(member.image_id, member.member_id)).values(**values)
        with self._database.write() as connection:
            if 'deleted_at' in values:
                _make_room(connection, member, values['deleted_at'])
            if not connection.execute(statement).rowcount and not again:
                raise errors.MemberNotFound(member.image_id, member.member_id)


def _live(image_id: str, member_id: str | None = None) -> tuple[Any, ...]:
    """Return what holds for the present members of an image, or for one of them."""
    live = (_columns.image_id == image_id, _columns.deleted == sa.false())
    return live if member_id is None else (*live, exactly(_columns.member, member_id))


def _make_room(connection: sa.Connection, member: Member, deleted_at: datetime.datetime) -> None:
    """Drop the trace of a membership that ended at the same time; the key of the table has room for one of each time."""
    same = (_columns.image_id == member.image_id, _columns.member == member.member_id, _columns.deleted_at == deleted_at)
    connection.execute(sa.delete(_table).where(*same, _columns.deleted == sa.true()))


def _lock(connection: sa.Connection, image_id: str) -> None:
    """Let one transaction at a time count and add the members of an image, by writing to its row."""
    image = tables.images
    statement = sa.update(image).where(image.c.id == image_id).values(min_ram=image.c.min_ram)
    if connection.execute(statement).rowcount != 1:
        raise errors.ImageNotFound(image_id)
