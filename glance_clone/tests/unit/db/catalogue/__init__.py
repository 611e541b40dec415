# SPDX-License-Identifier: Apache-2.0
"""Tests of the database code that need no server."""
