# SPDX-License-Identifier: Apache-2.0
"""The tables, one module per resource.

``metadata`` holds the tables that this service shares with other implementations of the API, column by column; what it
adds for itself is in ``own_metadata`` and begins with ``glance_clone_``.
"""

from __future__ import annotations

from glance_clone.db.models import cache
from glance_clone.db.models import image
from glance_clone.db.models import lease
from glance_clone.db.models import metadef
from glance_clone.db.models import staged
from glance_clone.db.models import task
from glance_clone.db.models import tombstone
from glance_clone.db.models.base import metadata
from glance_clone.db.models.base import own_metadata

__all__ = ['cache', 'image', 'lease', 'metadata', 'metadef', 'own_metadata', 'staged', 'task', 'tombstone']
