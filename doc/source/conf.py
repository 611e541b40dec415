# SPDX-License-Identifier: Apache-2.0
"""Configuration of the documentation build."""

import pathlib

_ROOT = pathlib.Path(__file__).resolve().parents[2]

project = 'glance_clone'
copyright = 'the glance_clone authors'
extensions = [
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
]
master_doc = 'index'
exclude_patterns = []
pygments_style = 'native'

html_theme = 'openstackdocs'
# The theme would ask git for the time of every page; an archive has no git.
html_last_updated_fmt = ''
openstackdocs_auto_name = False
openstackdocs_auto_version = False

_AUTHORS = ['the glance_clone authors']

man_pages = [
    ('cli/glance-api', 'glance-api', 'the image service, standalone', _AUTHORS, 1),
    ('cli/glance-cache', 'glance-cache', 'the image cache of a node', _AUTHORS, 1),
    ('cli/glance-control', 'glance-control', 'start and stop servers of the image service', _AUTHORS, 1),
    ('cli/glance-manage', 'glance-manage', 'operations on the database of the image service', _AUTHORS, 1),
    ('cli/glance-replicator', 'glance-replicator', 'bring images from one image service to another', _AUTHORS, 1),
    ('cli/glance-scrubber', 'glance-scrubber', 'remove the data of deleted images', _AUTHORS, 1),
    ('cli/glance-status', 'glance-status', 'checks before an upgrade of the image service', _AUTHORS, 1),
]
