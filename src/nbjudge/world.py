"""The instructor's notebook, evaluated on demand outside the student's kernel.

A test uses names of given cells (``np``, ``alpha``, ``x_train``) and the reference's functions.
A cell is executed when one of its names is needed, in a namespace of its own that finds other
names the same way, so that figures and trainings that no test needs cost nothing.

``x`` at cell *p* is what the last cell before *p* that binds it gives.  A cell that updates
``x`` in place (``x[0] = 1``, ``x += 1``, ``x.append(1)``) counts as binding it too, after the
cells before it; an object that a function changes through an argument is not seen.  When the
reference is proved, every name that a test used is compared with the kernel's, so a slip of
these rules is the instructor's to know, never a student's to suffer.
"""

from __future__ import annotations

import ast
import builtins
import json
import linecache
import re
import symtable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbjudge.assignment import Kind, SourceCell
from nbjudge.errors import HiddenTestError, NotebookError

_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)


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
class Names:
    """Names that a cell binds at its top level."""

    definitions: frozenset[str]
    """By ``def``, ``class`` or ``import``: cheap to evaluate alone."""
    assigned: frozenset[str]
    updated: frozenset[str]
    """Changed in place."""
    imported: frozenset[str]
    star: bool
    """``from m import *`` binds more than can be read."""

    @property
    def bound(self) -> frozenset[str]:
        """All names that the cell gives a value."""
        return self.definitions | self.assigned


_EMPTY: frozenset[str] = frozenset()


def names_of(source: str) -> Names:
    """Read which names a cell binds, without executing it; none for code that does not parse."""
    code = plain_python(source)
    try:
        tree = ast.parse(code)
        table = symtable.symtable(code, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return Names(_EMPTY, _EMPTY, _EMPTY, _EMPTY, star=False)
    imported: set[str] = set()
    defined: set[str] = set()
    assigned: set[str] = set()
    stored = _stored(tree)
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
    updated = _updated(tree) - definitions
    return Names(
        frozenset(definitions),
        frozenset(assigned),
        frozenset(updated),
        frozenset(imported),
        star=star,
    )


class _TopLevel(ast.NodeVisitor):
    """Visits what runs when a cell runs: not the bodies of its functions."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Stay out: a body runs when it is called."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Stay out."""

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Stay out."""


def _stored(tree: ast.Module) -> set[str]:
    found: set[str] = set()

    class Visitor(_TopLevel):
        def visit_Name(self, node: ast.Name) -> None:
            if isinstance(node.ctx, ast.Store):
                found.add(node.id)

    Visitor().visit(tree)
    return found


def _updated(tree: ast.Module) -> set[str]:
    found: set[str] = set()

    class Visitor(_TopLevel):
        def visit_Subscript(self, node: ast.Subscript) -> None:
            if isinstance(node.ctx, ast.Store | ast.Del):
                self._root(node)
            self.generic_visit(node)

        def visit_Attribute(self, node: ast.Attribute) -> None:
            if isinstance(node.ctx, ast.Store | ast.Del):
                self._root(node)
            self.generic_visit(node)

        def visit_AugAssign(self, node: ast.AugAssign) -> None:
            self._root(node.target)
            self.generic_visit(node)

        def visit_Call(self, node: ast.Call) -> None:
            # A method may change its object: a list, a model, a random generator.
            if isinstance(node.func, ast.Attribute):
                self._root(node.func)
            self.generic_visit(node)

        def _root(self, node: ast.AST) -> None:
            while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
                node = node.value
            if isinstance(node, ast.Name):
                found.add(node.id)

    Visitor().visit(tree)
    return found


class CellSpace(dict[str, Any]):
    """The namespace of one cell: its own names, and through the world everything before it."""

    def __init__(self, world: World, position: int) -> None:
        super().__init__(__builtins__=builtins, __name__="__main__")
        self._world = world
        self._position = position

    def __missing__(self, name: str) -> Any:
        return self._world.lookup(name, self._position)


class World:
    """The instructor's cells, each executed at most once and only when needed.

    Parameters
    ----------
    cells
        The whole source notebook.
    label
        Name of the notebook, for messages.
    """

    def __init__(self, cells: Sequence[SourceCell], label: str) -> None:
        self.cells = tuple(cells)
        self.label = label
        self.names = [
            names_of(cell.source) if cell.cell_type == "code" else names_of("")
            for cell in self.cells
        ]
        self._spaces: dict[int, CellSpace] = {}
        self._defined: set[int] = set()
        self._executed: set[int] = set()
        self._running: set[tuple[int, bool]] = set()
        modules: set[str] = set()
        for names in self.names:
            modules |= names.imported
        # np.random.rand() changes a module's state, not the name np.
        self._updates = [names.updated - modules for names in self.names]

    def binder(self, name: str, position: int) -> int | None:
        """Return the last cell before ``position`` that gives a name its value, or None."""
        for index in range(position - 1, -1, -1):
            if self._binds(index, name):
                return index
        return None

    def _binds(self, index: int, name: str) -> bool:
        names = self.names[index]
        kind = self.cells[index].kind
        if kind is Kind.TEST:
            # Helpers defined in a test cell serve later ones; its results do not.
            return name in names.definitions
        if kind in (Kind.TEXT, Kind.TASK):
            return False
        return name in names.bound

    def students(self, name: str, position: int) -> bool:
        """Tell whether a name at ``position`` is the student's: bound last by a solution cell.

        What a solution cell *imports* is the library's, not the student's.
        """
        index = self.binder(name, position)
        if index is None or not self.cells[index].is_students:
            return False
        return name not in self.names[index].imported

    def lookup(self, name: str, position: int) -> Any:
        """Return the instructor's value of a name as seen by cell ``position``.

        Raises
        ------
        KeyError
            If no cell binds it.
        """
        index = self.binder(name, position)
        if index is None:
            return self._lookup_elsewhere(name, position)
        value = self._value(name, index)
        for later in range(index + 1, position):
            if name in self._updates[later] and self.cells[later].kind is not Kind.TEST:
                space = self._execute(later)
                if dict.__contains__(space, name):
                    value = dict.__getitem__(space, name)
        return value

    def _lookup_elsewhere(self, name: str, position: int) -> Any:
        for index, names in enumerate(self.names[:position]):
            if names.star and self.cells[index].kind is not Kind.TEST:
                space = self._execute(index)
                if dict.__contains__(space, name):
                    return dict.__getitem__(space, name)
        # A function may use a name that is bound further down, before it is called.
        for index in range(position, len(self.cells)):
            if self._binds(index, name) and self.cells[index].kind is not Kind.TEST:
                return self._value(name, index)
        raise KeyError(name)

    def _value(self, name: str, index: int) -> Any:
        if name in self.names[index].definitions and name not in self.names[index].assigned:
            space = self._define(index)
        else:
            space = self._execute(index)
        try:
            return dict.__getitem__(space, name)
        except KeyError:
            raise HiddenTestError(
                f"{self._place(index)} should bind {name!r} but did not when it was executed."
            ) from None

    def _define(self, index: int) -> CellSpace:
        """Execute only the definitions and imports of a cell."""
        space = self._space(index)
        if index not in self._defined and index not in self._executed:
            kept = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
            tree = ast.parse(plain_python(self.cells[index].source))
            tree.body = [node for node in tree.body if isinstance(node, kept)]
            wanted = self.names[index].definitions
            self._run(index, tree, space, definitions=True)
            if not all(dict.__contains__(space, name) for name in wanted):
                # Defined under an if, in a loop, in a with: the whole cell is needed.
                return self._execute(index)
            self._defined.add(index)
        return space

    def _execute(self, index: int) -> CellSpace:
        space = self._space(index)
        if index not in self._executed:
            tree = ast.parse(plain_python(self.cells[index].source))
            self._run(index, tree, space, definitions=False)
            self._executed.add(index)
        return space

    def _space(self, index: int) -> CellSpace:
        return self._spaces.setdefault(index, CellSpace(self, index))

    def _run(self, index: int, tree: ast.Module, space: CellSpace, *, definitions: bool) -> None:
        key = (index, definitions)
        if key in self._running:
            return  # a cell that needs its own name, e.g. two functions that call each other
        self._running.add(key)
        try:
            filename = register_source(f"{self.label}:{index}", self.cells[index].source)
            exec(compile(tree, filename, "exec"), space)  # noqa: S102 - the instructor's own cell
        except HiddenTestError:
            raise
        except Exception as error:
            raise HiddenTestError(
                f"{self._place(index)} was needed by a test and failed outside the notebook: "
                f"{type(error).__name__}: {error}"
            ) from error
        finally:
            self._running.discard(key)

    def _place(self, index: int) -> str:
        cell = self.cells[index]
        return f"Cell {cell.grade_id or index + 1!r} of {self.label}"

    def reference(self, name: str, position: int | None = None) -> Any:
        """Return the reference's value of a name: the last solution cell that binds it.

        Raises
        ------
        HiddenTestError
            If no solution cell does.
        """
        end = len(self.cells) if position is None else position
        found = [i for i in range(len(self.cells)) if self._is_solution(i, name)]
        if not found:
            raise HiddenTestError(
                f"A test of {self.label} asks for reference.{name}, but no solution cell binds "
                f"{name!r}."
            )
        before = [i for i in found if i < end]
        return self._value(name, (before or found)[-1])

    def _is_solution(self, index: int, name: str) -> bool:
        return self.cells[index].is_students and name in self.names[index].bound


def register_source(label: str, source: str) -> str:
    """Make a cell's source readable to :mod:`inspect` and tracebacks; return its file name."""
    filename = f"<{label}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return filename


class ReferenceFile:
    """The reference as in-process tests see it, read from a file (see ``nbjudge reference``)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, name: str) -> Any:
        """Return the reference's value of a name."""
        return self._world.reference(name)


_files: dict[str, ReferenceFile] = {}


def load_reference(path: str) -> ReferenceFile:
    """Read a reference file: JSON with the notebook's name and its instructor's cells.

    Raises
    ------
    NotebookError
        If the file is missing or is not of that form.
    """
    if path not in _files:
        try:
            data = json.loads(Path(path).read_text("utf-8"))
            cells = [
                SourceCell(
                    cell_id=str(position),
                    kind=Kind(cell["kind"]),
                    cell_type="code",
                    source=cell["source"],
                    release_source="",
                )
                for position, cell in enumerate(data["cells"])
            ]
            _files[path] = ReferenceFile(World(cells, str(data["notebook"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotebookError(f"Reading the reference file {path}: {error!r}.") from error
    return _files[path]


def dump_reference(cells: Sequence[SourceCell], notebook: str) -> str:
    """Return the text of a reference file for :func:`load_reference`."""
    kept = [
        {"kind": cell.kind.value, "source": cell.source}
        for cell in cells
        if cell.cell_type == "code" and cell.kind in (Kind.GIVEN, Kind.ANSWER, Kind.MANUAL)
    ]
    return json.dumps({"notebook": notebook, "cells": kept}, ensure_ascii=False, indent=1)
