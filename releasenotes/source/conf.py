# SPDX-License-Identifier: Apache-2.0
"""Configuration of the release notes build."""

project = 'glance_clone release notes'
copyright = 'the glance_clone authors'
extensions = [
    'openstackdocstheme',
    'reno.sphinxext',
]
master_doc = 'index'
pygments_style = 'native'

html_theme = 'openstackdocs'
html_last_updated_fmt = ''
openstackdocs_auto_name = False
openstackdocs_auto_version = False
