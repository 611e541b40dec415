# SPDX-License-Identifier: Apache-2.0
"""URLs as users may see them again."""

from __future__ import annotations

from oslotest import base

from glance_clone.domain import urls


class WithoutUserTest(base.BaseTestCase):
    def test_user_and_password_go(self):
        for url, expected in (
            ('http://user:secret@host/path', 'http://host/path'),
            ('HTTPS://user:se@cret@host:8/p@th?a@b', 'HTTPS://host:8/p@th?a@b'),
            ('swift+https://acct%3Auser:key@auth/c/o', 'swift+https://auth/c/o'),
            ('//user@host/', '//host/'),
            ('http://host/a@b', 'http://host/a@b'),
            ('Fetching http://u:p@a/x and http://u:p@b/y failed.', 'Fetching http://a/x and http://b/y failed.'),
            ('no url', 'no url'),
        ):
            self.assertEqual(expected, urls.without_user(url))
