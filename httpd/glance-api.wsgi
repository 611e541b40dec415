# SPDX-License-Identifier: Apache-2.0
"""Entry point for mod_wsgi, which wants a file; see mod-wsgi-glance-api.conf."""

from glance_clone.wsgi.api import application  # noqa: F401
