# SPDX-License-Identifier: Apache-2.0
"""The matrix of access: persona, visibility, status and operation, with the answer that the service must give."""
