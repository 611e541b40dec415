# SPDX-License-Identifier: Apache-2.0
"""The image cache: whole images on a disk of the API node, so that stores are read once.

``image_cache`` serves, ``holdings`` knows what is there and removes it. ``directory`` knows the layout on the disk, ``fill``
brings data in, ``follower`` serves it meanwhile, ``seal`` tells files that were not touched since; ``sqlite_index`` and
``xattr_index`` remember what is used (as does ``glance_clone.db.repos.cached_images``); ``keeper`` is the background work.
"""
