# SPDX-License-Identifier: Apache-2.0
"""Work that a service process does in the background, beside requests."""
