"""The instructor's notebook, evaluated on demand outside the student's kernel.

A test uses names of given cells (``np``, ``alpha``, ``x_train``) and the reference's functions.
A cell is executed when one of its names is needed, in a namespace of its own that finds other
names the same way, so that figures and trainings that no test needs cost nothing.

Whose a name is, :meth:`World.owner` says.  A solution cell's names are the student's; so is an
object of a given cell that a solution cell changes in place (``df["z"] = ...``), and what a
given cell computes from the student's names (``y = f(x)``): a test of it is a test of theirs.
A given function that calls theirs is executed beside the test, and finds them there.  A test
that wants an earlier answer to be right takes the reference's: ``reference.y``.

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
import types
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbjudge import values
from nbjudge.assignment import Kind, SourceCell
from nbjudge.errors import HiddenTestError, NotebookError
from nbjudge.names import names_of, plain_python

_SNAPSHOT_BYTES = 1 << 30


class Owner(StrEnum):
    """Whose a name is, as a test sees it."""

    STUDENT = "student"
    """Its value is the one in the student's kernel."""
    HELPER = "helper"
    """A function or class of the instructor's that uses names of the student's."""
    GIVEN = "given"
    """The instructor's, or nobody's."""


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
        self._modules = frozenset(modules)
        self._updates = [names.updated - modules for names in self.names]
        self._changes = [names.changed - modules for names in self.names]
        self._theirs: dict[int, dict[str, bool]] = {}
        self._changed_by: dict[int, frozenset[str]] = {}

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

    @property
    def is_executing(self) -> bool:
        """Whether a cell is being executed now."""
        return bool(self._running)

    # Whose a name is.

    def owner(self, name: str, position: int) -> Owner:
        """Tell whose a name is, as cell ``position`` sees it, from the cells' sources alone.

        What a solution cell *imports* is the library's, not the student's.
        """
        return self._owner(name, position, set())

    def students(self, name: str, position: int) -> bool:
        """Tell whether the value of a name at ``position`` is the one in the student's kernel."""
        return self.owner(name, position) is Owner.STUDENT

    def _owner(self, name: str, position: int, asking: set[tuple[str, int]]) -> Owner:
        for index in range(position - 1, -1, -1):
            cell, names = self.cells[index], self.names[index]
            if cell.kind in (Kind.TEXT, Kind.TASK):
                continue
            if cell.kind is Kind.TEST:
                if cell.mode == "inside" and name in names.bound - names.imported:
                    return Owner.STUDENT  # it ran in the kernel, and only there
                if name in names.definitions:
                    return self._definition(index, name, position, asking)
                continue
            if name in names.imported and name not in names.assigned:
                return Owner.GIVEN
            if cell.is_students:
                if name in names.bound or name in self._changes[index]:
                    return Owner.STUDENT
                continue
            if name in names.definitions and name not in names.assigned:
                return self._definition(index, name, position, asking)
            if name in names.assigned or name in self._updates[index]:
                if self._is_theirs(index, name):
                    return Owner.STUDENT
                if name in names.assigned:
                    return Owner.GIVEN
        return Owner.GIVEN

    def _definition(
        self, index: int, name: str, position: int, asking: set[tuple[str, int]]
    ) -> Owner:
        """Whose a function is: a helper if it uses, when it is called, names of the student's."""
        for statement in self.names[index].statements:
            if name in statement.defines and self._any(statement.needs, position, asking):
                return Owner.HELPER
        return Owner.GIVEN

    def _any(self, names: Iterable[str], position: int, asking: set[tuple[str, int]]) -> bool:
        for name in names:
            if (name, position) in asking:
                continue  # functions that call each other
            asking.add((name, position))
            if self._owner(name, position, asking) is not Owner.GIVEN:
                return True
        return False

    def _is_theirs(self, index: int, name: str) -> bool:
        """Whether a given cell's value of a name comes of the student's names."""
        if index not in self._theirs:
            found: dict[str, bool] = {}
            for statement in self.names[index].statements:
                known = {need: found[need] for need in statement.needs if need in found}
                theirs = any(known.values()) or self._any(
                    sorted(statement.needs - known.keys()), index, set()
                )
                for bound in statement.binds:
                    found[bound] = theirs
                for changed in (statement.changes | statement.feeds) - self._modules:
                    if theirs or changed not in found:
                        found[changed] = theirs
            self._theirs[index] = found
        return self._theirs[index].get(name, False)

    def changed_by_an_answer(self, name: str, position: int) -> bool:
        """Whether a reference's solution cell, when it was executed, changed a given object.

        It called a method of it (``ax.plot(...)``), and a value is another one since; what is no
        plain value counts as changed.  Ask after :meth:`lookup`, which executes those cells.
        """
        first = self.binder(name, position)
        return any(
            name in self._changed_by.get(index, ())
            for index in range(0 if first is None else first + 1, position)
        )

    def define_in(self, space: dict[str, Any], name: str, position: int) -> bool:
        """Define a helper in another namespace, where it finds its names; tell whether it could."""
        index = self.binder(name, position)
        if index is None:
            return False
        tree = ast.parse(plain_python(self.cells[index].source))
        tree.body = [
            node
            for node, statement in zip(tree.body, self.names[index].statements, strict=True)
            if name in statement.defines
        ]
        self._exec(index, tree, space)
        return dict.__contains__(space, name)

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
            before = self._snapshots(index)
            self._run(index, tree, space, definitions=False)
            self._executed.add(index)
            after = self._snapshots(index) if before else {}
            self._changed_by[index] = frozenset(
                name for name, seen in before.items() if seen is None or after.get(name) != seen
            )
        return space

    def _snapshots(self, index: int) -> dict[str, bytes | None]:
        """Return as bytes what a solution cell may change by a method; None if it is not plain."""
        cell = self.cells[index]
        if not cell.is_students:
            return {}
        found: dict[str, bytes | None] = {}
        for name in sorted(self._updates[index] - self.names[index].bound):
            try:
                value = self.lookup(name, index)
            except (KeyError, HiddenTestError):
                continue
            if not isinstance(value, _NO_DATA):
                found[name] = _snapshot(value)
        return found

    def _space(self, index: int) -> CellSpace:
        return self._spaces.setdefault(index, CellSpace(self, index))

    def _run(self, index: int, tree: ast.Module, space: CellSpace, *, definitions: bool) -> None:
        key = (index, definitions)
        if key in self._running:
            return  # a cell that needs its own name, e.g. two functions that call each other
        self._running.add(key)
        try:
            self._exec(index, tree, space)
        finally:
            self._running.discard(key)

    def _exec(self, index: int, tree: ast.Module, space: dict[str, Any]) -> None:
        filename = register_source(f"{self.label}:{index}", self.cells[index].source)
        try:
            # dont_inherit: the notebook's annotations are not strings as those of this file are.
            code = compile(tree, filename, "exec", dont_inherit=True)
            exec(code, space)  # noqa: S102 - the instructor's own cell
        except HiddenTestError:
            raise
        except Exception as error:
            raise HiddenTestError(
                f"{self._place(index)} was needed by a test and failed outside the notebook: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _place(self, index: int) -> str:
        cell = self.cells[index]
        return f"Cell {cell.grade_id or index + 1!r} of {self.label}"

    def reference(self, name: str, position: int | None = None) -> Any:
        """Return the reference's value of a name: the last solution cell that binds it.

        If none does, what the given cells before ``position`` make of it with the reference's
        answers.

        Raises
        ------
        HiddenTestError
            If no cell binds it.
        """
        end = len(self.cells) if position is None else position
        found = [i for i in range(len(self.cells)) if self._is_solution(i, name)]
        if not found:
            if self.binder(name, end) is not None:
                return self.lookup(name, end)
            raise HiddenTestError(
                f"A test of {self.label} asks for reference.{name}, but no solution cell binds "
                f"{name!r}, and no given cell before it."
            )
        before = [i for i in found if i < end]
        return self._value(name, (before or found)[-1])

    def _is_solution(self, index: int, name: str) -> bool:
        return self.cells[index].is_students and name in self.names[index].bound


_NO_DATA = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType)
"""Calling a method of these changes no value of the notebook."""


def _snapshot(value: Any) -> bytes | None:
    try:
        return values.encode(value, max_bytes=_SNAPSHOT_BYTES)
    except (values.NotPlain, values.TooLarge):
        return None


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
