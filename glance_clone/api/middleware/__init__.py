# SPDX-License-Identifier: Apache-2.0
"""WSGI filters of the paste pipeline. They pass responses on as they are, so that downloads stay zero-copy."""
