"""Of which assignment the notebooks of an upload are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from nbjudge.assignment import Assignment
from nbjudge.errors import ArchiveError, TeacherError
from nbjudge.rebuild import likeness
from nbjudge.submissions import MAX_NOTEBOOKS
from nbjudge.upload import parse_upload

if TYPE_CHECKING:
    from nbjudge.course import Course


_LIKE = 0.4
"""Of an assignment's answers and tests, in a copy of it. Of the sample classes here, whatever earns
points has half of them or more, without its tests or its metadata too, and a third or less of
another TP's, whose questions have the same numbers."""
_SURELY = 0.9


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the notebooks of an upload are copies of."""

    is_valid: bool
    """Whether one of them is of the assignment, and whole."""
    is_ours: bool
    """Whether one of them is of the assignment."""
    others: tuple[str, ...] = ()
    """Other assignments of the course that they are of."""
    readable: int = 0
    """Notebooks that can be read."""
    notebooks: int = 0


class Recogniser:
    """Says of uploads which assignment they are of, each content once.

    Parameters
    ----------
    course
        Whose other assignments are read when there is a notebook that is not of this one.
    assignment
        The one that is collected.
    """

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._course = course
        self._assignment = assignment
        self._others: list[Assignment] | None = None
        self._known: dict[str, Content] = {}

    def look(self, folder: Path, digest: str) -> Content:
        """Return what the notebooks in a folder are; the digest is the folder's."""
        if digest not in self._known:
            self._known[digest] = self._look(folder)
        return self._known[digest]

    def _look(self, folder: Path) -> Content:
        limits = self._course.settings.limits
        notebooks = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() == ".ipynb"
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and path.is_file()
            and not path.is_symlink()
        )
        is_valid, is_ours, readable, others = False, False, 0, []
        for path in notebooks[:MAX_NOTEBOOKS]:
            with path.open("rb") as stream:
                data = stream.read(limits.upload_bytes + 1)
            readable += parse_upload(data, limits).readable
            ours = self._likeness(data, self._assignment)
            name, theirs = "", 0.0
            if ours < _SURELY:
                for other in self._other_assignments():
                    name, theirs = max(
                        (name, theirs), (other.name, self._likeness(data, other)), key=itemgetter(1)
                    )
            if ours >= _LIKE and ours > theirs:
                is_ours = True
                is_valid |= _is_whole(data)
            elif theirs >= _LIKE:
                others.append(name)
        return Content(
            is_valid=is_valid,
            is_ours=is_ours,
            others=tuple(dict.fromkeys(others)),
            readable=readable,
            notebooks=len(notebooks),
        )

    def _likeness(self, data: bytes, assignment: Assignment) -> float:
        limits = self._course.settings.limits
        return max((likeness(data, one, limits) for one in assignment.notebooks), default=0.0)

    def _other_assignments(self) -> Sequence[Assignment]:
        if self._others is None:
            self._others = []
            for name in self._course.assignments():
                if name != self._assignment.name:
                    try:
                        self._others.append(self._course.compile(name))
                    except TeacherError:
                        continue  # it is only asked whether a notebook is of it
        return self._others


def _is_whole(data: bytes) -> bool:
    """Whether a file ends as a notebook does; one that was cut short can be read in part only."""
    return data.rstrip(b"\0 \t\r\n").endswith(b"}")


def check_belongs(path: Path, assignment: str, contents: Sequence[Content]) -> None:
    """Refuse the zip of another assignment.

    Raises
    ------
    ArchiveError
        If more of its uploads are of another one, or it holds notebooks and none is of this one.
    """
    ours = sum(content.is_ours for content in contents)
    others = Counter(name for c in contents if not c.is_ours for name in c.others)
    readable = sum(content.readable for content in contents)
    if others and max(others.values()) > ours:
        name, count = others.most_common(1)[0]
        raise ArchiveError(
            f"Collecting {assignment} from {path}: {count} of its {len(contents)} uploads are of "
            f"{name}, {ours} of {assignment}. Is it that assignment's zip? Then: nbjudge moodle "
            f"collect {name} {path.name}. Nothing was collected."
        )
    if readable and not ours:
        raise ArchiveError(
            f"Collecting {assignment} from {path}: none of its {readable} notebooks is a copy of "
            f"{assignment}'s (most answer and test cells are missing in each). Is it the zip of "
            "another assignment or course? A single upload that is so can be put into "
            f"submitted/<student>/{assignment}/ by hand. Nothing was collected."
        )
