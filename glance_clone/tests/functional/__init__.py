# SPDX-License-Identifier: Apache-2.0
"""Tests of the running service and of the real programs around it."""
