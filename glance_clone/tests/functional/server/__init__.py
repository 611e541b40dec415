# SPDX-License-Identifier: Apache-2.0
"""Tests of the standalone server, and of what other servers make of requests."""
