"""A contested mark: the submission graded again in a real kernel, and who asked in a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import small_course as sc

from nbjudge.classroom import grade_class
from nbjudge.errors import HiddenTestError, TeacherError, UnknownNameError
from nbjudge.marking.chain import read_chain
from nbjudge.marking.contestation import LOG, Regrade, lines, regrade, regrades_of

pytestmark = pytest.mark.slow

ANSWERS = {"n": {"double": "def double(x):\n    return abs(x + x)", "essay": "Perhaps."}}
STRICT = "assert double(3) == 6\nassert double(-3) == -6"
MILD = "assert double(3) == 6"


def cells(test: str) -> list[sc.Cell]:
    return [
        sc.answer("double", sc.DOUBLE),
        sc.check("test_double", test, 1),
        sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 2),
    ]


@pytest.fixture
def made(tmp_path: Path) -> sc.SmallCourse:
    made = sc.make_course(
        tmp_path / "course",
        notebooks={"n": cells(STRICT)},
        options="prove=False,",
        gradebook=True,
    )
    for student in ("anna", "bert"):
        made.submit(student, ANSWERS)
    grade_class(made.course, sc.NAME)
    return made


def again(made: sc.SmallCourse, student: str = "anna", **options: Any) -> Regrade:
    return regrade(made.course, sc.NAME, student, "test_double:  mail of 2 March", **options)


def log(made: sc.SmallCourse) -> list[dict[str, Any]]:
    return read_chain(made.root / LOG)


def test_a_replay_gives_the_same_and_is_logged(made: sc.SmallCourse) -> None:
    replay = again(made)
    assert (replay.changes, replay.moved, replay.stored) == ((), False, True)
    said = list(lines(replay))
    assert said[0].startswith("A replay: the same submission, tests, seeds")
    assert "  test_double  0 -> 0 / 1" in said
    asked, answered = log(made)
    assert (asked["student"], asked["assignment"]) == ("anna", sc.NAME)
    assert asked["reason"] == "test_double: mail of 2 March"
    assert asked["who"]
    assert asked["when"] <= answered["when"]
    assert asked["before"] == answered["after"]
    assert asked["key"] == answered["key"]


def test_with_a_corrected_test_both_marks_are_shown_and_the_new_one_kept(
    made: sc.SmallCourse,
) -> None:
    made.write_source("n", cells(MILD))
    tried = again(made, dry_run=True)
    assert tried.moved
    assert log(made) == []
    assert sc.points_of(made)["anna"]["n:test_double"] == 0

    moved = again(made)
    assert [change[:22] for change in moved.changes] == ["the assignment changed"]
    for one in (tried, moved):
        assert "* test_double  0 -> 1 / 1  (failed, now passed)" in list(lines(one))
    assert any("look at: the others" in line for line in lines(moved))
    assert sc.points_of(made)["anna"]["n:test_double"] == 1
    assert sc.points_of(made)["bert"]["n:test_double"] == 0
    (entry,) = regrades_of(made.course, "anna")
    assert (entry["before"]["total"], entry["after"]["total"]) == ("0", "1")
    assert regrades_of(made.course, "bert") == []


def test_points_given_by_hand_stay_and_are_flagged(made: sc.SmallCourse) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(made.course.db_url) as book:
        grade = book.find_grade("essay", "n", sc.NAME, "anna")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    for options in ({"dry_run": True}, {}):
        one = again(made, **options)
        assert not one.moved
        assert "  essay        1.5 -> 1.5 / 2  (by hand: kept, to be reviewed)" in list(lines(one))
    assert sc.gradebook_of(made)["anna"]["n: essay"] == (None, 1.5, None, True)


def test_another_upload_is_named(made: sc.SmallCourse) -> None:
    made.submit("anna", {"n": {"double": "def double(x):\n    return 2 * x"}})
    one = again(made, dry_run=True)
    assert [change[:18] for change in one.changes] == ["the upload changed"]
    assert not one.others_too


def test_what_could_not_be_graded_is_in_the_log(made: sc.SmallCourse) -> None:
    config = made.root / "nbgrader_config.py"
    config.write_text(config.read_text("utf-8").replace("prove=False,", ""), "utf-8")
    made.write_source("n", cells("assert double(3) == 7"))
    with pytest.raises(HiddenTestError):
        again(made)
    asked, answered = log(made)
    assert answered["to"] == asked["n"]
    assert "test_double" in answered["error"]
    (entry,) = regrades_of(made.course, "anna")
    assert entry["after"] is None
    assert sc.points_of(made)["anna"]["n:test_double"] == 0


def test_what_cannot_be_graded_again_is_a_sentence_and_not_in_the_log(
    made: sc.SmallCourse,
) -> None:
    made.submit("carl", ANSWERS)
    with pytest.raises(UnknownNameError, match="nbjudge grade ps1 --student carl"):
        again(made, "carl")
    with pytest.raises(UnknownNameError, match="Near it are: anna"):
        again(made, "ana")
    with pytest.raises(TeacherError, match="reason"):
        regrade(made.course, sc.NAME, "anna", "  ")
    assert log(made) == []


def test_a_log_that_was_altered_stops_before_anything_is_graded(made: sc.SmallCourse) -> None:
    again(made)
    path = made.root / LOG
    path.write_text(path.read_text("utf-8").replace("2 March", "3 March"), "utf-8")
    made.write_source("n", cells(MILD))
    with pytest.raises(TeacherError, match="line 1"):
        again(made)
    assert sc.points_of(made)["anna"]["n:test_double"] == 0


def test_the_commands_show_log_and_explain_it(made: sc.SmallCourse) -> None:
    made.write_source("n", cells(MILD))
    done = sc.command(
        made, "nbjudge", "regrade", sc.NAME, "--student", "anna", "--reason", "test too strict"
    )
    assert done.returncode == 1, done.stderr
    assert "0 -> 1 / 1" in done.stdout
    assert str(LOG) in done.stdout
    done = sc.command(made, "nbjudge", "marks", "--explain", "anna")
    assert done.returncode == 0, done.stderr
    assert "(test too strict): 0 to 1 points (test_double 0 to 1)" in done.stdout
    done = sc.command(made, "nbjudge", "marks", "--json", "-")
    assert done.returncode == 1  # the essays wait, and bert has the mark of the old test
    students = json.loads(done.stdout)["students"]
    assert {name: s["tps"][sc.NAME]["mark"] for name, s in students.items()} == {
        "anna": "20/3",
        "bert": "0",
    }
    assert "bert: its marks are not those of now" in done.stderr
