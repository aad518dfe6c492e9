# SPDX-License-Identifier: GPL-2.0-only
"""Lets a structure and a function have the same name.

In C, struct ksalloc_connect and ksalloc_connect() are names of two kinds. Sphinx
has one kind only: it warns of a duplicate, and both links lead to the same place.

This reaches into Sphinx as Debian 12 has it. Later ones keep their names in another way:
there, nothing is changed, and the warnings stay.
"""

import contextlib

from sphinx.domains.c import ASTDeclaration, Symbol

TAGS = ('struct', 'union', 'enum')

# Whether tags are looked for (True), or other names (False), or any (None)
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
    """Decorator: the function replaces a method, which becomes its first argument."""
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
    # Sphinx says "identifier" of a type in a function's declaration.
    with only(typ in TAGS or typ in ('type', 'identifier')):
        found = original(self, name, typ, *args, **kwargs)
    found = found or original(self, name, typ, *args, **kwargs)
    # "struct file *file" is not a link to itself.
    if found and found.declaration and found.declaration.objectType == 'functionParam':
        return None
    return found


@patch(ASTDeclaration, 'get_id')
def get_id(original, self, *args, **kwargs):
    ident = original(self, *args, **kwargs)
    return f'{ident}.{self.objectType}' if is_tag(self) else ident


def setup(app):
    # Processes that read in parallel would merge their names without regard to kinds.
    return {'parallel_read_safe': False, 'parallel_write_safe': True}
