# SPDX-License-Identifier: Apache-2.0
"""The ids of purged images, which are never given to another image (P5); a table of this service's own.

As long as the row of a deleted image is there, it keeps the id itself.
"""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.models.base import own_metadata
from glance_clone.db.models.base import table

tombstones = table(
    'glance_clone_tombstones',
    sa.Column('image_id', sa.String(36), primary_key=True),
    sa.Column('purged_at', sa.DateTime(), nullable=False),
    of=own_metadata,
)
