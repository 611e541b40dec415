# SPDX-License-Identifier: Apache-2.0
"""Configuration of the build of the API reference."""

project = 'Image API reference'
copyright = 'the glance_clone authors'
extensions = [
    'os_api_ref',
    'openstackdocstheme',
]
master_doc = 'index'
pygments_style = 'native'

html_theme = 'openstackdocs'
html_theme_options = {'sidebar_mode': 'toc'}
html_last_updated_fmt = ''
openstackdocs_auto_name = False
openstackdocs_auto_version = False
