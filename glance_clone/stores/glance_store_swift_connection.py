# SPDX-License-Identifier: Apache-2.0
"""Swift as several identities see it, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from glance_clone.domain import errors

_REFUSED = (401, 403)


class Nobody(errors.StoreUnavailable):
    """There is no identity that Swift could be asked as."""


class Connection:
    """Makes each call as the first identity that is not refused; has the methods of ``swiftclient.Connection``.

    :param tokens: yields tokens, each only when those before it were refused
    :param connect: makes a connection from a token
    """

    def __init__(self, tokens: Callable[[], Iterator[str]], connect: Callable[[str], Any]):
        self._tokens = tokens
        self._connect = connect

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: self._call(name, args, kwargs)

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        refusal: Exception = Nobody('The store keeps data in the accounts of users, and nobody asks for this.')
        for token in self._tokens():
            try:
                return getattr(self._connect(token), name)(*args, **kwargs)
            except Exception as error:
                if getattr(error, 'http_status', None) not in _REFUSED:
                    raise
                refusal = error
        raise refusal


def tokens_of(session: Any) -> Iterator[str]:
    """Yield the token that a session of keystoneauth has, then, as that was refused, a new one."""
    token = session.get_token()
    yield token
    session.invalidate()
    yield session.get_token()
