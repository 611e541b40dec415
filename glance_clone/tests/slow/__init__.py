# SPDX-License-Identifier: Apache-2.0
"""Tests that take long, or that install something; run by ``tox -e slow``."""
