# SPDX-License-Identifier: Apache-2.0
"""Actions on the catalogue of metadata definitions.

A file that cannot be loaded or written is an error in the log, and the others go on. Deployment tools expect exit code 0 even
then; ``--strict`` makes it 1.
"""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Mapping

from oslo_log import log as logging

from glance_clone.cmd.manage.actions import Action
from glance_clone.cmd.manage.actions import Kind
from glance_clone.cmd.manage.actions import Option
from glance_clone.cmd.progress import Progress
from glance_clone.db.catalogue import document
from glance_clone.db.catalogue import files
from glance_clone.db.catalogue import reading
from glance_clone.db.catalogue.document import Document
from glance_clone.db.catalogue.document import DocumentError
from glance_clone.db.catalogue.loading import Mode
from glance_clone.db.catalogue.loading import Outcome
from glance_clone.db.catalogue.loading import load
from glance_clone.db.engine import Database
from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

_UNLOADED = 'not loaded'


def _load_metadefs(
    database: Database,
    path: str,
    merge: bool = False,
    prefer_new: bool = False,
    overwrite: bool = False,
    strict: bool = False,
) -> int:
    try:
        mode = _mode(merge, prefer_new, overwrite)
        found = files.find(path)
    except (ValueError, OSError) as error:
        LOG.error('No metadata definitions were loaded: %s', str(error))
        return int(strict)
    if not found:
        LOG.error('No metadata definitions were loaded: %s has no file *.json.', path)
        return int(strict)
    done: Counter[str] = Counter()
    with Progress('Loading', len(found), 'namespace') as progress:
        for file in found:
            done[_load_file(database, file, mode)] += 1
            progress.advance()
    print(f'Namespaces of {path}: ' + ', '.join(f'{number} {what}' for what, number in done.items()) + '.')
    return int(strict and done[_UNLOADED] > 0)


def _mode(merge: bool, prefer_new: bool, overwrite: bool) -> Mode:
    """Return what the flags ask for.

    :raises ValueError: they contradict each other
    """
    if prefer_new and overwrite:
        raise ValueError('prefer_new and overwrite exclude each other.')
    if (prefer_new or overwrite) and not merge:
        raise ValueError('prefer_new and overwrite have a meaning only together with merge.')
    if not merge:
        return Mode.SKIP
    return Mode.PREFER_NEW if prefer_new else Mode.OVERWRITE if overwrite else Mode.MERGE


def _load_file(database: Database, file: pathlib.Path, mode: Mode) -> str:
    """Load one file; return what became of it."""
    try:
        found = files.read(file)
        outcome = load(database, found, mode)
    except (OSError, DocumentError, errors.Conflict, errors.Invalid) as error:
        LOG.error('File %s was not loaded: %s', file, str(error))
        return _UNLOADED
    if outcome is Outcome.SKIPPED:
        LOG.warning('Namespace %s of file %s exists already; nothing of it was loaded.', found.name, file)
    else:
        LOG.info('Namespace %s of file %s: %s.', found.name, file, outcome.value)
    return outcome.value


def _unload_metadefs(database: Database) -> int:
    rows = reading.remove_all(database)
    print(f'Removed {rows["metadef_namespaces"]} namespaces with all that was in them, {sum(rows.values())} rows.')
    return 0


def _export_metadefs(database: Database, path: str, with_owner: bool = False, strict: bool = False) -> int:
    names = files.Names(path)
    try:
        names.prepare()
    except OSError as error:
        LOG.error('No metadata definitions were exported: %s', str(error))
        return int(strict)
    found = reading.read_all(database)
    written = 0
    with Progress('Exporting', len(found), 'namespace') as progress:
        for namespace in found:
            written += _export(namespace, names.choose(namespace), with_owner)
            progress.advance()
    failed = len(found) - written
    print(f'Exported {written} namespaces' + (f'; {failed} failed.' if failed else '.'))
    return int(strict and failed > 0)


def _export(namespace: Document, file: pathlib.Path, with_owner: bool) -> bool:
    """Write a namespace to a file; return whether it could be."""
    try:
        files.write(file, document.compose(namespace, with_owner))
    except (OSError, ValueError) as error:
        LOG.error('Namespace %s was not exported to %s: %s', namespace.name, file, str(error))
        return False
    LOG.info('Namespace %s was exported to %s.', namespace.name, file)
    return True


_SETTING = 'metadata_source_path'
_STRICT = Option('strict', Kind.FLAG, 'exit with 1 if anything was not done as asked', positional=False)

ACTIONS: Mapping[str, Action] = {
    'export_metadefs': Action(
        _export_metadefs,
        'Write the catalogue of metadata definitions to JSON files, one for each namespace.',
        [
            Option('path', Kind.TEXT, f'directory, or other beginning of the names; {_SETTING} by default', setting=_SETTING),
            Option('with_owner', Kind.FLAG, 'also write which project owns a namespace', positional=False),
            _STRICT,
        ],
    ),
    'load_metadefs': Action(
        _load_metadefs,
        'Load the catalogue of metadata definitions from JSON files. What is there already stays as it is.',
        [
            Option('path', Kind.TEXT, f'a file, or a directory of files *.json; {_SETTING} by default', setting=_SETTING),
            Option('merge', Kind.FLAG, 'add to namespaces that are there already what they do not have'),
            Option('prefer_new', Kind.FLAG, 'with --merge: and update what they have'),
            Option('overwrite', Kind.FLAG, 'with --merge: replace namespaces that are there already, with all that is in them'),
            _STRICT,
        ],
    ),
    'unload_metadefs': Action(_unload_metadefs, 'Remove the whole catalogue of metadata definitions.'),
}
