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
from glance_clone.policies import metadef
from glance_clone.policies import metadef_namespace
from glance_clone.policies import metadef_object
from glance_clone.policies import metadef_property
from glance_clone.policies import metadef_resource_type
from glance_clone.policies import metadef_tag
from glance_clone.policies import store
from glance_clone.policies import task

_MODULES = (
    base,
    cache,
    image,
    location,
    member,
    metadef,
    metadef_namespace,
    metadef_object,
    metadef_property,
    metadef_resource_type,
    metadef_tag,
    store,
    task,
)


def list_rules() -> Iterable[policy.RuleDefault]:
    """Return every default rule of the service."""
    return itertools.chain.from_iterable(module.list_rules() for module in _MODULES)
