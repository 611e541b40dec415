# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema documents of metadata definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.schema import metadef_namespace
from glance_clone.api.schema import metadef_object
from glance_clone.api.schema import metadef_property
from glance_clone.api.schema import metadef_resource_type
from glance_clone.api.schema import metadef_tag
from glance_clone.api.services import Services

#: By the last segment of their paths.
DOCUMENTS = {
    'namespace': metadef_namespace.DOCUMENT,
    'namespaces': metadef_namespace.COLLECTION,
    'object': metadef_object.DOCUMENT,
    'objects': metadef_object.COLLECTION,
    'property': metadef_property.DOCUMENT,
    'properties': metadef_property.COLLECTION,
    'resource_type': metadef_resource_type.DOCUMENT,
    'resource_types': metadef_resource_type.COLLECTION,
    'tag': metadef_tag.DOCUMENT,
    'tags': metadef_tag.COLLECTION,
}


def shower(name: str) -> Callable[[Services, RequestContext, Params, None], dict[str, Any]]:
    """Return the action that shows one document."""

    def show(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
        return DOCUMENTS[name]

    return show
