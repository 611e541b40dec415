# SPDX-License-Identifier: Apache-2.0
"""What images have in the key manager of the cloud: certificates of those who signed them, and keys of encrypted volumes.

The libraries for it are an extra. They are imported when the first image needs them, and nothing else of the service knows
them.
"""
