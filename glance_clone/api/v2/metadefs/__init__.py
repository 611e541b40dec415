# SPDX-License-Identifier: Apache-2.0
"""Controllers of metadata definitions, one module per noun.

Each function here is ``act`` of an action: it asks the door, changes domain objects, hands them to a repository and
returns what is to be shown.
"""
