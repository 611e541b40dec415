# SPDX-License-Identifier: Apache-2.0
"""On whose behalf something is done, as far as the domain needs to know."""

from __future__ import annotations

import contextvars
import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """The identity that decides which rows are visible.

    :ivar project_id: the caller's project, None for anonymous and unscoped callers
    :ivar is_admin: sees the images of every project
    """

    project_id: str | None
    is_admin: bool = False


#: Token, project and catalog of whoever the present thread works for, as the API knows them; None where nobody asked for it.
#: For stores that act on behalf of users.
CONTEXT: contextvars.ContextVar[Any] = contextvars.ContextVar('caller', default=None)

#: The service itself, when it cleans up or finishes work of its own.
SERVICE = Caller(project_id=None, is_admin=True)
