# SPDX-License-Identifier: Apache-2.0
"""Requests to servers that users name, all of which pass one fetcher (P3, D-10).

``fetcher`` is where to begin. A URL is taken apart once (``target``), held against the lists of the operator (``rules``), its
host is resolved once (``lookup``), every address is judged (``address``), and the connection goes to an address that
passed (``connection``), whatever the name means a moment later.
"""
