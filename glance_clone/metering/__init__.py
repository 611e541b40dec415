# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus, counted by all processes of a node together.

``prometheus`` counts and writes the page, ``files`` looks after the files by which the processes share their numbers,
``images`` counts images in the database.
"""
