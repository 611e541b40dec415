# SPDX-License-Identifier: Apache-2.0
"""Runs ``gabbits/*.yaml``, the API in examples, against the application in this process."""

from __future__ import annotations

import os
import pathlib
import unittest
from typing import Any

from gabbi import driver
from gabbi.handlers import base

from glance_clone.tests.functional import gabbi_fixtures

_DIRECTORY = pathlib.Path(__file__).parent / 'gabbits'


class BytesHandler(base.ResponseHandler):  # type: ignore[misc]
    """``response_bytes``: what the data of an image contains; gabbi's own ``response_strings`` reads only text."""

    test_key_suffix = 'bytes'
    test_key_value = []

    def action(self, test: Any, item: str, value: object = None) -> None:
        """Assert that one of the listed strings is in the data."""
        test.assertIn(item.encode(), test.output)


def load_tests(loader: unittest.TestLoader, _tests: unittest.TestSuite, _pattern: str | None) -> unittest.TestSuite:
    """Return a test for every request in the files; those of one file run in order and share a service."""
    suite: Any = driver.build_tests(
        os.fspath(_DIRECTORY),
        loader,
        intercept=gabbi_fixtures.application,
        test_loader_name=__name__,
        fixture_module=gabbi_fixtures,
        response_handlers=[BytesHandler],
    )
    return suite
