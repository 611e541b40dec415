# SPDX-License-Identifier: Apache-2.0
"""The caller of one request."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from oslo_context import context

from glance_clone.domain import errors
from glance_clone.domain.caller import Caller


class RequestContext(context.RequestContext):
    """Who asks, with which roles, and under which request id.

    ``policy_values`` is what access rules know of the caller; ``decisions`` remembers what property protections said in this
    request (see :mod:`glance_clone.api.authorize`).
    """

    def __init__(self, service_catalog: Sequence[Mapping[str, Any]] = (), **kwargs: Any):
        super().__init__(**kwargs)
        self.service_catalog = service_catalog
        self.policy_values: dict[str, Any] = dict(super().to_policy_values().items())
        self.decisions: dict[Any, bool] = {}

    @property
    def caller(self) -> Caller:
        """The identity that decides which rows are visible."""
        return Caller(self.project_id, bool(self.is_admin))

    def require_writable(self) -> None:
        """Refuse callers who may only look.

        :raises Forbidden: for anonymous callers
        """
        if self.read_only:
            raise errors.Forbidden('Anonymous access is read-only; log in to change anything.')
