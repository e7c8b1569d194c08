"""Grading again: automatic scores are set anew, what persons gave stays; tests may have changed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_course as sc

from nbjudge.classroom import grade_class

pytestmark = pytest.mark.slow


def by_nbjudge(made: sc.SmallCourse) -> str:
    return "\n".join(grade_class(made.course, sc.NAME, workers=1).warnings)


WAYS = {"nbgrader autograde": sc.plain_autograde, "nbjudge grade": by_nbjudge}


@pytest.fixture(params=sorted(WAYS))
def grade(request: pytest.FixtureRequest) -> Callable[[sc.SmallCourse], str]:
    """Grade a course, by nbgrader's command and by ours; return what was said."""
    return WAYS[request.param]


def cells() -> list[sc.Cell]:
    return [*sc.p2(), sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 2)]


ANSWERS = {"n": {"double": "def double(x):\n    return x + x", "essay": "Perhaps."}}
WRONG = {"n": {"double": "def double(x):\n    return 2", "essay": "Perhaps not."}}


@pytest.fixture
def made(tmp_path: Path) -> sc.SmallCourse:
    made = sc.make_course(
        tmp_path / "course", notebooks={"n": cells()}, options="prove=False,", gradebook=True
    )
    made.submit("anna", ANSWERS)
    return made


def gradebook(made: sc.SmallCourse) -> Any:
    from nbgrader.api import Gradebook

    return Gradebook(made.course.db_url)


def entry(made: sc.SmallCourse, cell: str, student: str = "anna") -> tuple[Any, ...]:
    """Return (automatic score, manual score, extra credit, needs review) of a cell."""
    return sc.gradebook_of(made)[student][f"n: {cell}"]


def give(made: sc.SmallCourse, cell: str, **fields: Any) -> None:
    """Give points as formgrader does."""
    with gradebook(made) as book:
        grade = book.find_grade(cell, "n", sc.NAME, "anna")
        for name, value in fields.items():
            setattr(grade, name, value)
        book.db.commit()


def test_automatic_scores_are_set_anew(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    assert entry(made, "test_double") == (1.0, None, None, False)
    made.submit("anna", WRONG)
    grade(made)
    assert entry(made, "test_double") == (0.0, None, None, False)


def test_what_persons_gave_stays_and_is_flagged(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    assert entry(made, "essay") == (None, None, None, True)
    give(made, "essay", manual_score=1.5, needs_manual_grade=False)
    give(made, "test_double", manual_score=0.5, extra_credit=0.25, needs_manual_grade=False)
    with gradebook(made) as book:
        book.find_comment("essay", "n", sc.NAME, "anna").manual_comment = "well said"
        book.db.commit()
        book.update_or_create_assignment(sc.NAME, duedate="2026-01-10 12:00:00 UTC")
        book.grant_extension(sc.NAME, "anna", days=3)

    made.submit("anna", WRONG)
    grade(made)

    assert entry(made, "essay") == (None, 1.5, None, True)
    assert entry(made, "test_double") == (0.0, 0.5, 0.25, True)
    assert sc.points_of(made)["anna"] == {"n:test_double": 0.75, "n:essay": 1.5}
    with gradebook(made) as book:
        comment = book.find_comment("essay", "n", sc.NAME, "anna")
        assert (comment.manual_comment, comment.comment) == ("well said", "well said")
        submission = book.find_submission(sc.NAME, "anna")
        assert submission.extension == datetime.timedelta(days=3)


def test_an_answer_taken_back_loses_its_automatic_points(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    made.submit("anna", {"n": {}})
    grade(made)
    assert entry(made, "test_double")[0] == 0.0
    assert entry(made, "essay") == (0.0, None, None, False)
    assert sc.gradebook_of(made)["anna"]["n: double comment"] == "No response."
    made.submit("anna", ANSWERS)
    grade(made)
    assert sc.gradebook_of(made)["anna"]["n: double comment"] is None
    assert entry(made, "essay") == (None, None, None, True)


def test_tests_may_be_added_changed_and_removed_after_submissions(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    added = sc.check("test_zero", "assert double(0) == 0", 3)
    changed = sc.check("test_double", "assert double(1) == 2\nassert double(-3) == -6", 2)
    made.write_source("n", [cells()[0], changed, added, cells()[2]])
    grade(made)
    assert sc.points_of(made)["anna"] == {"n:test_double": 2.0, "n:test_zero": 3.0, "n:essay": 0.0}

    made.write_source("n", [cells()[0], added, cells()[2]])
    said = grade(made)
    assert sc.points_of(made)["anna"] == {"n:test_zero": 3.0, "n:essay": 0.0}
    assert "gone" not in said
    with gradebook(made) as book:
        assert book.find_assignment(sc.NAME).max_score == 5.0


def test_what_persons_gave_for_a_cell_that_is_gone_is_said_and_written_down(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    give(made, "test_double", manual_score=0.5, extra_credit=0.25)
    with gradebook(made) as book:
        book.find_comment("essay", "n", sc.NAME, "anna").manual_comment = "well said"
        book.db.commit()
    renamed = sc.check("test_twice", "assert double(1) == 2", 1)
    made.write_source("n", [cells()[0], renamed])
    said = grade(made)
    kept = (made.root / ".nbjudge" / "removed.txt").read_text("utf-8")
    for text in (said, kept):
        assert "'test_double' is gone from source/; anna had 0.5 by hand and 0.25 extra." in text
        assert "'essay' is gone from source/; anna had the comment 'well said'." in text
    assert sc.points_of(made)["anna"] == {"n:test_twice": 1.0}


def test_a_cell_may_become_another_kind_of_cell(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    made.write_source("n", [*sc.p2(), sc.task("essay", "Say something.", 4)])
    grade(made)
    assert entry(made, "essay") == (None, None, None, True)
    with gradebook(made) as book:
        assert book.find_assignment(sc.NAME).max_score == 5.0
        assert [c.name for c in book.find_notebook("n", sc.NAME).solution_cells] == ["double"]


def test_a_notebook_may_be_added_and_removed_after_submissions(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    grade(made)
    made.write_source("more", sc.p2())
    made.submit("anna", {**ANSWERS, "more": sc.RIGHT["p2"]})
    grade(made)
    assert sc.points_of(made)["anna"]["more:test_double"] == 1.0
    (made.root / "source" / sc.NAME / "more.ipynb").unlink()
    grade(made)
    assert sc.points_of(made)["anna"] == {"n:test_double": 1.0, "n:essay": 0.0}


def test_extra_credit_of_a_text_that_is_worth_nothing_counts(
    made: sc.SmallCourse, grade: Callable[[sc.SmallCourse], str]
) -> None:
    made.write_source(
        "n", [*sc.p2(), sc.written("free", "### BEGIN SOLUTION\n-\n### END SOLUTION", 0)]
    )
    made.submit("anna", {"n": {"double": ANSWERS["n"]["double"], "free": "A beautiful proof."}})
    grade(made)
    assert entry(made, "free") == (0.0, None, None, False)
    give(made, "free", extra_credit=0.5)
    grade(made)
    assert entry(made, "free") == (0.0, None, 0.5, False)
    report = grade_class(made.course, sc.NAME, workers=1)
    assert [row.total for row in report.marks] == [1.5]


# generate_assignment.


def generate(made: sc.SmallCourse) -> str:
    from nbgrader.converters import GenerateAssignment

    return sc.run_converter(made, GenerateAssignment)


def test_generate_assignment_with_a_test_added_after_submissions(made: sc.SmallCourse) -> None:
    generate(made)
    sc.plain_autograde(made)
    give(made, "essay", manual_score=2.0)
    made.write_source("n", [*cells(), sc.check("test_zero", "assert double(0) == 0", 3)])
    generate(made)
    released = json.loads((made.root / "release" / sc.NAME / "n.ipynb").read_bytes())
    names = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in released["cells"]]
    assert names[-1] == "test_zero"
    assert entry(made, "test_zero") == (None, None, None, True)
    assert entry(made, "essay")[1] == 2.0


def test_generate_assignment_gives_what_nbjudge_build_gives(made: sc.SmallCourse) -> None:
    (made.root / "source" / sc.NAME / "data").mkdir()
    (made.root / "source" / sc.NAME / "data" / "x.csv").write_text("1\n", "utf-8")
    (made.root / "source" / sc.NAME / ".ipynb_checkpoints").mkdir()
    (made.root / "source" / sc.NAME / ".ipynb_checkpoints" / "n-checkpoint.ipynb").write_text("{}")
    generate(made)
    files = sc.files_below(made.root / "release" / sc.NAME)
    assert sorted(files) == ["data/x.csv", "n.ipynb"]
    assert files == made.release()


def test_a_broken_source_leaves_the_release_as_it_was(made: sc.SmallCourse) -> None:
    generate(made)
    before = sc.files_below(made.root / "release")
    broken = sc.check("test_more", "### BEGIN HIDDEN TESTS\nassert True", 1)
    made.write_source("n", [*cells(), broken])
    with pytest.raises(Exception, match="ClearHiddenTests stopped") as stopped:
        generate(made)
    assert "every BEGIN has its END" in str(stopped.value)
    assert "Traceback" not in "".join(stopped.value.__notes__)
    assert sc.files_below(made.root / "release") == before


def test_generate_assignment_without_database_makes_none(made: sc.SmallCourse) -> None:
    (made.root / "gradebook.db").unlink()
    done = sc.command(made, "nbgrader", "generate_assignment", sc.NAME, "--no-db")
    assert done.returncode == 0, done.stderr
    assert (made.root / "release" / sc.NAME / "n.ipynb").is_file()
    assert not (made.root / "gradebook.db").exists()


# Late.


def late_course(tmp_path: Path, config: str) -> sc.SmallCourse:
    made = sc.make_course(
        tmp_path / "course",
        notebooks={"n": sc.p2()},
        options="prove=False,",
        config=config,
        gradebook=True,
    )
    right = {"n": sc.RIGHT["p2"]}
    made.submit("late", right, timestamp="2026-01-10 14:00:00 UTC")
    made.submit("early", right, timestamp="2026-01-10 11:00:00 UTC")
    made.submit("unknown", right)
    with gradebook(made) as book:
        book.update_or_create_assignment(sc.NAME, duedate="2026-01-10 12:00:00 UTC")
    return made


def penalties(made: sc.SmallCourse) -> dict[str, Any]:
    return {student: rows["n: late"] for student, rows in sc.gradebook_of(made).items()}


def test_late_submissions_lose_what_nbgraders_plugin_says(
    tmp_path: Path, grade: Callable[[sc.SmallCourse], str]
) -> None:
    made = late_course(tmp_path, "c.LateSubmissionPlugin.penalty_method = 'zero'")
    grade(made)
    assert penalties(made) == {"late": 1.0, "early": None, "unknown": None}
    assert sc.points_of(made)["late"] == {"n:test_double": 1.0}
    report = grade_class(made.course, sc.NAME, workers=1)
    marks = {row.student: (row.total, row.penalty) for row in report.marks}
    assert marks == {"late": (0.0, 1.0), "early": (1.0, 0.0), "unknown": (1.0, 0.0)}

    with gradebook(made) as book:
        book.grant_extension(sc.NAME, "late", hours=3)
    grade(made)
    assert penalties(made)["late"] is None


def test_a_plugin_of_the_course_says_the_penalty(
    tmp_path: Path, grade: Callable[[sc.SmallCourse], str]
) -> None:
    module = f"late_plugin_{tmp_path.name}"
    made = late_course(tmp_path, f"c.AssignLatePenalties.plugin_class = '{module}.Hourly'")
    (made.root / f"{module}.py").write_text(
        "from nbgrader.plugins import BasePlugin\n\n\n"
        "class Hourly(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return 0.125 * total_seconds_late / 3600\n",
        "utf-8",
    )
    grade(made)
    assert penalties(made) == {"late": 0.25, "early": None, "unknown": None}


def test_what_goes_wrong_with_one_submission_costs_no_other(tmp_path: Path) -> None:
    module = f"bad_plugin_{tmp_path.name}"
    made = late_course(tmp_path, f"c.AssignLatePenalties.plugin_class = '{module}.Bad'")
    (made.root / f"{module}.py").write_text(
        "from nbgrader.plugins import BasePlugin\n\n\n"
        "class Bad(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return 1 / 0\n",
        "utf-8",
    )
    (made.root / "autograded").mkdir()
    (made.root / "autograded" / "early").write_text("in the way", "utf-8")
    report = grade_class(made.course, sc.NAME, workers=1)
    assert report.graded == ["unknown"]
    assert sorted(report.failed) == ["early", "late"]
    assert "late penalty of late in ps1/n: ZeroDivisionError" in str(report.failed["late"])
    assert "Writing the graded notebooks of early" in str(report.failed["early"])
