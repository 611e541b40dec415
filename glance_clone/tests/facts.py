# SPDX-License-Identifier: Apache-2.0
"""Names and structures that other implementations of the API share, in files beside the checkout or elsewhere."""

from __future__ import annotations

import json
import os
import pathlib
import unittest
from typing import Any

_BESIDE = pathlib.Path(__file__).parents[3] / 'shared' / 'facts'


def load(name: str) -> dict[str, Any]:
    """Return the facts in a file.

    :raises unittest.SkipTest: they are not here
    """
    path = pathlib.Path(os.environ.get('IMAGE_SERVICE_FACTS', _BESIDE)) / name
    if not path.exists():
        raise unittest.SkipTest(f'No {path}; name the directory of the facts in IMAGE_SERVICE_FACTS.')
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts
