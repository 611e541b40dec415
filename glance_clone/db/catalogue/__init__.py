# SPDX-License-Identifier: Apache-2.0
"""The catalogue of metadata definitions as files: one JSON document for each namespace.

``document`` turns JSON into rows and back, ``files`` finds, reads and writes, ``loading`` brings documents into the database,
``reading`` gets them out of it and removes them. ``glance-manage db load_metadefs`` and its sisters are made from these.
"""
