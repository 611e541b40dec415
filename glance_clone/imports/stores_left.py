# SPDX-License-Identifier: Apache-2.0
"""The two properties that tell users which stores an import still has to write to, and which it could not write to."""

from __future__ import annotations

from collections.abc import Collection

from glance_clone.domain import importing
from glance_clone.domain.image import Image


def expect(image: Image, stores: Collection[str | None]) -> None:
    """Note that an import is about to write to stores."""
    _add(image, importing.IMPORTING_TO, stores)
    _remove(image, importing.FAILED, stores)


def done(image: Image, stores: Collection[str | None]) -> None:
    """Note that nothing is going to be written to stores any more."""
    _remove(image, importing.IMPORTING_TO, stores)


def failed(image: Image, stores: Collection[str | None]) -> None:
    """Note that stores could not be written to."""
    done(image, stores)
    _add(image, importing.FAILED, stores)


def _add(image: Image, name: str, stores: Collection[str | None]) -> None:
    image.properties[name] = ','.join(sorted(_listed(image, name) | {store for store in stores if store}))


def _remove(image: Image, name: str, stores: Collection[str | None]) -> None:
    image.properties[name] = ','.join(sorted(_listed(image, name) - set(stores)))


def _listed(image: Image, name: str) -> set[str]:
    return {store for store in (image.properties.get(name) or '').split(',') if store}
