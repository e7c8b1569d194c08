"""What did not change is not executed again; what did is, and the run says what it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_course as sc

from nbjudge import classroom, parallel
from nbjudge.classroom import ClassReport, grade_class, plan_class
from nbjudge.plan import Need
from nbjudge.records import read_record

pytestmark = pytest.mark.slow

RIGHT = {"n": {"double": "def double(x):\n    return x + x", "essay": "Perhaps."}}
WRONG = {"n": {"double": "def double(x):\n    return 2", "essay": "Perhaps."}}


def cells(test: str = sc.TEST_DOUBLE) -> list[sc.Cell]:
    return [
        sc.p2()[0],
        sc.check("test_double", test, 1),
        sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 2),
    ]


@pytest.fixture
def graded(tmp_path: Path) -> sc.SmallCourse:
    """Return a course of which two submissions are graded."""
    made = sc.make_course(
        tmp_path / "course",
        notebooks={"n": cells()},
        options="prove=False,",
        config="c.LateSubmissionPlugin.penalty_method = 'zero'",
        gradebook=True,
    )
    made.submit("anna", RIGHT, timestamp="2026-01-10 13:00:00 UTC")
    made.submit("ben", WRONG)
    assert grade_class(made.course, sc.NAME).graded == ["anna", "ben"]
    return made


@pytest.fixture
def nothing_runs(graded: sc.SmallCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on."""

    def grade_many(submissions: Any, *_arguments: Any, **_options: Any) -> Any:
        assert list(submissions) == []
        yield from ()

    monkeypatch.setattr(classroom, "grade_many", grade_many)


def outcome(report: ClassReport) -> tuple[list[str], list[str], list[str]]:
    assert report.failed == {}
    return report.graded, report.stored, report.unchanged


def book(made: sc.SmallCourse) -> Any:
    from nbgrader.api import Gradebook

    return Gradebook(made.course.db_url)


@pytest.mark.usefixtures("nothing_runs")
def test_what_did_not_change_is_left_as_it_is(graded: sc.SmallCourse) -> None:
    with book(graded) as gradebook:
        grade = gradebook.find_grade("essay", "n", sc.NAME, "anna")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.db.commit()
    before = sc.gradebook_of(graded), sc.files_below(graded.root)

    report = grade_class(graded.course, sc.NAME)

    assert outcome(report) == ([], [], ["anna", "ben"])
    marks = {row.student: (row.total, row.provisional) for row in report.marks}
    # A person has looked at it already: nothing is flagged again.
    assert marks == {"anna": (2.5, False), "ben": (0.0, True)}
    after = sc.files_below(graded.root)
    lock = ".nbjudge/grading.lock"
    assert (sc.gradebook_of(graded), after | {lock: before[1][lock]}) == before


def test_only_what_changed_is_executed(graded: sc.SmallCourse) -> None:
    graded.submit("anna", WRONG, timestamp="2026-01-10 13:00:00 UTC")
    graded.submit("carl", RIGHT)
    assert {task.student: task.why for task in plan_class(graded.course, sc.NAME)} == {
        "anna": "the upload changed",
        "ben": "",
        "carl": "new",
    }
    report = grade_class(graded.course, sc.NAME)
    assert outcome(report) == (["anna", "carl"], [], ["ben"])
    assert {row.student: row.total for row in report.marks} == {"anna": 0, "ben": 0, "carl": 1}


def test_a_changed_test_changes_the_marks_of_all(graded: sc.SmallCourse) -> None:
    graded.write_source("n", cells("assert double(1) == 2"))
    report = grade_class(graded.course, sc.NAME)
    assert outcome(report) == (["anna", "ben"], [], [])
    assert set(report.why.values()) == {"the assignment changed"}
    assert {row.student: row.total for row in report.marks} == {"anna": 1, "ben": 1}


def test_a_change_for_some_students_leaves_the_others_to_be_graded(graded: sc.SmallCourse) -> None:
    graded.write_source("n", cells("assert double(1) == 2"))
    assert outcome(grade_class(graded.course, sc.NAME, students=["ben"])) == (["ben"], [], [])
    assert outcome(grade_class(graded.course, sc.NAME)) == (["anna"], [], ["ben"])


def test_force_executes_what_did_not_change(graded: sc.SmallCourse) -> None:
    report = grade_class(graded.course, sc.NAME, force=True)
    assert outcome(report) == (["anna", "ben"], [], [])
    assert set(report.why.values()) == {"forced"}
    assert outcome(grade_class(graded.course, sc.NAME)) == ([], [], ["anna", "ben"])


@pytest.mark.usefixtures("nothing_runs")
def test_due_dates_extensions_and_times_of_arrival_take_effect_without_executing(
    graded: sc.SmallCourse,
) -> None:
    def penalties() -> dict[str, float]:
        return {
            row.student: row.penalty
            for row in grade_class(graded.course, sc.NAME).marks
            if row.penalty
        }

    with book(graded) as gradebook:
        gradebook.update_or_create_assignment(sc.NAME, duedate="2026-01-10 12:00:00 UTC")
    assert penalties() == {"anna": 1.0}
    assert penalties() == {"anna": 1.0}
    with book(graded) as gradebook:
        gradebook.grant_extension(sc.NAME, "anna", hours=2)
    assert penalties() == {}
    late = graded.root / "submitted" / "anna" / sc.NAME / "timestamp.txt"
    late.write_text("2026-01-10 15:00:00 UTC", "utf-8")
    assert penalties() == {"anna": 1.0}
    copied = graded.root / "autograded" / "anna" / sc.NAME / "timestamp.txt"
    assert copied.read_text("utf-8") == "2026-01-10 15:00:00 UTC"
    assert outcome(grade_class(graded.course, sc.NAME)) == ([], [], ["anna", "ben"])
    # The plug-in takes the whole score: what a person gives later, too.
    with book(graded) as gradebook:
        gradebook.find_grade("essay", "n", sc.NAME, "anna").manual_score = 1.5
        gradebook.db.commit()
    assert penalties() == {"anna": 2.5}
    late.unlink()
    assert outcome(grade_class(graded.course, sc.NAME)) == ([], ["anna"], ["ben"])
    assert not copied.exists()


def test_what_nbgrader_graded_in_between_is_graded_again(graded: sc.SmallCourse) -> None:
    sc.plain_autograde(graded, student="anna")
    tasks = {task.student: task.need for task in plan_class(graded.course, sc.NAME)}
    assert tasks == {"anna": Need.GRADE, "ben": Need.NOTHING}


def test_a_gradebook_that_was_lost_is_made_again(graded: sc.SmallCourse) -> None:
    before = sc.gradebook_of(graded)
    (graded.root / "gradebook.db").unlink()
    report = grade_class(graded.course, sc.NAME)
    assert set(report.why.values()) == {"it is not in the gradebook"}
    assert sc.gradebook_of(graded) == before


PROBE = """
import sys
sys.argv[0] = "nbjudge"
from nbjudge.cli import main
try:
    main()
finally:
    names = ("nbgrader", "nbformat", "jsonschema", "torch", "numpy", "zmq", "distributed")
    print([name for name in names if name in sys.modules], file=sys.stderr)
"""


def test_a_run_with_nothing_to_do_loads_nothing_heavy(graded: sc.SmallCourse) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "grade", sc.NAME, "--json", "-"],
        cwd=graded.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["graded"], said["unchanged"]) == (0, 2)
    assert said["students"]["anna"]["marks"] == {"test_double": 1.0, "essay": 0.0}
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_command_says_what_it_would_do_and_what_it_did(graded: sc.SmallCourse) -> None:
    graded.submit("ben", {"n": {"double": "import os\nos._exit(0)"}})
    before = sc.gradebook_of(graded)
    dry = sc.command(graded, "nbjudge", "grade", sc.NAME, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.splitlines() == [
        "ben: to be graded: the upload changed",
        "1 to be graded, 0 to be stored again, 1 unchanged.",
    ]
    assert sc.gradebook_of(graded) == before
    done = sc.command(graded, "nbjudge", "grade", sc.NAME, "--json", "said.json")
    assert done.stdout.splitlines()[0].startswith(f"{sc.NAME}: 1 of 1: ben done; 0 failed")
    assert f"{sc.NAME}: 1 graded, 1 unchanged, 0 failed, in " in done.stdout
    ben = json.loads((graded.root / "said.json").read_text("utf-8"))["students"]["ben"]
    assert ben["status"] == "graded"
    assert ben["seconds"]["n"] > 0
    assert ben["slowest_cells"]
    # The kernel that died is what a person may want to see; so the code says, each time.
    again = sc.command(graded, "nbjudge", "grade", sc.NAME)
    assert done.returncode == again.returncode == int(bool(ben["look_at"]))


def test_an_unknown_student_is_named(graded: sc.SmallCourse) -> None:
    done = sc.command(graded, "nbjudge", "grade", sc.NAME, "--student", "zoe")
    assert done.returncode == 2
    assert "submitted/zoe/ps1" in done.stderr
    assert "anna, ben" in done.stderr


def test_a_course_that_cannot_be_written_ends_with_a_sentence(graded: sc.SmallCourse) -> None:
    (graded.root / ".nbjudge").rename(graded.root / "elsewhere")
    (graded.root / ".nbjudge").touch()
    done = sc.command(graded, "nbjudge", "grade", sc.NAME)
    assert done.returncode == 2
    assert done.stderr.startswith("nbjudge: ")
    assert "Traceback" not in done.stderr


# What a group hands in


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Executed:
    """Names of those that are executed; `before` is called with them."""
    seen = Executed()

    def grade_many(submissions: Any, *arguments: Any, **options: Any) -> Any:
        for one in parallel.grade_many(submissions, *arguments, **options):
            seen.students.append(one.submission.student)
            seen.then()
            yield one

    monkeypatch.setattr(classroom, "grade_many", grade_many)
    return seen


class Executed:
    def __init__(self) -> None:
        self.students: list[str] = []
        self.then: Callable[[], None] = lambda: None


def test_what_a_group_handed_in_is_executed_once_and_stored_for_each(
    graded: sc.SmallCourse, executed: Executed
) -> None:
    group = {"n": {"double": "def double(x):\n    return 2 * x + 0 * x", "essay": "We three."}}
    for student in ("ines", "hugo", "jade"):
        graded.submit(student, group)
    seen: list[str] = []
    report = grade_class(
        graded.course,
        sc.NAME,
        progress=lambda one, total: seen.append(f"{one.submission.student} of {total}"),
    )

    assert outcome(report) == (["hugo", "ines", "jade"], [], ["anna", "ben"])
    assert len(executed.students) == 1
    assert sorted(seen) == ["hugo of 3", "ines of 3", "jade of 3"]
    marks = {row.student: row.points for row in report.marks}
    assert marks["hugo"] == marks["ines"] == marks["jade"]
    assert marks["hugo"]["test_double"] == 1.0
    for student in ("ines", "hugo", "jade"):
        assert (graded.root / "autograded" / student / sc.NAME / "n.ipynb").is_file()
        read_record(graded.root, student, sc.NAME, "n")
    assert outcome(grade_class(graded.course, sc.NAME)) == (
        [],
        [],
        ["anna", "ben", "hugo", "ines", "jade"],
    )


def test_a_member_whose_files_change_meanwhile_does_not_get_the_groups_marks(
    graded: sc.SmallCourse, executed: Executed
) -> None:
    group = {"n": {"double": "def double(x):\n    return 2 * x + 0 * x", "essay": "We two."}}
    for student in ("hugo", "ines"):
        graded.submit(student, group)
    executed.then = lambda: _submit(graded, "ines", WRONG)
    report = grade_class(graded.course, sc.NAME)

    assert report.graded == ["hugo"]
    assert "has changed since. Grade ines again." in str(report.failed["ines"])
    executed.then = lambda: None
    assert grade_class(graded.course, sc.NAME).graded == ["ines"]


def _submit(made: sc.SmallCourse, student: str, answers: Any) -> None:
    made.submit(student, answers)
