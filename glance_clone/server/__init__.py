# SPDX-License-Identifier: Apache-2.0
"""The standalone server ``glance-api``: HTTP with one strict framing, worker processes, TLS.

From the outside inwards: ``program`` (start, exit status) -> ``supervisor`` (master process) -> ``worker`` (one process) ->
``connection`` (one client) -> ``request_head``, ``request_body`` and ``answer``. What a client can reach uses plain sockets and
knows nothing of eventlet; ``worker`` and ``green_threads`` do, and ``glance_clone.cmd.api`` is where modules are patched.
"""
