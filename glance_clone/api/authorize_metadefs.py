# SPDX-License-Identifier: Apache-2.0
"""The door of metadata definitions: whoever may not see a namespace is told that there is none."""

from __future__ import annotations

from typing import Any

from glance_clone.api.context import RequestContext
from glance_clone.api.rules import Rules
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef_ports import NamespaceRepository

_SEE = 'get_metadef_namespace'


class MetadefDoor:
    """Decides whether a caller may do something to a namespace, or to metadata definitions at all."""

    def __init__(self, rules: Rules, namespaces: NamespaceRepository):
        self._rules = rules
        self._namespaces = namespaces

    def namespace(self, context: RequestContext, name: str, *rules: str) -> Namespace:
        """Return a namespace, without what it contains, if the caller may do to it what all of the rules guard.

        :raises NamespaceNotFound: no such namespace, or the caller may not see it
        :raises Forbidden: the caller may see it, but not do this
        """
        found = self._namespaces.get(name, context.caller)
        self.require(context, found, *rules)
        return found

    def require(self, context: RequestContext, namespace: Namespace, *rules: str) -> None:
        """Check rules on a namespace that was read already; raises as :meth:`namespace` does."""
        target = _target(namespace)
        for rule in rules:
            if not self._rules.allows(rule, target, context.policy_values):
                if not self._rules.allows(_SEE, target, context.policy_values):
                    raise errors.NamespaceNotFound(namespace.name)
                raise errors.Forbidden(f'You may see namespace {namespace.name}, but not do this to it (policy {rule}).')

    def allows(self, context: RequestContext, namespace: Namespace, rule: str) -> bool:
        """Tell whether a rule lets the caller do something to a namespace."""
        return self._rules.allows(rule, _target(namespace), context.policy_values)

    def require_here(self, context: RequestContext, *rules: str) -> None:
        """Check rules that concern no namespace, or one that is not there yet.

        :raises NotFound: the caller may see no metadata definitions
        :raises Forbidden: the caller may see some, but not do this
        """
        for rule in rules:
            if not self.allows_here(context, rule):
                if not self.allows_here(context, _SEE):
                    raise errors.NotFound('No metadata definitions were found.')
                raise errors.Forbidden(f'You may not do this to metadata definitions (policy {rule}).')

    def allows_here(self, context: RequestContext, rule: str) -> bool:
        """Tell whether a rule that concerns no namespace lets the caller do something."""
        return self._rules.allows(rule, {'project_id': context.project_id}, context.policy_values)


def _target(namespace: Namespace) -> dict[str, Any]:
    """Return what access rules may look at in a namespace."""
    return {
        'project_id': namespace.owner,
        'owner': namespace.owner,
        'visibility': namespace.visibility,
        'namespace': namespace.name,
        'protected': namespace.protected,
    }
