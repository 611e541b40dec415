# SPDX-License-Identifier: Apache-2.0
"""Controllers of API version 2, one module per URL noun.

An action is a function ``act(api, context, params, wanted)``: the services, the caller, what the path named, and what the
request asked for as parsed by the module of the same noun in ``glance_clone.api.serial``.
"""
