# SPDX-License-Identifier: Apache-2.0
"""Moves bytes between callers and stores.

``data`` is the innermost :class:`glance_clone.domain.ports.ImageData`; it sends the blocks of an upload through the
``pipeline``, whose filters (limit, digest, inspection, store) stand in one module each.
"""
