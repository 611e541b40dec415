# SPDX-License-Identifier: Apache-2.0
"""JSON Schema documents of the API, as data."""
