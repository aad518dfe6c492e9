# SPDX-License-Identifier: GPL-2.0-only
"""The directive kernel-doc-files: kernel-doc of all files that match patterns.

    .. kernel-doc-files:: PATTERN...
       :export:
       :titles:

Patterns are those of Python's glob, relative to the top of the tree. ** matches
directories of any depth, and !PATTERN excludes files. Files without kernel-doc comments that the
options select are skipped. A pattern that matches no file is an error, so that renamed files are not forgotten.
With :titles:, each file gets a section. The other options are those of kernel-doc.
"""

import glob
import os
import re

from docutils import nodes
from docutils.parsers.rst import directives
from kerneldoc import KernelDocDirective

KERNEL_DOC = re.compile(r'^\s*/\*\*\s+\* (?:(?:struct|union|enum) )?(\w+)', re.M)
EXPORT = re.compile(r'^EXPORT_SYMBOL(?:_GPL)?\((\w+)\)', re.M)


class KernelDocFiles(KernelDocDirective):
    """The directive, see the top of this file."""

    required_arguments = 1
    optional_arguments = 0
    final_argument_whitespace = True
    option_spec = {**KernelDocDirective.option_spec, 'titles': directives.flag}

    def matching(self, pattern):
        top = self.env.config.kerneldoc_srctree
        found = glob.glob(os.path.join(top, pattern), recursive=True)
        if not found:
            raise self.error(f'no file matches {pattern}')
        return {os.path.relpath(path, top) for path in found}

    def has_something(self, path):
        with open(os.path.join(self.env.config.kerneldoc_srctree, path), encoding='utf-8') as file:
            text = file.read()
        described = set(KERNEL_DOC.findall(text))
        exported = set(EXPORT.findall(text))
        if 'export' in self.options:
            return described & exported
        if 'internal' in self.options:
            return described - exported - {'DOC'}
        return described

    def files(self):
        found = []
        for pattern in self.arguments[0].split():
            if pattern.startswith('!'):
                left_out = self.matching(pattern[1:])
                found = [path for path in found if path not in left_out]
            else:
                found += sorted(self.matching(pattern) - set(found))
        found = [path for path in found if self.has_something(path)]
        if not found:
            raise self.error('no kernel-doc comment in these files')
        return found

    @property
    def env(self):
        return self.state.document.settings.env

    def section(self, title, content):
        section = nodes.section(names=[nodes.fully_normalize_name(title)])
        section += nodes.title(title, title)
        section += content
        self.state.document.note_implicit_target(section)
        return section

    def run(self):
        files = self.files()
        folder = os.path.commonpath([os.path.dirname(path) for path in files])
        result = []
        for path in files:
            self.arguments = [path]
            content = super().run()
            if 'titles' in self.options:
                content = [self.section(os.path.relpath(path, folder), content)]
            result += content
        return result


def setup(app):
    app.setup_extension('kerneldoc')
    app.add_directive('kernel-doc-files', KernelDocFiles)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
