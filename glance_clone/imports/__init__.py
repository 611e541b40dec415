# SPDX-License-Identifier: Apache-2.0
"""How data gets into images by itself: flows of steps that can be undone, run in the background by tasks.

``service`` begins imports and ``recovery`` ends those of dead workers; ``flow`` runs ``steps`` in their order on a
``work``. Where data comes from is a ``source``; what is done to it before it is stored is a plugin, which is a step.

Tasks that make their own image are in ``legacy``; they can take disks out of archives (``ova``, ``ova_archive``, ``ovf``).
"""
