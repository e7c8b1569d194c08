"""A builder of a small course: two notebooks that hold one of everything that is graded.

``p1``: code judged from outside (hidden part, partial credit), a test that runs inside, an answer
graded by hand, a task, a free text worth nothing.  ``p2``: one question.  Beside them a helper
module and a data file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from nbjudge.course import Course, load_course
from nbjudge.produce import student_version, write_folder

# Pools of processes start it once and for all: it is nothing that a test leaves behind.
resource_tracker.ensure_running()

CONFIG = """\
import nbjudge

c = get_config()
nbjudge.configure(
    c,
    limits={"cell_seconds": 20, "probe_seconds": 10, "judge_seconds": 20, "notebook_seconds": 120},
    %s
)
%s
"""

NAME = "ps1"

MAXIMA = {
    "p1:test_area": 2.0,
    "p1:test_stats": 3.0,
    "p1:essay": 2.0,
    "p1:project": 1.0,
    "p1:test_greet": 1.0,
    "p2:test_double": 1.0,
}

Cell = dict[str, Any]


def text(source: str) -> Cell:
    """Return a cell of the instructor's text."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def given(source: str, **nbgrader: Any) -> Cell:
    """Return a cell of the instructor's code."""
    cell = {"cell_type": "code", "metadata": {}, "source": source}
    return _marked(cell, **nbgrader) if nbgrader else cell


def answer(grade_id: str, source: str) -> Cell:
    """Return a cell for the student's code, with the solution in it."""
    return _marked({"cell_type": "code", "source": source}, grade_id=grade_id, solution=True)


def written(grade_id: str, source: str, points: float) -> Cell:
    """Return a cell for a written answer, graded by hand."""
    return _marked(
        {"cell_type": "markdown", "source": source},
        grade_id=grade_id,
        grade=True,
        solution=True,
        points=points,
    )


def task(grade_id: str, source: str, points: float) -> Cell:
    """Return a task cell."""
    return _marked(
        {"cell_type": "markdown", "source": source},
        grade_id=grade_id,
        task=True,
        locked=True,
        points=points,
    )


def check(grade_id: str, source: str, points: float, tags: Sequence[str] = ()) -> Cell:
    """Return a cell of tests."""
    cell = _marked(
        {"cell_type": "code", "source": source},
        grade_id=grade_id,
        grade=True,
        locked=True,
        points=points,
    )
    if tags:
        cell["metadata"]["tags"] = list(tags)
    return cell


def _marked(cell: Cell, **nbgrader: Any) -> Cell:
    data = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    data |= nbgrader | {"cell_type": cell["cell_type"]}
    return cell | {"metadata": {"nbgrader": data}}


def notebook(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return a notebook (nbformat 4.5) of cells with ids that do not change."""
    made = []
    for position, cell in enumerate(cells):
        name = cell["metadata"].get("nbgrader", {}).get("grade_id") or f"plain-{position}"
        full = {"id": name.replace("_", "-"), **cell}
        if cell["cell_type"] == "code":
            full |= {"outputs": [], "execution_count": None}
        made.append(full)
    return {
        "cells": made,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


AREA = """\
def area(r):
    ### BEGIN SOLUTION
    return PI * r**2
    ### END SOLUTION"""

TEST_AREA = """\
assert area(1) > 3, "the area of the unit disc is more than 3"
### BEGIN HIDDEN TESTS
from nbjudge.testing import assert_close, reference, rng

r = rng().uniform(1, 2)
assert_close(area(r), reference.area(r), what="the area")
### END HIDDEN TESTS"""

STATS = """\
def mean(x):
    ### BEGIN SOLUTION
    return np.sum(x) / len(x)
    ### END SOLUTION


def spread(x):
    ### BEGIN SOLUTION
    return np.max(x) - np.min(x)
    ### END SOLUTION"""

TEST_STATS = """\
### BEGIN HIDDEN TESTS
from nbjudge.testing import assert_close, credit, reference, rng

x = rng().normal(size=7)
with credit(1, "the mean"):
    assert_close(mean(x), reference.mean(x), what="the mean")
with credit(2, "the spread"):
    assert_close(spread(x), reference.spread(x), what="the spread")
### END HIDDEN TESTS"""

GREET = """\
def greet(name):
    ### BEGIN SOLUTION
    return "Hello " + name
    ### END SOLUTION"""

TEST_GREET = """\
assert greet("you").startswith("Hello")
### BEGIN HIDDEN TESTS
assert greet("Ada") == "Hello Ada"
### END HIDDEN TESTS"""

DOUBLE = """\
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION"""

TEST_DOUBLE = """\
assert double(1) == 2
### BEGIN HIDDEN TESTS
assert double(21) == 42
### END HIDDEN TESTS"""

HELPER = "PI = 3.14159\n"


def p1() -> list[Cell]:
    """Return the cells of the first notebook."""
    return [
        text("# Discs"),
        given("import numpy as np\n\nfrom helper import PI"),
        answer("area", AREA),
        check("test_area", TEST_AREA, 2),
        answer("stats", STATS),
        check("test_stats", TEST_STATS, 3),
        written(
            "essay",
            "### BEGIN SOLUTION\nBecause it is round.\n### END SOLUTION",
            2,
        ),
        task(
            "project",
            "Describe a disc.\n\n### BEGIN MARK SCHEME\n1 for a drawing\n### END MARK SCHEME",
            1,
        ),
        answer("greet", GREET),
        check("test_greet", TEST_GREET, 1, tags=["nbjudge-inside"]),
        written("remarks", "### BEGIN SOLUTION\nNone.\n### END SOLUTION", 0),
    ]


def p2() -> list[Cell]:
    """Return the cells of the second notebook."""
    return [answer("double", DOUBLE), check("test_double", TEST_DOUBLE, 1)]


NOTEBOOKS = {"p1": p1, "p2": p2}

RIGHT = {
    "p1": {
        "area": "def area(r):\n    return PI * r * r",
        "stats": "def mean(x):\n    return x.mean()\n\n\ndef spread(x):\n    return np.ptp(x)",
        "essay": "It is a circle.",
        "greet": "def greet(name):\n    return f'Hello {name}'",
    },
    "p2": {"double": "def double(x):\n    return x + x"},
}
"""Right answers, written otherwise than the solution."""

RIGHT_POINTS = {
    "p1:test_area": 2.0,
    "p1:test_stats": 3.0,
    "p1:essay": 0.0,
    "p1:project": 0.0,
    "p1:test_greet": 1.0,
    "p2:test_double": 1.0,
}
"""What they earn before a person has graded."""


@dataclass(frozen=True)
class SmallCourse:
    """A course on disk."""

    root: Path

    @property
    def course(self) -> Course:
        """Return it as nbjudge reads it now."""
        return load_course(self.root)

    def write_source(self, name: str, cells: Sequence[Cell], assignment: str = NAME) -> Path:
        """Write a source notebook."""
        path = self.root / "source" / assignment / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(cells), indent=1), "utf-8")
        return path

    def release(self, assignment: str = NAME) -> dict[str, bytes]:
        """Return what students receive."""
        course = self.course
        return student_version(course, course.compile(assignment))

    def submit(
        self,
        student: str,
        answers: Mapping[str, Mapping[str, str]] | None = None,
        *,
        assignment: str = NAME,
        timestamp: str | None = None,
    ) -> Path:
        """Hand in the release with answers put into it; return the folder.

        ``answers`` maps notebooks to answers by grade_id; a notebook that is not there is not
        handed in. By default everything is right.
        """
        files = {}
        for name, given_answers in (RIGHT if answers is None else answers).items():
            released = self.release(assignment)[f"{name}.ipynb"]
            files[f"{name}.ipynb"] = answered(released, given_answers)
        if timestamp is not None:
            files["timestamp.txt"] = timestamp.encode()
        folder = self.root / "submitted" / student / assignment
        write_folder(folder, files)
        return folder


def answered(released: bytes, answers: Mapping[str, str]) -> bytes:
    """Return a released notebook with answers written into it."""
    made = json.loads(released)
    cells = {c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in made["cells"]}
    for name, source in answers.items():
        cells[name]["source"] = source
    return json.dumps(made, ensure_ascii=False, indent=1).encode()


def make_course(
    root: Path,
    *,
    options: str = "",
    config: str = "",
    notebooks: Mapping[str, Sequence[Cell]] | None = None,
    gradebook: bool = False,
) -> SmallCourse:
    """Write a course into a folder.

    Parameters
    ----------
    root
        The folder; made if need be.
    options
        Further arguments of ``nbjudge.configure``, as text.
    config
        Lines at the end of ``nbgrader_config.py``.
    notebooks
        Cells by notebook; by default those of :data:`NOTEBOOKS`.
    gradebook
        Whether it has an empty gradebook already (nbgrader takes seconds to make one).
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG % (options, config), "utf-8")
    made = SmallCourse(root)
    if notebooks is None:
        notebooks = {name: cells() for name, cells in NOTEBOOKS.items()}
        (root / "source" / NAME / "data").mkdir(parents=True)
        (root / "source" / NAME / "helper.py").write_text(HELPER, "utf-8")
        (root / "source" / NAME / "data" / "numbers.csv").write_text("1\n2\n", "utf-8")
    for name, cells in notebooks.items():
        made.write_source(name, cells)
    if gradebook:
        (root / "gradebook.db").write_bytes(_empty_gradebook())
    return made


@cache
def _empty_gradebook() -> bytes:
    from nbjudge.store import Store

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gradebook.db"
        with Store(f"sqlite:///{path}"):
            pass
        return path.read_bytes()


def plain_autograde(
    made: SmallCourse, assignment: str = NAME, *, student: str = "*", force: bool = True
) -> str:
    """Run nbgrader's own converter as ``nbgrader autograde`` does; return what it logged.

    Raises whatever nbgrader's command ends with.
    """
    from nbgrader.converters import Autograde

    return run_converter(made, Autograde, assignment, student=student, force=force)


def run_converter(
    made: SmallCourse, kind: Any, assignment: str = NAME, *, student: str = "*", force: bool = True
) -> str:
    """Run one of nbgrader's converters in the course; return what it logged."""
    import io
    import logging

    from nbgrader.coursedir import CourseDirectory

    config = made.course.config
    folders = CourseDirectory(config=config, root=str(made.root))
    folders.assignment_id, folders.student_id = assignment, student
    logger = logging.getLogger(f"small-course-{id(folders)}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    words = io.StringIO()
    logger.addHandler(logging.StreamHandler(words))
    converter = kind(coursedir=folders, config=config, log=logger)
    converter.force = force
    try:
        converter.start()
    except Exception as error:
        error.add_note(words.getvalue())
        raise
    return words.getvalue()


def points_of(made: SmallCourse, assignment: str = NAME) -> dict[str, dict[str, float]]:
    """Return the gradebook's points by student and ``notebook:cell``."""
    from nbjudge.store import Store

    course = made.course
    with Store(course.db_url, course.course_id) as store:
        scores = store.scores(assignment)
    return {
        student: {
            f"{name}:{cell}": float(entry["score"])
            for name, cells in notebooks.items()
            for cell, entry in cells.items()
            if cell and entry["max_score"]
        }
        for student, notebooks in scores.items()
    }


def command(made: SmallCourse, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``nbgrader`` or ``nbjudge`` in the course's folder, as from a shell."""
    program, *rest = arguments
    module = {"nbgrader": "nbgrader.apps.nbgraderapp", "nbjudge": "nbjudge.cli"}[program]
    # As their console scripts do; an activated environment has `alembic` in its path.
    code = f"import sys; from {module} import main; sys.argv[0] = {program!r}; sys.exit(main())"
    beside = str(Path(sys.executable).parent)
    return subprocess.run(
        [sys.executable, "-c", code, *rest],
        cwd=made.root,
        env=os.environ | {"PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])},
        capture_output=True,
        text=True,
        check=False,
    )


def begun(made: SmallCourse) -> subprocess.Popen[str]:
    """Begin ``nbjudge grade`` in the course's folder, in a session of its own; return the process.

    It belongs to the test, which may end it in any way.
    """
    code = "import sys; from nbjudge.cli import main; sys.argv[0] = 'nbjudge'; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "grade", NAME, "--workers", "2"],
        cwd=made.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def files_below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def gradebook_of(made: SmallCourse, assignment: str = NAME) -> dict[str, dict[str, Any]]:
    """Return all that the gradebook says of submissions, by student."""
    from nbgrader.api import Gradebook

    course = made.course
    said: dict[str, dict[str, Any]] = {}
    with Gradebook(course.db_url) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            rows: dict[str, Any] = {"timestamp": submission.timestamp}
            for part in submission.notebooks:
                rows[f"{part.name}: late"] = part.late_submission_penalty
                for grade in part.grades:
                    rows[f"{part.name}: {grade.name}"] = (
                        grade.auto_score,
                        grade.manual_score,
                        grade.extra_credit,
                        grade.needs_manual_grade,
                    )
                for comment in part.comments:
                    rows[f"{part.name}: {comment.name} comment"] = comment.comment
            said[submission.student.id] = rows
    return said


def copy_course(made: SmallCourse, root: Path) -> SmallCourse:
    """Return a copy of a course, its secret included."""
    from nbjudge.secret import course_secret

    course_secret(made.root)
    shutil.copytree(made.root, root, symlinks=True)
    return SmallCourse(root)


def deep_file(folder: Path, length: int = 4095) -> None:
    """Make a file whose path has so many bytes, step by step: as a whole it is refused."""
    place, size = os.open(folder, os.O_RDONLY), len(os.fsencode(folder))
    while size < length - 120:
        os.mkdir("d" * 100, dir_fd=place)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place, size = inner, size + 101
    name = "f" * (length - size - 1)
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
