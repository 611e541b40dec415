# SPDX-License-Identifier: Apache-2.0
"""The schema as other implementations of the API have it, in a file beside the checkout or named by the environment."""

from __future__ import annotations

import json
import os
import pathlib
import unittest
from typing import Any

_BESIDE = pathlib.Path(__file__).parents[5] / 'shared' / 'facts'


def load() -> dict[str, Any]:
    """Return the facts about the schema.

    :raises unittest.SkipTest: they are not here
    """
    path = pathlib.Path(os.environ.get('IMAGE_SERVICE_FACTS', _BESIDE)) / 'db-schema.json'
    if not path.exists():
        raise unittest.SkipTest(f'No {path}; name the directory of the facts in IMAGE_SERVICE_FACTS.')
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts
