# SPDX-License-Identifier: Apache-2.0
"""One transaction at a time changes what a namespace contains."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.expressions import exactly
from glance_clone.db.models import metadef as tables
from glance_clone.db.repos import metadef_rows
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace

_namespaces = tables.namespaces.c


def hold(connection: sa.Connection, namespace: Namespace) -> Namespace:
    """Keep others from changing a namespace and what it contains until the transaction ends; return it as it is now.

    :raises NamespaceNotFound: it was removed or renamed meanwhile
    """
    is_it = (_namespaces.id == namespace.id, exactly(_namespaces.namespace, namespace.name))
    # Writing to the row is what makes others wait, on every database.
    touch = sa.update(tables.namespaces).where(*is_it).values(owner=_namespaces.owner)
    if connection.execute(touch).rowcount != 1:
        raise errors.NamespaceNotFound(namespace.name)
    return metadef_rows.namespace(connection.execute(metadef_rows.SELECT_NAMESPACES.where(*is_it)).one())


def hold_for_removal(connection: sa.Connection, namespace: Namespace) -> None:
    """Do as :func:`hold` in order to remove the namespace or a part of it.

    :raises NamespaceNotFound: it was removed or renamed meanwhile
    :raises Forbidden: it is protected
    """
    hold(connection, namespace).require_unprotected()
