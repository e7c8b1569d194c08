"""Which names a cell binds, changes and needs: read from its source, never executed."""

from __future__ import annotations

import ast
import re
import symtable
import types
from dataclasses import dataclass, field

_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)
_EMPTY: frozenset[str] = frozenset()

_MUTATORS = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fill", "fit"),
        *("insert", "partial_fit", "pop", "popitem", "popleft", "remove", "reverse", "rotate"),
        *("setdefault", "sort", "update"),
    }
)
"""Methods that change their object, in Python's containers and the usual libraries."""


def plain_python(source: str) -> str:
    """Return the cell's code with IPython's magics blanked, lines kept in their places."""
    if source.lstrip().startswith("%%"):
        first, _, rest = source.partition("\n")
        # %%time and %%capture run their body as Python, %%bash and the like do not.
        body = first.split()[0] in {"%%time", "%%timeit", "%%capture", "%%prun"}
        return "\n" + rest if body else ""
    try:
        ast.parse(source)
    except SyntaxError:
        return _MAGIC.sub("", source)
    return source


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell, with all that is nested in it."""

    defines: frozenset[str]
    """By ``def`` or ``class``: their bodies run when they are called."""
    binds: frozenset[str]
    changes: frozenset[str]
    """In place, for certain: ``x[0] = 1``, ``x.append(1)``."""
    calls: frozenset[str]
    """A method of them is called, which may change them."""
    feeds: frozenset[str]
    """A method of them is called for its effect (``ax.plot(y)``): what it returns is dropped."""
    needs: frozenset[str]
    """Read here, or by a function that is defined here."""


@dataclass(frozen=True)
class Names:
    """Names that a cell binds at its top level."""

    definitions: frozenset[str]
    """By ``def``, ``class`` or ``import``: cheap to evaluate alone."""
    assigned: frozenset[str]
    changed: frozenset[str]
    """In place, for certain."""
    updated: frozenset[str]
    """In place, perhaps: a method of them is called."""
    imported: frozenset[str]
    star: bool
    """``from m import *`` binds more than can be read."""
    statements: tuple[Statement, ...] = field(default=(), compare=False)

    @property
    def bound(self) -> frozenset[str]:
        """All names that the cell gives a value."""
        return self.definitions | self.assigned


def names_of(source: str) -> Names:
    """Read which names a cell binds, without executing it; none for code that does not parse."""
    code = plain_python(source)
    try:
        tree = ast.parse(code)
        table = symtable.symtable(code, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return Names(_EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY, star=False)
    imported: set[str] = set()
    defined: set[str] = set()
    assigned: set[str] = set()
    stored = _visit(tree).stored
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if symbol.is_imported():
            imported.add(name)
        elif symbol.is_assigned():
            # `f = wrap(f)` after `def f` makes f more than its definition.
            (defined if symbol.is_namespace() and name not in stored else assigned).add(name)
    star = any(
        isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names)
        for node in tree.body
    )
    definitions = defined | imported
    statements = tuple(_statement(node) for node in tree.body)
    changed = frozenset().union(*(s.changes for s in statements)) - definitions
    called = frozenset().union(*(s.calls for s in statements)) - definitions
    return Names(
        definitions=frozenset(definitions),
        assigned=frozenset(assigned),
        changed=changed,
        updated=changed | called,
        imported=frozenset(imported),
        star=star,
        statements=statements,
    )


def _statement(node: ast.stmt) -> Statement:
    found = _visit(node)
    return Statement(
        defines=frozenset(found.defined),
        binds=frozenset(found.stored | found.defined),
        changes=frozenset(found.changed),
        calls=frozenset(found.called),
        feeds=frozenset(found.fed),
        needs=frozenset(_needs(node)),
    )


def _needs(node: ast.stmt) -> set[str]:
    """Names that a statement reads from outside itself, as the compiler sees them."""
    module = ast.Module(body=[node], type_ignores=[])
    found: set[str] = set()

    def visit(code: types.CodeType) -> None:
        import dis

        for instruction in dis.get_instructions(code):
            if instruction.opname.startswith(("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT")):
                found.add(str(instruction.argval))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                visit(constant)

    try:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        visit(compile(module, "<cell>", "exec", flags=flags, dont_inherit=True))
    except (SyntaxError, ValueError):
        return found
    return found


@dataclass
class _Found:
    stored: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    fed: set[str] = field(default_factory=set)


class _TopLevel(ast.NodeVisitor):
    """Visits what runs when a cell runs: not the bodies of its functions."""

    def __init__(self) -> None:
        self.found = _Found()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.found.defined.add(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.found.defined.add(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.found.defined.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Stay out: a body runs when it is called."""

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.found.stored.add(node.id)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._add(self.found.changed, node)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._add(self.found.changed, node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._add(self.found.changed, node.target)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            self._add(self.found.fed, node.value.func)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            # A method may change its object: a list, a model, a random generator.
            self._add(self.found.called, node.func)
            if _changes_its_object(node.func.attr, node.keywords):
                self._add(self.found.changed, node.func)
        self.generic_visit(node)

    def _add(self, names: set[str], node: ast.AST) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        if isinstance(node, ast.Name):
            names.add(node.id)


def _changes_its_object(method: str, keywords: list[ast.keyword]) -> bool:
    if method in _MUTATORS or (method.endswith("_") and not method.endswith("__")):
        return True  # torch's zero_(), mul_() too
    return any(
        word.arg == "inplace" and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in keywords
    )


def _visit(node: ast.AST) -> _Found:
    visitor = _TopLevel()
    visitor.visit(node)
    return visitor.found
