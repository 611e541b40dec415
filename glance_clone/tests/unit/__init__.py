# SPDX-License-Identifier: Apache-2.0
"""Tests of single modules, in the tree of the package. How busy the machine is decides nothing about their properties."""

from hypothesis import HealthCheck
from hypothesis import settings

settings.register_profile('any machine', deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile('any machine')
