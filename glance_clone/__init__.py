# SPDX-License-Identifier: Apache-2.0
"""The OpenStack Image service: store, discover and share virtual machine images."""
