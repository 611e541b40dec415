# SPDX-License-Identifier: Apache-2.0
"""What this service offers beyond the versions of the API that it names (D-15); one entry for each thing.

An id never changes and is never used for something else; clients look for it.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Extension:
    """One addition to the API.

    :ivar id: what clients look for
    :ivar summary: what it does, in one sentence for people
    :ivar since: the first release that has it
    """

    id: str
    summary: str
    since: str


EXTENSIONS = (
    Extension(
        'upload-digest',
        'PUT /v2/images/{id}/file and /stage accept Repr-Digest and Content-Digest; data that does not fit is refused.',
        '1.0',
    ),
    Extension(
        'import-expected-hash',
        'os_glance_hash_algo and os_glance_hash_value in the method of an import name the hash that its data must have.',
        '1.0',
    ),
    Extension(
        'import-progress',
        'os_glance_import_progress of an image tells how far its import is, os_glance_import_error why the last one failed.',
        '1.0',
    ),
    Extension(
        'upload-error',
        'os_glance_upload_error of an image tells why the last upload of its data failed.',
        '1.0',
    ),
)
