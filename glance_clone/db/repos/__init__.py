# SPDX-License-Identifier: Apache-2.0
"""Repositories: the ports of the domain on SQL, one module per resource."""
