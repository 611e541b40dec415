# SPDX-License-Identifier: Apache-2.0
"""The filter that believes what a proxy in front says of the client's request."""

from unittest import mock

import webob
import webob.dec
from oslo_config import cfg
from oslo_middleware import http_proxy_to_wsgi
from oslotest import base

from glance_clone.api.middleware import library


class ProxyHeadersTest(base.BaseTestCase):
    def answer(self, is_on):
        conf = cfg.ConfigOpts()
        conf.register_opts(http_proxy_to_wsgi.OPTS, group='oslo_middleware')
        conf([], default_config_files=[], default_config_dirs=[])
        conf.set_override('enable_proxy_headers_parsing', is_on, group='oslo_middleware')
        with mock.patch.object(library.services, 'current', lambda: mock.Mock(conf=conf)):
            make = library.http_proxy_to_wsgi_factory({})
        app = make(webob.dec.wsgify(lambda request: request.application_url))
        headers = {'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'images.example', 'X-Forwarded-Prefix': '/base'}
        return webob.Request.blank('/', headers=headers).get_response(app).text

    def test_they_count_where_that_is_configured(self):
        self.assertEqual('https://images.example/base', self.answer(True))

    def test_they_do_not_count_otherwise(self):
        self.assertEqual('http://localhost', self.answer(False))
