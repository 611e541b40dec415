# SPDX-License-Identifier: Apache-2.0
"""Pure functions from requests to values and from domain objects to documents."""
