# SPDX-License-Identifier: Apache-2.0
"""Default access rules, one module per resource; entry point of the oslo.policy tools."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from oslo_policy import policy

from glance_clone.policies import base
from glance_clone.policies import cache
from glance_clone.policies import image
from glance_clone.policies import location
from glance_clone.policies import member
from glance_clone.policies import store


def list_rules() -> Iterable[policy.RuleDefault]:
    """Return every default rule of the service."""
    return itertools.chain.from_iterable(module.list_rules() for module in (base, cache, image, location, member, store))
