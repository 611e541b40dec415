# SPDX-License-Identifier: Apache-2.0
"""Telling other services what happened, by oslo.messaging."""
