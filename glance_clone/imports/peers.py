# SPDX-License-Identifier: Apache-2.0
"""The other API nodes: sends requests on to the one that has the staged data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import requests

from glance_clone.domain import errors
from glance_clone.domain.importing import Submitter

LOG = logging.getLogger(__name__)

#: Seconds in which a node must answer.
_TIMEOUT = 60
#: Tells the node that it must not send the request on again.
_FORWARDED = 'X-OpenStack-Glance-Forwarded'
_REQUEST_ID = 'x-openstack-request-id'
_STORE = 'X-Image-Meta-Store'


class Peers:
    """The other nodes, found by the URLs that they left in images."""

    def post(self, url: str, document: Mapping[str, Any], submitter: Submitter, store: str | None = None) -> str | None:
        """Send a JSON document to another node; return the id under which it has the request.

        :param store: the store that a header is to name
        :raises PeerRefused: it refuses the request
        :raises PeerTimeout: it does not answer
        :raises PeerBroken: it cannot be talked to
        """
        headers = {} if store is None else {_STORE: store}
        return self._send('POST', url, submitter, headers, document).headers.get(_REQUEST_ID)

    def delete(self, url: str, submitter: Submitter) -> None:
        """Ask another node to delete something; raises as :meth:`post` does."""
        self._send('DELETE', url, submitter, {})

    @staticmethod
    def _send(
        method: str,
        url: str,
        submitter: Submitter,
        headers: Mapping[str, str],
        document: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        headers = {'X-Auth-Token': submitter.token or '', _FORWARDED: 'true', **headers}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(method, url, json=document, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout) as error:
            LOG.error('The node that has the staged data, %s, does not answer: %s', _host(url), type(error).__name__)
            raise errors.PeerTimeout('The node of the service that has the staged data does not answer.') from None
        except requests.RequestException as error:
            LOG.error('The node that has the staged data, %s, cannot be talked to: %s', _host(url), type(error).__name__)
            raise errors.PeerBroken('The node of the service that has the staged data cannot be talked to.') from None
        if not answer.ok or answer.is_redirect:
            raise errors.PeerRefused(answer.status_code)
        return answer


def _host(url: str) -> str:
    return url.split('/v2/', maxsplit=1)[0].rpartition('@')[2]
