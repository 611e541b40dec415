# SPDX-License-Identifier: Apache-2.0
"""How a database comes to have the tables, in two lineages.

``frozen``: the schema that all implementations of the API share. Its revision ids, kept in the table ``alembic_version``, are
those of the shared lineage, so that an existing database is recognised and can be given back.

``own``: what this service adds, kept apart in tables ``glance_clone_*`` with the version table ``glance_clone_version``.

A new revision goes to ``own``. It may be killed at any point and run again, so it looks before it creates.

``steps.py`` has the operations of ``glance-manage``; ``env.py`` is where Alembic enters.
"""
