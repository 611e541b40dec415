# SPDX-License-Identifier: Apache-2.0
"""The database on SQLite and on real servers."""
