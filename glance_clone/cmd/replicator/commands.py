# SPDX-License-Identifier: Apache-2.0
"""What the replicator does: each command returns its exit code, and goes on with the next image when one fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Collection
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import units

from glance_clone.cmd.progress import Progress
from glance_clone.cmd.replicator.data import CheckedData
from glance_clone.cmd.replicator.folder import Folder
from glance_clone.cmd.replicator.records import Fields
from glance_clone.cmd.replicator.server import Failure
from glance_clone.cmd.replicator.server import Image
from glance_clone.cmd.replicator.server import Server

LOG = logging.getLogger(__name__)

_ACTIVE = 'active'
_FAILED = 'failed'


class Replicator:
    """Images on their way between servers and directories.

    :param conf: with the options of the command line
    """

    def __init__(self, conf: cfg.ConfigOpts):
        self._conf = conf
        self._fields = Fields(conf.dontreplicate.split())

    def size(self, server: str) -> int:
        """Print how many active images a server has, and how many bytes they take."""
        sizes = [image['size'] or 0 for image in self._target(server).images() if image['status'] == _ACTIVE]
        print(f'Total size is {sum(sizes)} bytes ({_readable(sum(sizes))}) across {len(sizes)} images.')
        return 0

    def dump(self, server: str, path: str) -> int:
        """Write the images of a server to a directory; what is there already stays as it is."""
        source, folder = self._source(server), Folder(path)
        return _for_each('Dumping', list(source.images()), lambda image: self._dump(source, folder, image))

    def _dump(self, source: Server, folder: Folder, image: Image) -> str:
        image_id, is_new = image['id'], False
        if image['status'] == _ACTIVE and not self._conf.metaonly and not folder.has_data(image_id):
            folder.write_data(image_id, CheckedData(image, source.download(image_id)))
            is_new = True
        # The record comes last: where it is, the data are.
        if not folder.has_record(image_id):
            folder.write_record(image)
            is_new = True
        return 'dumped' if is_new else 'there already'

    def load(self, server: str, path: str) -> int:
        """Bring the images of a directory to a server: new ones with their data, others only what is said about them."""
        target, folder = self._target(server), Folder(path)
        present = {image['id']: image for image in target.images()}
        return _for_each('Loading', folder.ids(), lambda image_id: self._load(target, folder, image_id, present.get(image_id)))

    def _load(self, target: Server, folder: Folder, image_id: str, present: Image | None) -> str:
        image = folder.record(image_id)
        if present is None and not folder.has_data(image_id):
            return 'without data'
        has_data = folder.has_data(image_id) and not self._conf.metaonly
        if has_data and image.get('size') is None:
            image['size'] = folder.size(image_id)
        data = CheckedData(image, folder.blocks(image_id, self._conf.chunksize)) if has_data else None
        return self._bring(target, image, present, data)

    def livecopy(self, source: str, target: str) -> int:
        """Bring the active images of one server to another, without keeping them in between."""
        fro, to = self._source(source), self._target(target)
        present = {image['id']: image for image in to.images()}
        images = [image for image in fro.images() if image['status'] == _ACTIVE]
        return _for_each('Copying', images, lambda image: self._copy(fro, to, image, present.get(image['id'])))

    def _copy(self, source: Server, target: Server, image: Image, present: Image | None) -> str:
        data = None if self._conf.metaonly else CheckedData(image, source.download(image['id']))
        return self._bring(target, image, present, data)

    def _bring(self, target: Server, image: Image, present: Image | None, data: CheckedData | None) -> str:
        """Make an image of a server what a record says, and give it its data if it has none yet.

        :param present: the image on the server; None if there is none
        """
        image_id = image['id']
        if present is None:
            target.create(self._fields.record(image))
        operations = self._fields.patch(present, image) if present else []
        if operations:
            target.patch(image_id, operations)
        if data and (present is None or present['status'] == 'queued'):
            target.upload(image_id, data)
            return 'copied'
        if present is None:
            return 'copied without data'
        return 'updated' if operations else 'equal'

    def compare(self, source: str, target: str) -> int:
        """Tell what images of one server the other has not, or has otherwise."""
        fro, to = self._source(source), self._target(target)
        present = {image['id']: image for image in to.images()}
        return _for_each('Comparing', list(fro.images()), lambda image: self._compare(image, present.get(image['id']), target))

    def _compare(self, image: Image, present: Image | None, target: str) -> str:
        if present is None:
            if image['status'] != _ACTIVE:
                return 'not active'
            LOG.warning('Image %s ("%s") is not on %s.', image['id'], image['name'], target)
            return 'missing'
        names = self._fields.differences(image, present)
        for name in names:
            LOG.warning('Image %s: %s is %r, and on %s %r.', image['id'], name, image.get(name), target, present.get(name))
        return 'different' if names else 'equal'

    def _source(self, address: str) -> Server:
        return Server(address, self._conf.token or self._conf.sourcetoken, self._conf.chunksize)

    def _target(self, address: str) -> Server:
        return Server(address, self._conf.token or self._conf.targettoken, self._conf.chunksize)


def _for_each(what: str, images: Collection[Any], do: Callable[[Any], str]) -> int:
    """Do something for each image, print how often it ended how, and return the exit code: 1 if any failed."""
    outcomes: Counter[str] = Counter()
    with Progress(what, len(images), 'image') as progress:
        for image in images:
            image_id = image['id'] if isinstance(image, dict) else image
            try:
                outcome = do(image)
                LOG.info('Image %s: %s.', image_id, outcome)
            except Failure as error:
                outcome = _FAILED
                LOG.error('Image %s failed: %s', image_id, str(error))
            outcomes[outcome] += 1
            progress.advance()
    counts = ', '.join(f'{number} {outcome}' for outcome, number in outcomes.items())
    print(f'{len(images)} {"image" if len(images) == 1 else "images"}{": " if counts else ""}{counts}.')
    return 1 if outcomes[_FAILED] else 0


def _readable(size: float) -> str:
    for unit, factor in (('TiB', units.Ti), ('GiB', units.Gi), ('MiB', units.Mi), ('KiB', units.Ki)):
        if size >= factor:
            return f'{size / factor:.1f} {unit}'
    return f'{size:.0f} B'
