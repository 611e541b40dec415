# SPDX-License-Identifier: Apache-2.0
"""The end of an import whose worker was taken for dead: it is that of somebody else."""

import types

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.importing import Staged
from glance_clone.domain.lease import Worker
from glance_clone.imports.ending import Ending
from glance_clone.tests.unit.layers import fakes


class LostLeaseTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, _data, _abandoned = fakes.parts()
        self.staging = self.parts.staging
        tools = types.SimpleNamespace(tasks=self.records, staging=self.staging, staged=self.staging)
        self.ending = Ending(tools, self.records)
        self.work = types.SimpleNamespace(
            tools=tools, image=fakes.queued_image(), is_copy=False, lease=Worker().lease('i', 'import'), status=images.IMPORTING
        )
        # Since then, the image was staged anew.
        self.staging.files['i'] = 'later'
        self.staging.rows['i'] = Staged('i', 'i', 'later', 7, 'md5', 'sha512', 'hash')

    def test_what_was_staged_since_stays(self):
        self.assertRaises(errors.LeaseLost, self.ending.succeed, self.work)
        self.assertRaises(errors.LeaseLost, self.ending.fail, self.work, errors.StoreError('The staged data is gone.'))
        self.assertEqual((['i'], ['i']), (list(self.staging.files), list(self.staging.rows)))
