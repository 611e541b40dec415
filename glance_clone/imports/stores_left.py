# SPDX-License-Identifier: Apache-2.0
"""The two properties that tell users which stores an import still has to write to, and which it could not write to."""

from __future__ import annotations

from collections.abc import Collection

from glance_clone.domain import importing
from glance_clone.domain.image import Image


def expect(image: Image, stores: Collection[str | None]) -> None:
    """Note that an import is about to write to stores, and nothing else: there is one import at a time."""
    image.properties[importing.IMPORTING_TO] = _joined(stores)
    _remove(image, importing.FAILED, stores)


def forget(image: Image, stores: Collection[str | None]) -> None:
    """Drop what an import that came to no end left."""
    for name in (importing.IMPORTING_TO, importing.FAILED):
        if name in image.properties:
            _remove(image, name, stores)


def done(image: Image, stores: Collection[str | None]) -> None:
    """Note that nothing is going to be written to stores any more."""
    _remove(image, importing.IMPORTING_TO, stores)


def failed(image: Image, stores: Collection[str | None]) -> None:
    """Note that stores could not be written to."""
    done(image, stores)
    _add(image, importing.FAILED, stores)


def _add(image: Image, name: str, stores: Collection[str | None]) -> None:
    image.properties[name] = _joined({*_listed(image, name), *stores})


def _remove(image: Image, name: str, stores: Collection[str | None]) -> None:
    image.properties[name] = _joined(_listed(image, name) - set(stores))


def _listed(image: Image, name: str) -> set[str]:
    return {store for store in (image.properties.get(name) or '').split(',') if store}


def _joined(stores: Collection[str | None]) -> str:
    return ','.join(sorted({store for store in stores if store}))
