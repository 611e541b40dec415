# SPDX-License-Identifier: Apache-2.0
"""The quota where nothing is limited: it costs nothing."""

from __future__ import annotations

from glance_clone.domain.image import Image
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota_ports import Reservation


class Nothing:
    """A reservation of nothing; see :class:`glance_clone.domain.quota_ports.Reservation`."""

    is_limited = False

    def take(self, stored: int | None = None, staged: int | None = None, least: int | None = None) -> int:
        """Grant everything."""
        return stored or 0


class Unlimited:
    """See :class:`glance_clone.domain.quota_ports.Quota`."""

    admits_imports = False

    def limits(self, project: str | None, *resources: str) -> Limits:
        """Return no limits."""
        return NO_LIMITS

    def begin(self, image: Image, attempt: str, stored: int | None = None, staged: int | None = None) -> Reservation:
        """Admit everything."""
        return Nothing()

    def require_room(self, project: str | None) -> None:
        """Refuse nothing."""

    def report(self, project: str | None) -> dict[str, tuple[int, int]]:
        """Return nothing: there are no limits to be shown."""
        return {}
