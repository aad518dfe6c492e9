# SPDX-License-Identifier: GPL-2.0-only
"""Configuration of Sphinx, which tools/testing/htmldocs runs."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A directory with the Sphinx extensions and scripts of the kernel, see kernel-source
KERNEL = os.environ['KERNEL_SOURCE']
sys.path[:0] = [os.path.join(TOP, 'Documentation/sphinx'),
                os.path.join(KERNEL, 'Documentation/sphinx')]

project = 'ksalloc'
with open(os.path.join(TOP, 'dkms.conf'), encoding='utf-8') as file:
    release = re.search(r'^PACKAGE_VERSION="(.*)"', file.read(), re.M).group(1)
extensions = ['kerneldoc', 'kerneldoc_files', 'c_tags', 'automarkup']
kerneldoc_bin = os.path.join(KERNEL, 'scripts/kernel-doc')
kerneldoc_srctree = TOP

primary_domain = 'c'
# Annotations of types in the kernel, which the C domain of Sphinx does not know
c_id_attributes = ['__user']
highlight_language = 'none'
smartquotes = False
# Warn of references to names that do not exist, if they begin with ks
nitpicky = True
nitpick_ignore_regex = [('c:.*', '(?!ks).*'), ('c:identifier', '.*')]

html_theme = 'alabaster'
html_theme_options = {
    'description': release,
    'body_max_width': '60em',
    'sidebar_width': '16em',
    'fixed_sidebar': True,
    'font_size': 'inherit',
}
html_static_path = [os.path.join(KERNEL, 'Documentation/sphinx-static'), 'sphinx/static']
html_css_files = ['ksalloc.css']
html_copy_source = False
html_show_copyright = False
