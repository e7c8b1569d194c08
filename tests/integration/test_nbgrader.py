"""Three ways to grade, one mark: ``nbgrader autograde``, formgrader's button, ``nbjudge grade``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import small_course as sc

from nbjudge.classroom import grade_class
from nbjudge.errors import ConfigurationError

pytestmark = pytest.mark.slow


def wrong_spread() -> dict[str, dict[str, str]]:
    answers = {name: dict(cells) for name, cells in sc.RIGHT.items()}
    answers["p1"]["stats"] = "def mean(x):\n    return x.mean()\n\n\ndef spread(x):\n    return 0.0"
    return answers


POINTS = {
    "alice": sc.RIGHT_POINTS,
    "bruno": sc.RIGHT_POINTS | {"p1:test_stats": 1.0},
    "chloe": sc.RIGHT_POINTS | {"p2:test_double": 0.0},
    "dora": dict.fromkeys(sc.MAXIMA, 0.0),
}
"""alice is right; bruno's spread is wrong; chloe's only file was renamed by her browser; dora
handed the release in as it was."""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> sc.SmallCourse:
    """Return a fresh clone with submissions: no gradebook, no release."""
    made = sc.make_course(tmp_path_factory.mktemp("school") / "course")
    made.submit("alice", timestamp="2026-01-02 10:00:00 UTC\n")
    made.submit("bruno", wrong_spread())
    folder = made.submit("chloe", {"p1": sc.RIGHT["p1"]})
    (folder / "p1.ipynb").rename(folder / "p1 (1).ipynb")
    made.submit("dora", {"p1": {}, "p2": {}})
    extra = made.root / "submitted" / "bruno" / sc.NAME / "notes"
    extra.mkdir()
    (extra / "draft.txt").write_text("my notes\n", "utf-8")
    return made


def succeeds(made: sc.SmallCourse, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a course; it ends well."""
    done = sc.command(made, *command)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def by_nbgrader(school: sc.SmallCourse, tmp_path_factory: pytest.TempPathFactory) -> sc.SmallCourse:
    made = sc.copy_course(school, tmp_path_factory.mktemp("nbgrader") / "course")
    done = succeeds(made, "nbgrader", "autograde", sc.NAME)
    assert "Warning" not in done.stderr
    return made


@pytest.fixture(scope="module")
def by_nbjudge(school: sc.SmallCourse, tmp_path_factory: pytest.TempPathFactory) -> sc.SmallCourse:
    made = sc.copy_course(school, tmp_path_factory.mktemp("nbjudge") / "course")
    done = sc.command(made, "nbjudge", "grade", sc.NAME)
    # One of the notebooks was not handed in: somebody should have a look.
    assert done.returncode == 1, done.stderr
    assert "look at: chloe: p2" in done.stdout
    assert "would not have seen" not in done.stdout
    return made


def test_nbgrader_autograde_works_in_a_fresh_clone(by_nbgrader: sc.SmallCourse) -> None:
    assert sc.points_of(by_nbgrader) == POINTS


def test_nbjudge_grade_gives_the_points_of_nbgrader_autograde(by_nbjudge: sc.SmallCourse) -> None:
    assert sc.points_of(by_nbjudge) == POINTS


def test_both_leave_the_same_gradebook(
    by_nbgrader: sc.SmallCourse, by_nbjudge: sc.SmallCourse
) -> None:
    theirs, ours = sc.gradebook_of(by_nbgrader), sc.gradebook_of(by_nbjudge)
    assert len(theirs["alice"]) > len(sc.MAXIMA)
    # nbgrader has no comment for an answer of a notebook that was not handed in.
    assert ours["chloe"].pop("p2: double comment") == "No response."
    assert theirs["chloe"].pop("p2: double comment") is None
    assert ours == theirs


def test_both_write_the_same_files_of_every_submission(
    by_nbgrader: sc.SmallCourse, by_nbjudge: sc.SmallCourse
) -> None:
    theirs = sc.files_below(by_nbgrader.root / "autograded")
    ours = sc.files_below(by_nbjudge.root / "autograded")
    # nbgrader writes no page for a notebook that was not handed in.
    missing = ours.pop(f"chloe/{sc.NAME}/p2.ipynb")
    assert f"bruno/{sc.NAME}/notes/draft.txt" in theirs
    assert f"alice/{sc.NAME}/timestamp.txt" in theirs
    assert ours == theirs
    assert (
        "No notebook p2.ipynb was found" in json.loads(missing)["metadata"]["nbjudge"]["notes"][0]
    )


def test_both_protect_graded_files_as_nbgrader_does(
    by_nbgrader: sc.SmallCourse, by_nbjudge: sc.SmallCourse
) -> None:
    for made in (by_nbgrader, by_nbjudge):
        path = made.root / "autograded" / "alice" / sc.NAME / "p1.ipynb"
        assert oct(path.stat().st_mode & 0o777) == "0o444"


def test_a_renamed_notebook_says_so(by_nbgrader: sc.SmallCourse) -> None:
    path = by_nbgrader.root / "autograded" / "chloe" / sc.NAME / "p1.ipynb"
    notes = json.loads(path.read_bytes())["metadata"]["nbjudge"]["notes"]
    assert notes == ["The file « p1 (1).ipynb » was taken as p1.ipynb."]


def test_grading_twice_changes_nothing(by_nbgrader: sc.SmallCourse) -> None:
    before = sc.gradebook_of(by_nbgrader), sc.files_below(by_nbgrader.root / "autograded")
    log = sc.plain_autograde(by_nbgrader, force=False)
    assert "Skipping existing assignment" in log
    assert (sc.gradebook_of(by_nbgrader), sc.files_below(by_nbgrader.root / "autograded")) == before
    sc.plain_autograde(by_nbgrader, student="bruno")
    assert (sc.gradebook_of(by_nbgrader), sc.files_below(by_nbgrader.root / "autograded")) == before


def test_formgraders_button_gives_the_same(
    by_nbgrader: sc.SmallCourse, school: sc.SmallCourse, tmp_path: Path
) -> None:
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    made = sc.copy_course(school, tmp_path / "course")
    config = made.course.config
    config.Exchange.root = str(tmp_path / "exchange")
    folders = CourseDirectory(config=config, root=str(made.root))
    api = NbGraderAPI(folders, config=config)
    for student in ("bruno", "chloe"):
        assert api.autograde(sc.NAME, student)["success"]
    theirs = sc.gradebook_of(by_nbgrader)
    assert sc.gradebook_of(made) == {name: theirs[name] for name in ("bruno", "chloe")}
    shown = {s["student"]: s["autograded"] for s in api.get_submissions(sc.NAME)}
    assert shown == {"bruno": True, "chloe": True, "alice": False, "dora": False}


def test_what_persons_must_still_grade_is_provisional(by_nbjudge: sc.SmallCourse) -> None:
    succeeds(by_nbjudge, "nbjudge", "grade", sc.NAME, "--student", "dora", "--csv", "marks.csv")
    lines = (by_nbjudge.root / "marks.csv").read_text("utf-8").splitlines()
    assert lines[0] == f"student,{','.join(sc.MAXIMA)},late_penalty,total,max,provisional"
    # The task is to be graded though nothing was answered; the essay is worth 0 already.
    assert lines[1] == "dora,0,0,0,0,0,0,0,0,10,yes"


def test_the_feedback_shows_points_and_nothing_that_was_hidden(by_nbjudge: sc.SmallCourse) -> None:
    succeeds(by_nbjudge, "nbjudge", "feedback", sc.NAME)
    pages = sc.files_below(by_nbjudge.root / "feedback")
    for student in POINTS:
        page = pages[f"{student}/{sc.NAME}/p1.html"].decode()
        assert "the area of the unit disc is more than 3" in page
        for secret in ("reference.area", "assert_close", "1 for a drawing", "HIDDEN", "Hello Ada"):
            assert secret not in page
    assert "The spread" in pages[f"bruno/{sc.NAME}/p1.html"].decode()
    assert "No notebook p2.ipynb was found" in pages[f"chloe/{sc.NAME}/p2.html"].decode()


def tiny_course(tmp_path: Path, config: str = "") -> sc.SmallCourse:
    """Return a course of one notebook of one question, with lines of configuration."""
    return sc.make_course(
        tmp_path / "course", notebooks={"p2": sc.p2()}, options="prove=False,", config=config
    )


@pytest.fixture
def tiny(tmp_path: Path) -> sc.SmallCourse:
    return tiny_course(tmp_path)


RIGHT = {"p2": sc.RIGHT["p2"]}


def test_what_nbgrader_cannot_see_is_graded_by_nbjudge_and_listed(tiny: sc.SmallCourse) -> None:
    tiny.submit("seen", RIGHT)
    tiny.submit("sub-folder", RIGHT)
    folder = tiny.root / "submitted" / "sub-folder" / sc.NAME
    (folder / "archive").mkdir()
    (folder / "p2.ipynb").rename(folder / "archive" / "p2.ipynb")
    folder = tiny.submit("capitals", RIGHT)
    (folder / "p2.ipynb").rename(folder / "P2.IPYNB")
    tiny.submit("[brackets]", RIGHT)
    tiny.submit("no time", RIGHT, timestamp="yesterday")
    os.mkfifo(tiny.submit("pipe", RIGHT) / "data.bin")
    (tiny.root / "submitted" / "nothing" / sc.NAME).mkdir(parents=True)
    sc.deep_file(tiny.submit("deep", RIGHT))

    report = grade_class(tiny.course, sc.NAME, workers=2)

    unseen = ["[brackets]", "capitals", "deep", "no time", "nothing", "pipe", "sub-folder"]
    assert report.unseen == unseen
    assert report.failed == {}
    assert {row.student: row.total for row in report.marks} == {
        "seen": 1.0,
        **dict.fromkeys(unseen, 1.0),
        "nothing": 0.0,
    }
    # And it is true of plain nbgrader, which grades the one it sees.
    for path in (tiny.root / "autograded").iterdir():
        path.rename(tiny.root / f"old-{path.name}")
    with pytest.raises(Exception, match=r"error log|traceback") as stopped:
        sc.plain_autograde(tiny)
    assert "no time" in str(stopped.value.__notes__)
    graded = [path.parts[-3] for path in (tiny.root / "autograded").glob("*/*/p2.ipynb")]
    assert graded == ["seen"]


def test_the_command_names_what_nbgrader_would_not_have_seen(tiny: sc.SmallCourse) -> None:
    folder = tiny.submit("capitals", RIGHT)
    (folder / "p2.ipynb").rename(folder / "P2.IPYNB")
    done = succeeds(tiny, "nbjudge", "grade", sc.NAME)
    assert "would not have seen: capitals" in done.stdout


def test_a_folder_whose_name_is_in_another_encoding_costs_nobody(tiny: sc.SmallCourse) -> None:
    tiny.submit("anna", RIGHT)
    name = os.path.join(os.fsencode(tiny.root), b"submitted", b"\xe9l\xe8ve", b"ps1")
    os.makedirs(name)
    report = grade_class(tiny.course, sc.NAME, workers=1)
    assert report.graded == ["anna"]
    assert "rename it" in "".join(report.warnings)


def test_only_the_students_named_are_graded(tiny: sc.SmallCourse) -> None:
    for student in ("anna", "ben", "carl"):
        tiny.submit(student, RIGHT)
    report = grade_class(tiny.course, sc.NAME, students=["carl", "anna", "carl"], workers=1)
    assert report.graded == ["anna", "carl"]
    assert [row.student for row in report.marks] == ["anna", "carl"]
    assert sorted(sc.points_of(tiny)) == ["anna", "carl"]


def test_an_excluded_student_is_left_out_both_ways(tmp_path: Path) -> None:
    made = tiny_course(tmp_path, config='c.CourseDirectory.student_id_exclude = "ben,carl"')
    for student in ("anna", "ben", "carl"):
        made.submit(student, RIGHT)
    grade_class(made.course, sc.NAME, workers=1)
    assert sorted(sc.points_of(made)) == ["anna"]
    sc.plain_autograde(made)
    assert sorted(sc.points_of(made)) == ["anna"]


def test_folders_and_gradebook_of_other_names_are_followed(tmp_path: Path) -> None:
    made = tiny_course(
        tmp_path,
        config='c.CourseDirectory.submitted_directory = "rendus"\n'
        'c.CourseDirectory.autograded_directory = "notes"\n'
        'c.CourseDirectory.db_url = "sqlite:///data/marks.db"\n'
        'c.CourseDirectory.course_id = "a course"\n'
        "c.CourseDirectory.groupshared = True",
    )
    (made.root / "data").mkdir()
    made.submit("anna", RIGHT)
    (made.root / "submitted").rename(made.root / "rendus")
    grade_class(made.course, sc.NAME, workers=1)
    ours = sc.files_below(made.root / "notes")
    assert list(ours) == [f"anna/{sc.NAME}/p2.ipynb"]
    assert (made.root / "data" / "marks.db").is_file()
    assert not (made.root / "gradebook.db").exists()
    succeeds(made, "nbgrader", "autograde", sc.NAME, "--force")
    assert sc.files_below(made.root / "notes") == ours
    mode = (made.root / "notes" / "anna" / sc.NAME / "p2.ipynb").stat().st_mode
    assert oct(mode & 0o777) == "0o664"


def test_another_layout_of_folders_works_with_nbgrader_and_is_refused_by_nbjudge(
    tiny: sc.SmallCourse,
) -> None:
    tiny.submit("anna", RIGHT)
    line = (
        '\nc.CourseDirectory.directory_structure = "{assignment_id}/{nbgrader_step}/{student_id}"\n'
    )
    path = tiny.root / "nbgrader_config.py"
    path.write_text(path.read_text("utf-8") + line, "utf-8")
    (tiny.root / sc.NAME / "submitted").mkdir(parents=True)
    (tiny.root / "submitted" / "anna" / sc.NAME).rename(tiny.root / sc.NAME / "submitted" / "anna")
    (tiny.root / "source" / sc.NAME).rename(tiny.root / sc.NAME / "source")
    with pytest.raises(ConfigurationError, match="directory_structure"):
        _ = tiny.course
    succeeds(tiny, "nbgrader", "autograde", sc.NAME)
    graded = tiny.root / sc.NAME / "autograded" / "anna" / "p2.ipynb"
    assert "1 / 1 points" in graded.read_text("utf-8")


def test_a_file_that_students_hand_in_changed_is_theirs_in_the_kernel(tmp_path: Path) -> None:
    cells = [
        sc.given("from tools import triple"),
        sc.answer("use", "### BEGIN SOLUTION\nvalue = triple(2)\n### END SOLUTION"),
        sc.check("test_use", "assert value == 6", 1, tags=["nbjudge-inside"]),
    ]
    made = sc.make_course(
        tmp_path / "course",
        notebooks={"n": cells},
        config=f'c.Autograde.exclude_overwriting = {{"{sc.NAME}": ["tools.py"]}}',
    )
    tools = made.root / "source" / sc.NAME / "tools.py"
    tools.write_text("def triple(x):\n    return 3 * x\n", "utf-8")
    wrong, right = "def triple(x):\n    return x\n", "def triple(x):\n    return x + x + x\n"
    for student, source in (("wrong", wrong), ("right", right)):
        folder = made.submit(student, {"n": {"use": "value = triple(2)"}})
        (folder / "tools.py").write_text(source, "utf-8")
    made.submit("without", {"n": {"use": "value = triple(2)"}})
    expected = {"wrong": 0.0, "right": 1.0, "without": 1.0}
    grade_class(made.course, sc.NAME, workers=2)
    assert {s: p["n:test_use"] for s, p in sc.points_of(made).items()} == expected
    ours = sc.files_below(made.root / "autograded")
    assert ours[f"wrong/{sc.NAME}/tools.py"].decode() == wrong
    sc.plain_autograde(made)
    assert {s: p["n:test_use"] for s, p in sc.points_of(made).items()} == expected
    assert sc.files_below(made.root / "autograded") == ours


def test_no_execute_is_refused_and_nobody_is_graded(tiny: sc.SmallCourse) -> None:
    tiny.submit("anna", RIGHT)
    done = sc.command(tiny, "nbgrader", "autograde", sc.NAME, "--no-execute")
    assert done.returncode == 1
    assert "nbjudge runs every notebook" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tiny.root / "autograded").exists()
    assert not (tiny.root / "gradebook.db").exists()


def test_preprocessors_without_the_judge_are_refused(tmp_path: Path) -> None:
    made = sc.make_course(
        tmp_path / "course",
        notebooks={"p2": sc.p2()},
        config='c.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.Execute"]',
    )
    made.submit("anna", RIGHT)
    with pytest.raises(Exception, match=r"does not hold nbjudge\.bridge\.Judge"):
        sc.plain_autograde(made)
    assert not (made.root / "gradebook.db").exists()


def test_a_timeout_of_nbgraders_own_counts_both_ways(tmp_path: Path) -> None:
    made = tiny_course(tmp_path, config="c.Execute.timeout = 2")
    loop = {"p2": {"double": "while True:\n    pass"}}
    made.submit("loop", loop)
    report = grade_class(made.course, sc.NAME, workers=1)
    assert report.marks[0].total == 0
    ours = sc.files_below(made.root / "autograded")
    assert b"took too long" in ours[f"loop/{sc.NAME}/p2.ipynb"]
    sc.plain_autograde(made)
    assert sc.points_of(made) == {"loop": {"p2:test_double": 0.0}}
