# SPDX-License-Identifier: Apache-2.0
"""What all test cases of the project have in common."""

from __future__ import annotations

from typing import TypeVar

import fixtures
from oslotest import base

AnyFixture = TypeVar('AnyFixture', bound=fixtures.Fixture)


class TestCase(base.BaseTestCase):
    """A test case; logs and output are captured, temporary files and the home directory are its own."""

    @classmethod
    def share(cls, fixture: AnyFixture) -> AnyFixture:
        """Set a fixture up for all tests of the class; call it in ``setUpClass``."""
        fixture.setUp()
        cls.addClassCleanup(fixture.cleanUp)
        return fixture
