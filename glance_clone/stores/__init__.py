# SPDX-License-Identifier: Apache-2.0
"""Stores: where the bytes of images are kept.

``registry`` builds the configured stores; each driver has modules of its own. The contract that drivers keep is
:class:`glance_clone.domain.store_ports.BlobStore`.
"""
