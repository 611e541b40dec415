# SPDX-License-Identifier: Apache-2.0
"""The image service under gunicorn: ``gunicorn -c gunicorn-glance-api.conf.py glance_clone.wsgi.api:application``.

Put a web server in front that takes slow clients upon itself.
"""

bind = '127.0.0.1:60999'

# A transfer has a thread for as long as it lasts; if transfers had all of them, requests would wait. So: far more of them.
worker_class = 'gthread'
workers = 4
threads = 32
# Each worker builds the application after the fork, and so reads the configuration again when it is reloaded (SIGHUP).
preload_app = False

# Watches over workers, not over requests: a transfer may take hours.
timeout = 60
# Seconds in which running transfers may finish after SIGTERM or SIGHUP.
graceful_timeout = 60
keepalive = 15

limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16384
# Framing stays strict; these are the defaults of gunicorn, said because nothing should soften them.
permit_obsolete_folding = False
permit_unconventional_http_method = False
permit_unconventional_http_version = False
casefold_http_method = False
strip_header_spaces = False
header_map = 'drop'

umask = 0o027
accesslog = '-'
