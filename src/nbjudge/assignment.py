"""An assignment as the instructor wrote it: plain data, compiled from ``source/<name>/``.

Compiling needs nbgrader (see :mod:`nbjudge.compile`); what it makes does not: this module
imports nothing heavy and its values are picklable, so that a worker gets the assignment once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

from nbjudge.errors import UnknownNameError
from nbjudge.settings import Mode


class Kind(StrEnum):
    """What a cell of the source notebook is for."""

    TEXT = "text"
    """Markdown or raw, the instructor's."""
    GIVEN = "given"
    """Code of the instructor's, run as it is."""
    ANSWER = "answer"
    """Code that the student writes; judged by later test cells."""
    TEST = "test"
    """Autograder tests: code with points."""
    MANUAL = "manual"
    """An answer (code or markdown) with points, graded by hand."""
    TASK = "task"
    """nbgrader's task cell: points given by hand for what follows it."""


@dataclass(frozen=True, kw_only=True)
class SourceCell:
    """One cell of the source notebook."""

    cell_id: str
    """nbformat's cell id, stable in source and release."""
    kind: Kind
    cell_type: str
    """``code``, ``markdown`` or ``raw``."""
    source: str
    """The whole: solution and hidden tests included. Never leaves the instructor's side."""
    release_source: str
    """What students receive in ``release/``."""
    grade_id: str | None = None
    points: float = 0.0
    mode: Mode = "outside"
    """Where a test cell runs."""
    locked: bool = False
    in_gradebook: bool = False
    """nbgrader counts this cell as graded, though it may be worth nothing (extra credit)."""
    hidden_lines: frozenset[int] = frozenset()
    """Of a test cell: numbers (from 1) of the lines of ``source`` that students do not have."""

    @property
    def is_students(self) -> bool:
        """Whether the student's version of this cell is the one that counts."""
        return self.kind in (Kind.ANSWER, Kind.MANUAL)

    @property
    def is_graded(self) -> bool:
        """Whether this cell carries points."""
        return self.kind in (Kind.TEST, Kind.MANUAL, Kind.TASK)


@dataclass(frozen=True, kw_only=True)
class SourceNotebook:
    """One notebook of an assignment."""

    name: str
    """File name without extension."""
    cells: tuple[SourceCell, ...]
    kernel_name: str = "python3"
    language: str = "python"
    kernelspec: Mapping[str, str] = field(default_factory=dict)
    """The notebook's ``metadata.kernelspec``, to be written into graded notebooks."""

    @property
    def graded(self) -> tuple[SourceCell, ...]:
        """Cells that carry points, in order."""
        return tuple(cell for cell in self.cells if cell.is_graded)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SourceNotebook:
        """Return the notebook whose ``dataclasses.asdict`` was written as JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not of this version.
        """
        known = {part.name for part in fields(SourceCell)}
        cells = []
        for cell in data["cells"]:
            if set(cell) != known:
                raise KeyError("a cell of another version")
            kind, hidden = Kind(cell["kind"]), frozenset(cell["hidden_lines"])
            cells.append(SourceCell(**{**cell, "kind": kind, "hidden_lines": hidden}))
        return cls(**{**data, "cells": tuple(cells)})


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Everything that judging a submission of one assignment depends on, but the seed."""

    name: str
    notebooks: tuple[SourceNotebook, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What students receive beside the notebook (helper module, data), by relative path."""
    editable: frozenset[str] = frozenset()
    """Those of ``files`` that students hand in changed: theirs takes the place of ours in their
    kernel (nbgrader's ``c.Autograde.exclude_overwriting``)."""
    judge_files: Mapping[str, bytes] = field(default_factory=dict)
    """``judge/<name>/``: modules and data for tests only, importable in the judge."""
    objects: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """By notebook and test: where the reference has objects in place of plain values (see
    :mod:`nbjudge.remote`); empty until it has been proved."""

    def notebook(self, name: str) -> SourceNotebook:
        """Return the notebook of this name.

        Raises
        ------
        UnknownNameError
            If the assignment has none.
        """
        for notebook in self.notebooks:
            if notebook.name == name:
                return notebook
        known = ", ".join(n.name for n in self.notebooks) or "none"
        raise UnknownNameError(
            f"Assignment {self.name!r} has no notebook {name!r}; it has: {known}."
        )

    @cached_property
    def version(self) -> str:
        """A digest of all the content: it changes when anything that judging uses changes."""
        digest = hashlib.sha256()
        for notebook in self.notebooks:
            for cell in notebook.cells:
                fields = [
                    notebook.name,
                    cell.cell_id,
                    cell.kind,
                    cell.cell_type,
                    cell.source,
                    cell.release_source,
                    cell.grade_id,
                    cell.points,
                    cell.mode,
                    sorted(cell.hidden_lines),
                ]
                digest.update(json.dumps(fields).encode() + b"\n")
        for group in (self.files, self.judge_files):
            for path in sorted(group):
                digest.update(json.dumps([path, len(group[path])]).encode() + group[path])
            digest.update(b"\0")
        if self.editable:
            digest.update(json.dumps(sorted(self.editable)).encode())
        return digest.hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What a student handed in for one notebook: bytes, not yet believed."""

    notebook: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Other files of the submission, by relative path; the assignment's own win."""
