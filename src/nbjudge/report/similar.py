"""Submissions whose answers have passages in common that the others have not: a lead, no proof.

copydetect reads the code (names and strings count as any name and any string), cuts it into
overlapping pieces of 25 characters, leaves out those of the release and of the reference, and
measures what two submissions share.  Comparing every pair of a class of 5 000 would be 12 million
comparisons: an index of pieces that few submissions have finds the pairs that share any, and only
the closest of these are compared.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbjudge.assignment import Assignment, Kind, SourceNotebook
from nbjudge.document import document_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pieces = NDArray[np.int64]

PIECE = 25
"""Characters of a piece, blanks and names left out: copydetect's own default."""
SHARE = 0.5
"""Of what is the submission's own: a pair that shares less is not shown."""
OWN = 120
"""Characters that two submissions must share, three lines or so: one mistake is shorter."""
SHOWN = 40
"""Pairs on the page."""
COMPARED = 400
"""Pairs that copydetect compares, the closest ones by the index."""
MOST = 6_000
"""Submissions of an assignment that are compared."""
LONGEST = 60_000
"""Characters read of one submission's answers."""
_BLOCK = 256
"""Submissions whose row of the index is held at a time."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The code that one student wrote, by answer cell, without what was left as released."""

    student: str
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two submissions, or groups of equal ones, that share passages."""

    first: tuple[str, ...]
    """Students; several where their answers are the same but for names and comments."""
    second: tuple[str, ...]
    """Empty where ``first`` alone is the finding: a group of equal ones."""
    shared: int
    """Characters in common that are nobody else's, in copydetect's reading."""
    share_first: float
    share_second: float
    """Of each one's own, in [0, 1]."""
    cells: tuple[str, ...]
    """Answers in which the passages lie, most first."""

    @property
    def share(self) -> float:
        """The larger one: who copies one answer and writes the rest is found as well."""
        return max(self.share_first, self.share_second)


@dataclass(frozen=True, kw_only=True)
class Similar:
    """What was found in one assignment, and what of it was looked at."""

    pairs: Sequence[Pair] = ()
    submissions: int = 0
    """With answers of their own."""
    common: int = 0
    """A passage that more submissions have is what the question asks for, not what one copies."""
    left_out: int = 0
    """Submissions that were not compared, above :data:`MOST`."""
    candidates: int = 0
    """Pairs that share any passage."""
    compared: int = 0
    more: int = 0
    """Pairs above the thresholds that are not shown."""
    unavailable: str = ""
    """Why nothing was compared."""


def answers_of(folder: Path, student: str, assignment: Assignment) -> Answers:
    """Return the code of a student's answers from ``autograded/<student>/<assignment>``.

    The graded notebook has each answer in its place, however the file was handed in.
    """
    cells: dict[str, str] = {}
    left = LONGEST
    for notebook in assignment.notebooks:
        wanted = {document_id(c.cell_id): c for c in notebook.cells if _is_code_answer(c)}
        for cell in _cells(folder / f"{notebook.name}.ipynb"):
            origin = wanted.get(str(cell.get("id")))
            source = cell.get("source")
            text = "".join(source) if isinstance(source, list) else str(source)
            if origin is not None and text.strip() != origin.release_source.strip():
                cells[origin.grade_id or origin.cell_id] = text[:left]
                left = max(0, left - len(text))
    return Answers(student=student, cells={k: v for k, v in cells.items() if v.strip()})


def _is_code_answer(cell: Any) -> bool:
    return cell.kind in (Kind.ANSWER, Kind.MANUAL) and cell.cell_type == "code"


def _cells(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_bytes())["cells"]
        return [cell for cell in found if isinstance(cell, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def boilerplate_of(notebooks: Iterable[SourceNotebook]) -> list[str]:
    """Return what is nobody's own: what students received, and the reference."""
    return [
        text
        for notebook in notebooks
        for cell in notebook.cells
        if cell.cell_type == "code"
        for text in {cell.release_source, cell.source}
    ]


def similar(answers: Sequence[Answers], boilerplate: Sequence[str], *, workers: int = 1) -> Similar:
    """Return the pairs of submissions that share most of what is their own.

    Parameters
    ----------
    answers
        Of the class.
    boilerplate
        Code that is nobody's own.
    workers
        Processes that read the code of a large class.
    """
    try:
        import copydetect  # noqa: F401
    except ModuleNotFoundError:
        return Similar(
            unavailable="copydetect is not installed here (pip install 'nbjudge[report]')"
        )
    try:
        return _similar(answers, boilerplate, workers)
    finally:
        _known.clear()
        _hashes.cache_clear()


def _similar(answers: Sequence[Answers], boilerplate: Sequence[str], workers: int) -> Similar:
    import numpy as np

    ordered = sorted(answers, key=lambda one: one.student)
    answered = [one for one in ordered if one.cells]
    left_out = max(0, len(answered) - MOST)
    _read_in_processes([t for one in answered[:MOST] for t in one.cells.values()], workers)
    read = {one.student: _Read(one) for one in answered[:MOST]}
    given = _pieces_of(boilerplate)
    groups = _equal(read.values())
    heads = [read[group[0]] for group in groups]
    common_above = max(8, len(heads) // 10 if len(heads) < 400 else 40)
    every = [np.setdiff1d(one.pieces, given, assume_unique=True) for one in heads]
    kept, common = _without_common(every, common_above)
    found = [_group(group, own) for group, own in zip(groups, kept, strict=True) if len(group) > 1]
    candidates = _candidates(kept, COMPARED)
    nobodys = np.union1d(given, common)
    printed: dict[int, Any] = {}
    for first, second in candidates.closest:
        for place in (first, second):
            if place not in printed:
                printed[place] = heads[place].fingerprint(nobodys)
        both = (groups[first], groups[second])
        found.append(_compared(both, heads[first], printed[first], heads[second], printed[second]))
    telling = sorted(
        (pair for pair in found if pair.shared >= OWN and pair.share >= SHARE),
        key=lambda pair: (-pair.share * pair.shared, pair.first, pair.second),
    )
    return Similar(
        pairs=telling[:SHOWN],
        submissions=len(answered),
        common=common_above,
        left_out=left_out,
        candidates=candidates.count,
        compared=len(candidates.closest),
        more=max(0, len(telling) - SHOWN),
    )


class _Read:
    """A submission's answers as copydetect reads them."""

    def __init__(self, answers: Answers) -> None:
        self.student = answers.student
        self.text = "\n".join(answers.cells.values())
        self.ends: list[tuple[int, str]] = []
        """Where each answer ends in the text."""
        position = 0
        for name, source in answers.cells.items():
            position += len(source) + 1
            self.ends.append((position, name))
        read = [_filtered(source) for source in answers.cells.values()]
        self.filtered = "\n".join(read)
        self.pieces = _union([_hashes(text) for text in read])

    def fingerprint(self, nobodys: Pieces) -> Any:
        import numpy as np
        from copydetect import CodeFingerprint

        # Pieces that begin in one answer and end in the next are of no answer.
        whole = _hashes(_filtered(self.text))
        nobodys = np.union1d(nobodys, np.setdiff1d(whole, self.pieces, assume_unique=True))
        # Every piece is kept (a window of 1): which ones do not then depend on chance.
        return CodeFingerprint(
            "answers.py", PIECE, 1, boilerplate=nobodys, language="python",
            fp=io.StringIO(self.text),
        )  # fmt: skip

    def cells_of(self, slices: Any) -> dict[str, int]:
        """Return how many characters of some passages lie in each answer."""
        found: dict[str, int] = defaultdict(int)
        for start, stop in zip(*slices, strict=True):
            begin = 0
            for end, name in self.ends:
                inside = min(int(stop), end) - max(int(start), begin)
                if inside > 0:
                    found[name] += inside
                begin = end
        return found


_known: dict[str, str] = {}
"""What was read of this class before, by its text: many students write the same line."""
_FEW = 2_000
"""Answers that are read in less time than processes take to start."""


def _filtered(text: str) -> str:
    if text not in _known:
        _known[text] = _filter(text)
    return _known[text]


def _filter(text: str) -> str:
    from copydetect.utils import filter_code

    return str(filter_code(text, "answers.py", "python")[0])


def _read_in_processes(texts: Iterable[str], workers: int) -> None:
    """Read the answers of a large class on all cores: what takes longest of all this."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    new = [text for text in dict.fromkeys(texts) if text not in _known]
    if workers < 2 or len(new) < _FEW:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        _known.update(zip(new, pool.map(_filter, new, chunksize=100), strict=True))


@lru_cache(maxsize=100_000)
def _hashes(filtered: str) -> Pieces:
    import numpy as np
    from copydetect.utils import hashed_kgrams

    return np.unique(np.asarray(hashed_kgrams(filtered, PIECE), dtype=np.int64))


def _pieces_of(texts: Iterable[str]) -> Pieces:
    return _union([_hashes(_filtered(text)) for text in dict.fromkeys(texts) if text.strip()])


def _union(found: Sequence[Pieces]) -> Pieces:
    import numpy as np

    return np.unique(np.concatenate(found)) if found else np.array([], dtype=np.int64)


def _equal(read: Iterable[_Read]) -> list[tuple[str, ...]]:
    """Return the students, those with equal answers (but for names and comments) together."""
    groups: dict[str, list[str]] = defaultdict(list)
    for one in read:
        groups[one.filtered].append(one.student)
    return [tuple(group) for group in groups.values()]


def _without_common(every: Sequence[Pieces], most: int) -> tuple[list[Pieces], Pieces]:
    """Return the pieces that few have, and those that more than ``most`` have."""
    import numpy as np

    if not every:
        return [], np.array([], dtype=np.int64)
    pieces, counts = np.unique(np.concatenate(every), return_counts=True)
    common = pieces[counts > most]
    return [np.setdiff1d(own, common, assume_unique=True) for own in every], common


def _group(group: tuple[str, ...], own: Pieces) -> Pair:
    # What overlaps is counted once: a piece begins at each character.
    shared = len(own) + PIECE - 1 if len(own) else 0
    return Pair(first=group, second=(), shared=shared, share_first=1.0, share_second=1.0, cells=())


@dataclass(frozen=True)
class _Candidates:
    closest: list[tuple[int, int]]
    count: int


def _candidates(kept: Sequence[Pieces], most: int) -> _Candidates:
    """Return the pairs that share most of the smaller one's pieces, by an index of pieces."""
    import numpy as np
    from scipy.sparse import csr_array

    sizes = np.array([len(own) for own in kept])
    if len(kept) < 2 or not sizes.sum():
        return _Candidates([], 0)
    pieces, columns = np.unique(np.concatenate(kept), return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    index = csr_array(
        (np.ones(len(columns), dtype=np.int32), columns.astype(np.int32), starts),
        shape=(len(kept), len(pieces)),
    )
    turned = index.T.tocsr()
    best: list[tuple[float, int, int]] = []
    count = 0
    for begin in range(0, len(kept), _BLOCK):
        shared = (index[begin : begin + _BLOCK] @ turned).tocoo()
        rows, others = shared.coords[0] + begin, shared.coords[1]
        is_pair = rows < others
        rows, others, data = rows[is_pair], others[is_pair], shared.data[is_pair]
        count += len(rows)
        share = data / np.minimum(sizes[rows], sizes[others])
        score = share * np.log1p(data)
        order = np.argsort(-score, kind="stable")[:most]
        best += zip(
            score[order].tolist(), rows[order].tolist(), others[order].tolist(), strict=True
        )
        best = sorted(best, key=lambda one: (-one[0], one[1], one[2]))[:most]
    return _Candidates([(first, second) for _score, first, second in best], count)


def _compared(
    groups: tuple[tuple[str, ...], tuple[str, ...]],
    one: _Read,
    one_print: Any,
    other: _Read,
    other_print: Any,
) -> Pair:
    from copydetect import compare_files

    shared, shares, slices = compare_files(one_print, other_print)
    cells = one.cells_of(slices[0]) if shared else {}
    return Pair(
        first=groups[0],
        second=groups[1],
        shared=int(shared),
        share_first=min(1.0, float(shares[0])),
        share_second=min(1.0, float(shares[1])),
        # The end of a passage is where copydetect takes it to be, a few characters off.
        cells=tuple(
            sorted((name for name in cells if cells[name] > PIECE), key=lambda name: -cells[name])
        ),
    )


def read_answers(
    autograded: Path, students: Iterable[str], assignment: Assignment
) -> Iterator[Answers]:
    """Yield the answers of students, one graded notebook in memory at a time."""
    for student in students:
        yield answers_of(autograded / student / assignment.name, student, assignment)
