# SPDX-License-Identifier: Apache-2.0
"""The application for WSGI servers with native threads: uWSGI, gunicorn, mod_wsgi."""
