# SPDX-License-Identifier: Apache-2.0
"""Plain objects and rules of the image service; standard library only."""
