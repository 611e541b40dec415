# SPDX-License-Identifier: Apache-2.0
"""Which versions are offered under which configuration."""

import types

from oslotest import base

from glance_clone.api import versions


def _conf(cache=None, stores=None, endpoint=None):
    return types.SimpleNamespace(image_cache_dir=cache, enabled_backends=stores, public_endpoint=endpoint)


class VersionsTest(base.BaseTestCase):
    def _listed(self, **options):
        document = versions.Versions(_conf(**options)).document('http://h/')
        return [entry['id'] for entry in document['versions']], document['versions']

    def test_plain(self):
        ids, _ = self._listed()
        self.assertEqual(['v2.15', 'v2.9', 'v2.17', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0'], ids)

    def test_with_stores(self):
        ids, _ = self._listed(stores={'a': 'file'})
        self.assertEqual(['v2.15', 'v2.13', 'v2.12', 'v2.11', 'v2.10', 'v2.9', 'v2.8', 'v2.17', 'v2.7'], ids[:9])

    def test_with_cache(self):
        ids, _ = self._listed(cache='/c')
        self.assertEqual(['v2.18', 'v2.17', 'v2.16', 'v2.15', 'v2.14', 'v2.9', 'v2.7'], ids[:7])

    def test_the_highest_version_is_the_only_current_one(self):
        for options in ({}, {'stores': {'a': 'file'}}, {'cache': '/c'}, {'cache': '/c', 'stores': {'a': 'file'}}):
            _, entries = self._listed(**options)
            current = [entry['id'] for entry in entries if entry['status'] == 'CURRENT']
            self.assertEqual(['v2.18' if 'cache' in options else 'v2.17'], current)

    def test_links_end_with_one_slash(self):
        for base_url in ('http://h', 'http://h/', 'https://h/image'):
            href = versions.Versions(_conf()).document(base_url)['versions'][0]['links'][0]['href']
            self.assertEqual(base_url.rstrip('/') + '/v2/', href)

    def test_what_is_not_offered_is_no_prefix(self):
        self.assertNotIn('v2.8', versions.url_prefixes(_conf()))
        self.assertIn('v2.8', versions.url_prefixes(_conf(stores={'a': 'file'})))
        self.assertIn('v2', versions.url_prefixes(_conf()))
