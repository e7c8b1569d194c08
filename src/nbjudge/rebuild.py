"""Rebuild before running: the instructor's notebook with the student's answers put into it.

From the upload come answers, by grade_id, and the student's own further cells, in their place.
Tags, points, locked text, kernelspec and every other metadata of the upload count for nothing;
missing, duplicated, retyped or pasted test cells cost nothing and gain nothing.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.colab import python_tree, repair_leftovers
from nbjudge.i18n import gettext as _
from nbjudge.limits import Limits
from nbjudge.titles import cell_names
from nbjudge.upload import Uploaded, UploadedCell, parse_upload

MAX_EXTRA_CELLS = 500


@dataclass(frozen=True, kw_only=True)
class RunCell:
    """One cell to run or to show."""

    origin: SourceCell | None
    """The instructor's cell; None for one that the student added."""
    cell_type: str
    source: str
    answered: bool = False
    """For an answer: it differs from what was released."""
    missing: bool = False
    """For an answer: the upload does not have it."""
    repairs: tuple[str, ...] = ()
    """Sentences about what was changed to let it run here."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """The notebook to run."""

    cells: tuple[RunCell, ...]
    notes: tuple[str, ...] = ()
    """Sentences for the student."""
    log: tuple[str, ...] = ()
    """Lines for the instructor."""
    readable: bool = True


def same(left: str, right: str) -> bool:
    """Tell whether two cells are the same up to white space at the ends of lines."""
    return _normal(left) == _normal(right)


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def rebuild(upload: bytes, notebook: SourceNotebook, limits: Limits) -> Rebuilt:
    """Put a student's answers into the instructor's notebook.

    Parameters
    ----------
    upload
        The file as it came.
    notebook
        As the instructor wrote it.
    limits
        ``upload_bytes`` bounds the file.
    """
    parsed = parse_upload(upload, limits)
    if not parsed.readable:
        cells = tuple(_released(cell, missing=cell.is_students) for cell in notebook.cells)
        return Rebuilt(cells=cells, notes=parsed.notes, readable=False)
    return _Rebuilder(parsed, notebook).rebuilt()


def _released(cell: SourceCell, *, missing: bool = False) -> RunCell:
    return RunCell(
        origin=cell, cell_type=cell.cell_type, source=cell.release_source, missing=missing
    )


class _Rebuilder:
    def __init__(self, parsed: Uploaded, notebook: SourceNotebook) -> None:
        self._uploaded = parsed.cells
        self._notebook = notebook
        self._notes = list(parsed.notes)
        self._log: list[str] = []
        self._all_names: frozenset[str] | None = None
        self._labels: dict[str, str] | None = None
        self._by_grade_id = {c.grade_id: i for i, c in enumerate(notebook.cells) if c.grade_id}
        self._by_cell_id = {c.cell_id: i for i, c in enumerate(notebook.cells)}
        texts: dict[str, list[int]] = defaultdict(list)
        for index, cell in enumerate(notebook.cells):
            texts[_normal(cell.release_source)].append(index)
        self._by_text = texts

    def rebuilt(self) -> Rebuilt:
        matches = self.matches()
        self._match_by_signature(matches)
        self._match_by_place(matches)
        answers, extras = self._sort(matches)
        self._say_what_is_missing(answers)
        cells: list[RunCell] = [self._extra(cell) for cell in extras[-1]]
        for index, origin in enumerate(self._notebook.cells):
            if origin.is_students:
                cells.append(self._answer(origin, answers.get(index)))
            else:
                cells.append(_released(origin))
            cells += [self._extra(cell) for cell in extras[index]]
        for cell in cells:
            self._notes += [note for note in cell.repairs if note not in self._notes]
        return Rebuilt(cells=tuple(cells), notes=tuple(self._notes), log=tuple(self._log))

    def matches(self) -> list[int | None]:
        """Return, for each uploaded cell, the instructor's that it claims or can only be."""
        return [self._match(cell) for cell in self._uploaded]

    def _match(self, cell: UploadedCell) -> int | None:
        if cell.grade_id in self._by_grade_id:
            return self._by_grade_id[cell.grade_id]
        if cell.cell_id in self._by_cell_id:
            return self._by_cell_id[cell.cell_id]
        same_text = self._by_text.get(_normal(cell.source), [])
        return same_text[0] if len(same_text) == 1 and cell.source.strip() else None

    def _match_by_signature(self, matches: list[int | None]) -> None:
        """Find answers whose metadata a tool has stripped, by the names that they bind."""
        claimed = {match for match in matches if match is not None}
        wanted: dict[frozenset[str], list[int]] = defaultdict(list)
        for index, origin in enumerate(self._notebook.cells):
            if origin.kind is Kind.ANSWER and origin.cell_type == "code" and index not in claimed:
                names = _asked(origin)
                if names:
                    wanted[names].append(index)
        found: dict[int, list[int]] = defaultdict(list)
        for position, cell in enumerate(self._uploaded):
            if matches[position] is None and cell.cell_type == "code" and cell.is_read:
                names = _bound(cell.source)
                for signature, indexes in wanted.items():
                    if signature <= names and len(indexes) == 1:
                        found[indexes[0]].append(position)
        # The answer that binds most is the hardest to mistake.
        sizes = {index: len(names) for names, indexes in wanted.items() for index in indexes}
        for index, positions in sorted(found.items(), key=lambda item: (-sizes[item[0]], item[0])):
            free = [position for position in positions if matches[position] is None]
            if free:
                matches[free[-1]] = index
        for index in sorted(found.keys() & set(matches)):
            self._notes.append(
                _("{name}: the answer was found by the names that it defines.").format(
                    name=self._label(self._notebook.cells[index])
                )
            )

    def _match_by_place(self, matches: list[int | None]) -> None:
        """Find the answers that are left by the cells around them."""
        for indexes, positions in self._gaps(matches):
            for cell_type in ("code", "markdown"):
                wanted = [i for i in indexes if self._notebook.cells[i].cell_type == cell_type]
                found = [p for p in positions if self._uploaded[p].cell_type == cell_type]
                if len(wanted) > 1 and len(wanted) != len(found):
                    continue
                for index, position in zip(wanted, found, strict=False):
                    matches[position] = index
                    self._notes.append(
                        _("{name}: the answer was found by its place.").format(
                            name=self._label(self._notebook.cells[index])
                        )
                    )

    def _gaps(self, matches: Sequence[int | None]) -> Iterator[tuple[list[int], list[int]]]:
        """Yield answers without a cell, and cells without an origin, between the same cells."""
        claimed = {match for match in matches if match is not None}
        anchors = [(-1, -1)]
        for position, match in enumerate(matches):
            if match is not None and match > anchors[-1][1]:
                anchors.append((position, match))
        anchors.append((len(matches), len(self._notebook.cells)))
        for (position, index), (next_position, next_index) in pairwise(anchors):
            yield (
                [
                    i
                    for i in range(index + 1, next_index)
                    if i not in claimed and self._notebook.cells[i].is_students
                ],
                [
                    p
                    for p in range(position + 1, next_position)
                    if matches[p] is None and self._uploaded[p].source.strip()
                ],
            )

    def _sort(
        self, matches: Sequence[int | None]
    ) -> tuple[dict[int, UploadedCell], dict[int, list[UploadedCell]]]:
        """Return answers by position, and further cells by the position that they follow."""
        copies: dict[int, list[int]] = defaultdict(list)
        for position, match in enumerate(matches):
            if match is not None:
                copies[match].append(position)
        answers: dict[int, UploadedCell] = {}
        chosen: dict[int, int] = {}
        for index, positions in copies.items():
            origin = self._notebook.cells[index]
            if not origin.is_students:
                continue
            # The last copy that says something is what the student's own kernel ended with; the
            # others still run, in their places, as they did there.
            spoken = [
                p
                for p in positions
                if self._uploaded[p].source.strip()
                and not same(self._uploaded[p].source, origin.release_source)
            ]
            chosen[index] = (spoken or positions)[-1]
            answers[index] = self._uploaded[chosen[index]]
            if len(spoken) > 1:
                self._notes.append(
                    _("The answer {name} is there {count} times; the last one counts.").format(
                        name=self._label(origin), count=len(spoken)
                    )
                )
        extras: dict[int, list[UploadedCell]] = defaultdict(list)
        anchor = -1
        count = 0
        for position, cell in enumerate(self._uploaded):
            match = matches[position]
            if match is not None and chosen.get(match) == position:
                anchor = match
                continue
            if match is not None:
                origin = self._notebook.cells[match]
                # An earlier copy of an answer runs before it, as it did there.
                if copies[match][0] == position and not origin.is_students:
                    anchor = match
                if not self._is_extra(cell, origin):
                    continue
            elif not cell.source.strip():
                continue
            count += 1
            if count <= MAX_EXTRA_CELLS:
                extras[anchor].append(cell)
        if count > MAX_EXTRA_CELLS:
            self._notes.append(
                _("Only the first {count} added cells were run.").format(count=MAX_EXTRA_CELLS)
            )
        return answers, extras

    def _say_what_is_missing(self, answers: Mapping[int, UploadedCell]) -> None:
        missing = [
            self._label(origin)
            for index, origin in enumerate(self._notebook.cells)
            if origin.is_students and index not in answers
        ]
        if missing:
            self._notes.append(
                _("Cells for answers are missing from the file: {names}.").format(
                    names=", ".join(dict.fromkeys(missing))
                )
            )

    def _names(self) -> frozenset[str]:
        """Names that the uploaded code binds, wherever it stands."""
        if self._all_names is None:
            self._all_names = frozenset().union(
                *(
                    _bound(cell.source)
                    for cell in self._uploaded
                    if cell.cell_type == "code" and cell.is_read
                )
            )
        return self._all_names

    def _is_extra(self, cell: UploadedCell, origin: SourceCell) -> bool:
        """Whether a cell that claims one of the instructor's runs as the student's own.

        An unchanged copy does not: the instructor's cell is there.  An edited given cell does,
        after the instructor's: it may hold an import that the answers need.  A test cell never
        does, edited or not: it is run for its points from the instructor's text alone, and what
        an edited one did to the kernel was never part of an answer.
        """
        if cell.cell_type != "code" or not cell.source.strip():
            return False
        if same(cell.source, origin.release_source):
            return False
        if origin.kind is Kind.TEST:
            return not _resembles(cell.source, origin.release_source)
        return True

    def _answer(self, origin: SourceCell, cell: UploadedCell | None) -> RunCell:
        if cell is None:
            released = _released(origin, missing=True)
            # Two answers in one cell: the other one's stub would undo the student's.
            if origin.cell_type == "code" and _asked(origin) & self._names():
                return replace(released, source="")
            return released
        answered = bool(cell.source.strip()) and not same(cell.source, origin.release_source)
        if cell.cell_type != origin.cell_type and origin.cell_type == "code":
            self._notes.append(
                _("The answer {name} had been changed to a text cell; it was run as code.").format(
                    name=self._label(origin)
                )
            )
        source = cell.source
        repairs: tuple[str, ...] = ()
        if origin.cell_type == "code" and cell.is_read:
            source, repairs = repair_leftovers(cell.source)
        return RunCell(
            origin=origin,
            cell_type=origin.cell_type,
            source=source,
            answered=answered,
            repairs=repairs,
        )

    def _label(self, origin: SourceCell) -> str:
        """Return what a sentence calls a cell."""
        if self._labels is None:
            self._labels = cell_names(self._notebook)
        return self._labels[origin.cell_id]

    def _extra(self, cell: UploadedCell) -> RunCell:
        source = cell.source
        repairs: tuple[str, ...] = ()
        if cell.cell_type == "code" and cell.is_read:
            source, repairs = repair_leftovers(cell.source)
        return RunCell(origin=None, cell_type=cell.cell_type, source=source, repairs=repairs)


def _asked(origin: SourceCell) -> frozenset[str]:
    """Names that an answer is to bind."""
    asked = _bound(origin.release_source)
    if asked:
        return asked
    # "def f(x):" over a comment is no Python; the solution knows which of its words are names.
    words = set(re.findall(r"\w+", origin.release_source))
    return frozenset(_bound(origin.source) & words)


def _bound(source: str) -> frozenset[str]:
    """Names that a cell defines or assigns at its top level; none for what is not Python."""
    tree = python_tree(source)
    found: set[str] = set()
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found |= {
                    part.id
                    for part in ast.walk(target)
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
                }
    return frozenset(found)


def _resembles(left: str, right: str) -> bool:
    """Whether two cells share most of their lines."""
    lines = {line.strip() for line in left.splitlines() if line.strip()}
    others = {line.strip() for line in right.splitlines() if line.strip()}
    return bool(lines) and 2 * len(lines & others) >= len(lines)


def recognise(upload: bytes, notebooks: Sequence[SourceNotebook], limits: Limits) -> str | None:
    """Return the name of the notebook that a file is a copy of, whatever the file is called.

    At least half of the notebook's answers and tests must be there, and more than any other
    notebook has; None otherwise.
    """
    parsed = parse_upload(upload, limits)
    scores = []
    for notebook in notebooks:
        wanted = {i for i, c in enumerate(notebook.cells) if c.is_students or c.is_graded}
        share = len(wanted & set(_Rebuilder(parsed, notebook).matches()))
        if wanted and 2 * share >= len(wanted):
            scores.append((share, notebook.name))
    scores.sort(reverse=True)
    if not scores or (len(scores) > 1 and scores[0][0] == scores[1][0]):
        return None
    return scores[0][1]


def likeness(upload: bytes, notebook: SourceNotebook, limits: Limits) -> float:
    """Return the share of a notebook's answers and tests that a file has, from 0 to 1.

    By what its cells claim and say, and by the names that they bind, as grading finds them; what
    only stands in the right place says nothing of which notebook it is.
    """
    parsed = parse_upload(upload, limits)
    wanted = {i for i, c in enumerate(notebook.cells) if c.is_students or c.is_graded}
    rebuilder = _Rebuilder(parsed, notebook)
    matches = rebuilder.matches()
    rebuilder._match_by_signature(matches)
    return len(wanted & set(matches)) / len(wanted) if wanted else 0.0
