"""Rebuild before running: the instructor's notebook with the student's answers put into it.

From the upload come answers, by grade_id, and the student's own further cells, in their place.
Tags, points, locked text, kernelspec and every other metadata of the upload count for nothing;
missing, duplicated, retyped or pasted test cells cost nothing and gain nothing.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.colab import repair_leftovers
from nbjudge.i18n import gettext as _
from nbjudge.limits import Limits
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
        self._by_grade_id = {c.grade_id: i for i, c in enumerate(notebook.cells) if c.grade_id}
        self._by_cell_id = {c.cell_id: i for i, c in enumerate(notebook.cells)}
        texts: dict[str, list[int]] = defaultdict(list)
        for index, cell in enumerate(notebook.cells):
            texts[_normal(cell.release_source)].append(index)
        self._by_text = texts

    def rebuilt(self) -> Rebuilt:
        matches = [self._match(cell) for cell in self._uploaded]
        self._match_by_signature(matches)
        answers, extras = self._sort(matches)
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

    def _match(self, cell: UploadedCell) -> int | None:
        """Return the instructor's cell that an uploaded one claims or can only be."""
        if cell.grade_id is not None:
            return self._by_grade_id.get(cell.grade_id)
        if cell.cell_id in self._by_cell_id:
            return self._by_cell_id[cell.cell_id]
        same_text = self._by_text.get(_normal(cell.source), [])
        return same_text[0] if len(same_text) == 1 and cell.source.strip() else None

    def _match_by_signature(self, matches: list[int | None]) -> None:
        """Find answers whose metadata a tool has stripped, by the functions that they define."""
        claimed = {match for match in matches if match is not None}
        wanted: dict[frozenset[str], list[int]] = defaultdict(list)
        for index, origin in enumerate(self._notebook.cells):
            if origin.kind is Kind.ANSWER and origin.cell_type == "code" and index not in claimed:
                names = _definitions(origin.release_source)
                if names:
                    wanted[names].append(index)
        found: dict[int, list[int]] = defaultdict(list)
        for position, cell in enumerate(self._uploaded):
            if matches[position] is None and cell.cell_type == "code":
                names = _definitions(cell.source)
                for signature, indexes in wanted.items():
                    if signature <= names and len(indexes) == 1:
                        found[indexes[0]].append(position)
        for index, positions in found.items():
            matches[positions[-1]] = index
            origin = self._notebook.cells[index]
            self._notes.append(
                _("The answer {name} was found by the functions that it defines.").format(
                    name=origin.grade_id or origin.cell_id
                )
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
                        name=origin.grade_id or origin.cell_id, count=len(spoken)
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
                first = copies[match][0] == position
                if first:
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
            return _released(origin, missing=True)
        answered = bool(cell.source.strip()) and not same(cell.source, origin.release_source)
        if cell.cell_type != origin.cell_type and origin.cell_type == "code":
            self._notes.append(
                _("The answer {name} had been changed to a text cell; it was run as code.").format(
                    name=origin.grade_id or origin.cell_id
                )
            )
        source = cell.source
        repairs: tuple[str, ...] = ()
        if origin.cell_type == "code":
            source, repairs = repair_leftovers(cell.source)
        return RunCell(
            origin=origin,
            cell_type=origin.cell_type,
            source=source,
            answered=answered,
            repairs=repairs,
        )

    def _extra(self, cell: UploadedCell) -> RunCell:
        source = cell.source
        repairs: tuple[str, ...] = ()
        if cell.cell_type == "code":
            source, repairs = repair_leftovers(cell.source)
        return RunCell(origin=None, cell_type=cell.cell_type, source=source, repairs=repairs)


def _definitions(source: str) -> frozenset[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


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
    present = {cell.grade_id for cell in parsed.cells if cell.grade_id is not None}
    scores = []
    for notebook in notebooks:
        ids = {c.grade_id for c in notebook.cells if c.grade_id and (c.is_students or c.is_graded)}
        share = len(ids & present)
        if ids and 2 * share >= len(ids):
            scores.append((share, notebook.name))
    scores.sort(reverse=True)
    if not scores or (len(scores) > 1 and scores[0][0] == scores[1][0]):
        return None
    return scores[0][1]
