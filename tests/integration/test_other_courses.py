"""Courses that were not written for nbjudge: one line of configuration, the marks of nbgrader."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbgrader
import pytest
import small_course as sc
from courses import Question, answers_of, asserting, cells_of, classes, networks, points_of, tables
from courses import process as in_process

from nbjudge.assignment import Assignment, Upload
from nbjudge.errors import HiddenTestError
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.proof import proved
from nbjudge.settings import Settings

pytestmark = pytest.mark.slow

SECRET = b"s" * 32
INSIDE = "nbjudge-inside"
NAME = "nb"

COURSES: dict[str, tuple[str, Sequence[Question]]] = {
    "asserting": (asserting.IMPORTS, asserting.QUESTIONS),
    "tables": (tables.IMPORTS, tables.QUESTIONS),
    "classes": (classes.IMPORTS, classes.QUESTIONS),
    "networks": (networks.IMPORTS, networks.QUESTIONS),
    "process": (
        in_process.IMPORTS,
        [*in_process.OUTSIDE, *(replace(q, tags=[INSIDE]) for q in in_process.INSIDE)],
    ),
}

# Stock nbgrader's own execution and scoring, in a process of its own.
STOCK = """
import json, sys, tempfile
import nbformat
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

marks = {}
for name, notebook in json.load(sys.stdin).items():
    nb = nbformat.from_dict(notebook)
    with tempfile.TemporaryDirectory() as folder:
        Execute().preprocess(nb, {"metadata": {"path": folder}})
    marks[name] = {
        cell.metadata.nbgrader.grade_id: determine_grade(cell)[0]
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
json.dump(marks, sys.stdout)
"""


@dataclass(frozen=True)
class Proved:
    """A course whose reference has earned every point, judged outside."""

    made: sc.SmallCourse
    assignment: Assignment
    settings: Settings

    def marks(self, answers: dict[str, str]) -> dict[str, float | None]:
        """Grade the release with these answers."""
        released = self.made.release()[f"{NAME}.ipynb"]
        upload = Upload(notebook=sc.answered(released, answers))
        result = grade_notebook(upload, self.assignment, NAME, self.settings, SECRET)
        return {v.grade_id: v.points for v in result.verdicts}


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Prove each course once, when it is asked for."""
    known: dict[str, Proved] = {}

    def course(name: str) -> Proved:
        if name not in known:
            imports, questions = COURSES[name]
            root = tmp_path_factory.mktemp(name) / "course"
            made = sc.make_course(root, notebooks={NAME: cells_of(imports, questions)})
            settings, assignment = made.course.settings, made.course.compile(sc.NAME)
            ready = proved(made.root, assignment, settings, SECRET)
            known[name] = Proved(made, ready, settings)
        return known[name]

    return course


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Return the marks that stock nbgrader gives to the same notebooks."""
    notebooks = {}
    for name, (imports, questions) in COURSES.items():
        for which in ("right", "wrong"):
            cells = cells_of(imports, questions)
            answers = answers_of(questions, which)
            for cell in cells:
                meta = cell["metadata"].get("nbgrader", {})
                cell["source"] = answers.get(meta.get("grade_id"), cell["source"])
            notebooks[f"{name}-{which}"] = sc.notebook(cells)
    # One process for each core; what their kernels leave behind is no fault of the tests here.
    environment = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("stock"))}
    names = list(notebooks)
    running = []
    for part in (names[::2], names[1::2]):
        process = _python(STOCK, env=environment, stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(json.dumps({name: notebooks[name] for name in part}))
        process.stdin.close()
        process.stdin = None
        running.append(process)
    return {name: m for process in running for name, m in json.loads(_said(process)).items()}


def _python(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if options.pop("joined", False) else None,
        text=True,
        **options,
    )


def _said(process: subprocess.Popen[str]) -> str:
    output, _errors = process.communicate()
    assert process.returncode == 0, output[-3000:]
    return output


@pytest.mark.parametrize("name", COURSES)
def test_a_course_in_any_style_is_proved_outside(name: str, school: Any) -> None:
    found = school(name).assignment.objects[NAME]
    outside = [c for c in school(name).assignment.notebooks[0].graded if c.mode == "outside"]
    assert len(outside) >= len(COURSES[name][1]) / 2
    assert set(found) == {cell.grade_id for cell in outside}


@pytest.mark.parametrize(("which", "points"), [("right", 1.0), ("wrong", 0.0)])
@pytest.mark.parametrize("name", COURSES)
def test_an_answer_has_the_marks_that_stock_nbgrader_gives(
    name: str, which: str, points: float, school: Any, stock: dict[str, dict[str, float]]
) -> None:
    questions = COURSES[name][1]
    expected = points_of(questions, points)
    assert len(expected) >= len(questions)
    theirs = stock[f"{name}-{which}"]
    assert {k: v for k, v in theirs.items() if v != points} == {}
    ours = school(name).marks(answers_of(questions, which))
    assert {k: v for k, v in ours.items() if v != points} == {}
    assert set(ours) == set(theirs) == set(expected)


def test_the_untouched_release_earns_nothing(school: Any) -> None:
    marks = school("asserting").marks({})
    assert marks == dict.fromkeys(marks, 0.0)


def test_what_cannot_be_judged_outside_is_named_cell_by_cell_with_a_way_out(
    tmp_path: Path,
) -> None:
    tags: dict[str, list[str]] = {}
    cells = [f"test_{question.name}_1" for question in in_process.INSIDE]
    for name in cells:
        root = tmp_path / name
        source = cells_of(in_process.IMPORTS, in_process.INSIDE, tags)
        made = sc.make_course(root, notebooks={NAME: source})
        with pytest.raises(HiddenTestError) as refused:
            prove_reference(made.course.compile(sc.NAME), made.course.settings, SECRET)
        assert name in str(refused.value)
        assert INSIDE in str(refused.value)
        tags[name] = [INSIDE]


# nbgrader's own course, and its notebooks with AUTOTEST.

NBGRADER = Path(nbgrader.__file__).parent
GUIDE = NBGRADER / "docs" / "source" / "user_guide"
FILES = NBGRADER / "tests" / "apps" / "files"
AUTOTESTS = ("hashed", "multi")
ONE_LINE = "\nimport nbjudge\n\nnbjudge.configure(c)\n"

# What formgrader's buttons call, in one process: importing nbgrader takes seconds.
GRADE = """
import sys
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

config = PyFileConfigLoader("nbgrader_config.py").load_config()
api = NbGraderAPI(config=config)
steps, *names = sys.argv[1:]
for step in steps.split(","):
    for name in names:
        if step == "release":
            done = [api.generate_assignment(name)]
        else:
            students = sorted(api.get_submitted_students(name))
            done = [api.autograde(name, student) for student in students]
        assert all(d["success"] for d in done), [d.get("log") for d in done]
"""

SQUARES = """
def squares(n):
    if n < 1:
        raise ValueError(f"{n} < 1")
    return list(map(lambda k: k * k, range(1, n + 1)))
"""
TOTAL = """
def sum_of_squares(n):
    total = 0
    for square in squares(n):
        total += square
    return total
"""
PS1 = {
    "right": {"squares": SQUARES, "sum_of_squares": TOTAL},
    "wrong": {
        "squares": "def squares(n):\n    return [k ** 3 for k in range(n)]",
        "sum_of_squares": TOTAL,
    },
    "alone": {
        "squares": SQUARES,
        "sum_of_squares": "def sum_of_squares(n):\n    return n * (n + 1) * (2 * n + 1) // 6",
    },
    "untouched": {},
    "broken": {"squares": "def squares(n:\n    return [", "sum_of_squares": TOTAL},
}
POINTS = {
    "right": (1, 1, 0.5, 0.5),
    "wrong": (0, 0, 0, 0.5),
    "alone": (1, 1, 0.5, 0),
    "untouched": (0, 0, 0, 0),
    "broken": (0, 0, 0, 0),
}
DICTIONARY = "cell-d3df8cd59fd0eb74"
GUIDED = {
    "right": PS1["right"] | {DICTIONARY: "my_dictionary = dict(one=1, two=2, three=3)"},
    "wrong": {"squares": "def squares(n): return n", DICTIONARY: "my_dictionary = 1"},
    "alone": PS1["alone"],
}
TESTS = (
    "correct_squares",
    "squares_invalid_input",
    "correct_sum_of_squares",
    "sum_of_squares_uses_squares",
)


@dataclass(frozen=True)
class Quickstart:
    """nbgrader's quickstart course with two more assignments, graded twice."""

    stock: sc.SmallCourse
    ours: sc.SmallCourse

    def points(self, made: sc.SmallCourse, assignment: str) -> dict[str, dict[str, float | None]]:
        """Return automatic scores by student and ``notebook:cell``."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{made.root}/gradebook.db") as gradebook:
            return {
                submission.student.id: {
                    f"{part.name}:{grade.name}": grade.auto_score
                    for part in submission.notebooks
                    for grade in part.grades
                    if grade.max_score_gradecell
                }
                for submission in gradebook.assignment_submissions(assignment)
            }


ASSIGNMENTS = ("ps1", "guide", "auto")


def _grade(made: sc.SmallCourse, *steps: str) -> subprocess.Popen[str]:
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return _python(
        GRADE,
        ",".join(steps),
        *ASSIGNMENTS,
        cwd=made.root,
        env=os.environ | {"PATH": beside, "TMPDIR": str(made.root)},
        joined=True,
    )


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    folder = tmp_path_factory.mktemp("quickstart")
    done = sc.command(sc.SmallCourse(folder), "nbgrader", "quickstart", "stock")
    assert done.returncode == 0, done.stderr
    stock = sc.SmallCourse(folder / "stock")
    _add_assignments(stock.root)
    _said(_grade(stock, "release"))
    _hand_in(stock.root)
    ours = sc.SmallCourse(folder / "ours")
    shutil.copytree(stock.root, ours.root, ignore=shutil.ignore_patterns("release", "*.db"))
    with (ours.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(ONE_LINE)
    for process in [_grade(ours, "release", "autograde"), _grade(stock, "autograde")]:
        _said(process)
    return Quickstart(stock, ours)


def _add_assignments(root: Path) -> None:
    shutil.copytree(GUIDE / "source" / "ps1_autotest", root / "source" / "guide")
    (root / "source" / "guide" / "problem2.ipynb").unlink()  # nothing to run
    shutil.copy(GUIDE / "autotests.yml", root)
    for name in AUTOTESTS:
        target = root / "source" / "auto" / f"{name}.ipynb"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(FILES / f"autotest-{name}.ipynb", target)


def _hand_in(root: Path) -> None:
    for assignment, answers in (("ps1", PS1), ("guide", GUIDED)):
        for student, given in answers.items():
            target = root / "submitted" / student / assignment
            shutil.copytree(root / "release" / assignment, target)
            made = target / "problem1.ipynb"
            made.write_bytes(sc.answered(made.read_bytes(), given))
    for name in AUTOTESTS:
        for which in ("changed", "unchanged"):
            target = root / "submitted" / which / "auto" / f"{name}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(FILES / f"autotest-{name}-{which}.ipynb", target)


def test_one_line_is_all_that_the_quickstart_course_needs(quickstart: Quickstart) -> None:
    points = quickstart.points(quickstart.ours, "ps1")
    found = {
        student: tuple(cells[f"problem1:{test}"] for test in TESTS)
        for student, cells in points.items()
    }
    assert found == POINTS


@pytest.mark.parametrize("assignment", ["ps1", "guide", "auto"])
def test_nbgraders_own_notebooks_have_the_marks_of_stock_nbgrader(
    assignment: str, quickstart: Quickstart
) -> None:
    theirs = quickstart.points(quickstart.stock, assignment)
    ours = quickstart.points(quickstart.ours, assignment)
    scores = [score for cells in theirs.values() for score in cells.values()]
    assert 0 in scores
    assert any(scores)
    assert ours == theirs


def test_every_line_of_the_documentation_names_what_shows_it() -> None:
    here = Path(__file__)
    page = (here.parents[2] / "docs" / "other-courses.md").read_text("utf-8")
    questions = {q.name for _imports, every in COURSES.values() for q in every}
    others = (here.parents[1] / "unit" / "test_judging.py", here.with_name("test_judge_sealed.py"))
    texts = [path.read_text("utf-8") for path in (here, *others)]
    tests = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    rows = [line for line in page.splitlines() if line.startswith("| ") and "Shown by" not in line]
    assert len(rows) > 25
    for row in rows:
        shown = re.findall(r"`(\w+)`", row.rstrip("| ").rpartition("| ")[2])
        assert shown, row
        assert set(shown) <= questions | tests, row
