# SPDX-License-Identifier: Apache-2.0
"""What projects may have: nothing limited, one limit for all from the configuration, or the unified limits of Keystone."""

from __future__ import annotations

from oslo_config import cfg

from glance_clone.domain import quota
from glance_clone.domain.quota_ports import Quota
from glance_clone.domain.quota_ports import UsageRepository
from glance_clone.quotas.configured import ConfiguredLimit
from glance_clone.quotas.projects import ProjectQuota
from glance_clone.quotas.unlimited import Unlimited


def build_quota(conf: cfg.ConfigOpts, usage: UsageRepository) -> Quota:
    """Return the quota that the configuration asks for.

    :raises ValueError: ``user_storage_quota`` is no size
    """
    try:
        size = quota.parse_size(conf.user_storage_quota)
    except ValueError as error:
        raise ValueError(f'user_storage_quota: {error}') from None
    if conf.use_keystone_limits:
        # Imported here because it brings a whole SDK along.
        from glance_clone.quotas.unified import UnifiedLimits  # noqa: PLC0415

        return ProjectQuota(UnifiedLimits(conf), usage)
    return ProjectQuota(ConfiguredLimit(size), usage) if size else Unlimited()
