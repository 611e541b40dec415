# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of the service: middleware, routes, controllers, and how values become documents."""
