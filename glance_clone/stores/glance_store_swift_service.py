# SPDX-License-Identifier: Apache-2.0
"""The account of the service beside those of users: that of ``swift_store_user``, or of an application credential."""

from __future__ import annotations

import os
from typing import Any

from oslo_config import cfg

from glance_clone.stores.glance_store_options import library


class ServiceAccount:
    """Logs in to Keystone as the service; the token is kept for as long as it is good, in each process.

    :param driver: has the options of TLS and of domains
    """

    def __init__(self, conf: cfg.ConfigOpts, store_id: str | None, driver: Any):
        known = library('_drivers.swift.utils').SwiftParams(conf, backend=store_id).params
        self._account: dict[str, Any] = known.get(driver.store_conf.default_swift_reference) or {}
        self._verify = driver.ks_verify
        self._endpoint = driver.conf_endpoint
        self._wanted = {
            'service_type': driver.service_type,
            'interface': driver.endpoint_type,
            'region_name': driver.region,
        }
        self._session: Any = None
        self._pid = 0

    @property
    def is_configured(self) -> bool:
        """Whether there is such an account."""
        return bool(self._account)

    def session(self) -> Any:
        """Return a session of keystoneauth."""
        if self._session is None or self._pid != os.getpid():
            from keystoneauth1 import session  # noqa: PLC0415 - no other store needs it

            self._session = session.Session(self._login(), verify=self._verify)
            self._pid = os.getpid()
        return self._session

    def endpoint(self) -> str:
        """Return where Swift is, as the configuration or the catalogue of the service says; '' if neither does."""
        return str(self._endpoint or self.session().get_endpoint(**self._wanted) or '')

    def _login(self) -> Any:
        from keystoneauth1.identity import v3  # noqa: PLC0415 - see above

        account = self._account
        if account.get('application_credential_id'):
            return v3.ApplicationCredential(
                account['auth_address'],
                application_credential_id=account['application_credential_id'],
                application_credential_secret=account['application_credential_secret'],
            )
        project, _, user = account['user'].partition(':')
        return v3.Password(
            account['auth_address'],
            username=user,
            password=account['key'],
            project_name=project,
            user_domain_id=account.get('user_domain_id'),
            user_domain_name=account.get('user_domain_name'),
            project_domain_id=account.get('project_domain_id'),
            project_domain_name=account.get('project_domain_name'),
        )
