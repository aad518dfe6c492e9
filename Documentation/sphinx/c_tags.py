# SPDX-License-Identifier: GPL-2.0-only
"""Allows a structure and a function to have the same name.

In C, struct ksalloc_connect and ksalloc_connect() are in different name spaces. Sphinx
has only one name space: it warns of a duplicate, and both links have the same target.

This patches internals of the Sphinx in Debian 12. Later versions store names in another
way. With these, this extension does nothing, and the warnings stay.
"""

import contextlib

from sphinx.domains.c import ASTDeclaration, Symbol

TAGS = ('struct', 'union', 'enum')

# Search for tags (True), for other names (False), or for both (None)
wanted = None


@contextlib.contextmanager
def only(tags):
    global wanted
    before = wanted
    wanted = tags
    try:
        yield
    finally:
        wanted = before


def is_tag(declaration):
    return declaration.objectType in TAGS


def patch(owner, name):
    """Decorator: the function replaces a method, and gets it as the first argument."""
    if not hasattr(Symbol, '_find_named_symbols'):
        return lambda function: function
    original = getattr(owner, name)

    def replace(function):
        setattr(owner, name, lambda *args, **kwargs: function(original, *args, **kwargs))
    return replace


@patch(Symbol, '_find_named_symbols')
def find_named_symbols(original, self, *args, **kwargs):
    tags = wanted
    for symbol in original(self, *args, **kwargs):
        if tags is None or not symbol.declaration or is_tag(symbol.declaration) == tags:
            yield symbol


@patch(Symbol, 'add_declaration')
def add_declaration(original, self, declaration, *args, **kwargs):
    with only(is_tag(declaration)):
        return original(self, declaration, *args, **kwargs)


@patch(Symbol, 'find_declaration')
def find_declaration(original, self, name, typ, *args, **kwargs):
    # Sphinx uses "identifier" for a type in the declaration of a function
    with only(typ in TAGS or typ in ('type', 'identifier')):
        found = original(self, name, typ, *args, **kwargs)
    found = found or original(self, name, typ, *args, **kwargs)
    # Do not make "struct file *file" a link to itself
    if found and found.declaration and found.declaration.objectType == 'functionParam':
        return None
    return found


@patch(ASTDeclaration, 'get_id')
def get_id(original, self, *args, **kwargs):
    ident = original(self, *args, **kwargs)
    return f'{ident}.{self.objectType}' if is_tag(self) else ident


def setup(app):
    # Sphinx would merge the names of parallel processes without these name spaces
    return {'parallel_read_safe': False, 'parallel_write_safe': True}
