# SPDX-License-Identifier: Apache-2.0
"""Runs ``gabbits/*.yaml``, the API in examples, against the application in this process."""

from __future__ import annotations

import os
import pathlib
import unittest
from typing import Any

from gabbi import driver

from glance_clone.tests.functional import gabbi_fixtures

_DIRECTORY = pathlib.Path(__file__).parent / 'gabbits'


def load_tests(loader: unittest.TestLoader, _tests: unittest.TestSuite, _pattern: str | None) -> unittest.TestSuite:
    """Return a test for every request in the files; those of one file run in order and share a service."""
    suite: Any = driver.build_tests(
        os.fspath(_DIRECTORY),
        loader,
        intercept=gabbi_fixtures.application,
        test_loader_name=__name__,
        fixture_module=gabbi_fixtures,
    )
    return suite
