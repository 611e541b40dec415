# SPDX-License-Identifier: Apache-2.0
"""Actions on the locations of images."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from glance_clone.cmd.manage.actions import Action
from glance_clone.cmd.progress import Progress
from glance_clone.db.engine import Database
from glance_clone.db.repos.location_seals import LocationSeals


def _reseal(database: Database) -> int:
    seals = LocationSeals(database)
    with Progress('Sealing', seals.count(), 'location') as progress:
        outcome = seals.renew(progress.advance)
    print(f'Locations: {outcome.changed} sealed anew, {outcome.current} were up to date.')
    if outcome.unreadable:
        print(
            f'ERROR: {outcome.unreadable} locations cannot be read with any key in metadata_encryption_key and '
            'metadata_encryption_further_keys; the log names their images.',
            file=sys.stderr,
        )
    return int(outcome.unreadable > 0)


ACTIONS: Mapping[str, Action] = {
    'reseal_locations': Action(
        _reseal,
        'Seal the locations of all images with metadata_encryption_key, in the form of metadata_encryption_form; the service '
        'may run meanwhile. Locations are opened with that key or one of metadata_encryption_further_keys.',
    ),
}
