"""Solutions are not published before the last extension has passed."""

import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from moodle_files import make_course, set_due
from nbjudge.cli import main
from nbjudge.course import load_course
from nbjudge.errors import ConfigurationError, UnknownNameError
from nbjudge.moodle.solutions import LOG, publish

DUE = datetime(2025, 11, 3, 22, 59, tzinfo=UTC)


@pytest.fixture
def course(tmp_path):
    root = make_course(tmp_path / "course")
    set_due(root)
    (root / "students.csv").write_text("id;extension\nzoe;\nbob;2 h\neve;1 h\n", "utf-8")
    return root


def grant(root, student, time):
    with create_engine(f"sqlite:///{root}/gradebook.db").begin() as connection:
        connection.execute(
            text("INSERT INTO submitted_assignment VALUES ('1', :student, :time)"),
            {"student": student, "time": time},
        )


def published(root, after, **options):
    return publish(load_course(root), "tp1", clock=DUE + after, **options)


LAST = timedelta(hours=2, minutes=10)


def test_the_zip_holds_the_solutions(course):
    path = published(course, LAST + timedelta(seconds=1))
    assert path == course / "dist" / "tp1-solutions.zip"
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        assert b"a = 1" in archive.read(name)
    assert name == "tp1/tp1.ipynb"
    assert (course / "solutions" / "tp1" / "tp1.ipynb").is_file()
    assert not (course / LOG).exists()


@pytest.mark.parametrize("after", [timedelta(days=-9), timedelta(0), LAST])
def test_it_is_refused_until_the_last_extension_and_grace_are_over(course, after):
    with pytest.raises(ConfigurationError) as caught:
        published(course, after)
    assert str(caught.value) == (
        "Publishing the solutions of tp1: students have time until Tuesday 4 November 2025 at "
        "02:09 (Europe/Paris) (due Monday 3 November 2025 at 23:59 (Europe/Paris), with 10 min of "
        "grace and the longest extension (2 h: bob)). Try again after that; to publish all the "
        "same, add --force --reason TEXT, which is logged."
    )
    assert not (course / "dist").exists()
    assert not (course / "solutions").exists()


def test_an_extension_granted_in_the_gradebook_counts_as_well(course):
    grant(course, "ana", "1970-01-03 00:30:00.000000")
    with pytest.raises(ConfigurationError, match=r"longest extension \(2 d 30 min: ana\)"):
        published(course, LAST + timedelta(hours=1))
    assert published(course, timedelta(days=2, minutes=41)).is_file()


def test_without_a_due_date_it_says_how_to_set_it(course):
    (course / "gradebook.db").unlink()
    with pytest.raises(ConfigurationError, match=r"no due date.*nbgrader db assignment add tp1"):
        published(course, timedelta(days=99))


def test_a_reason_publishes_before_the_time_and_is_logged(course):
    path = published(course, timedelta(0), before_time="the oral is tomorrow")
    assert path.is_file()
    (line,) = (course / LOG).read_text("utf-8").splitlines()
    said = json.loads(line)
    assert said["reason"] == "the oral is tomorrow"
    assert said["assignment"] == "tp1"
    assert said["who"]
    assert "until Tuesday 4 November" in said["against"]


def test_an_unknown_name_is_said(course):
    with pytest.raises(UnknownNameError, match=r"no assignment 'tp9'"):
        publish(load_course(course), "tp9")


@pytest.mark.parametrize("options", [["--force"], ["--reason", "x"], ["--force", "--reason", " "]])
def test_force_and_reason_go_together(course, options):
    result = CliRunner().invoke(main, ["--course", str(course), "solutions", "tp1", *options])
    assert result.exit_code == 2
    assert "--force and --reason TEXT go together" in result.output


def test_the_command_ends_with_the_sentence_and_the_teachers_code(course):
    (course / "gradebook.db").unlink()
    result = CliRunner().invoke(main, ["--course", str(course), "solutions", "tp1"])
    assert (result.exit_code, result.output.count("Set it: nbgrader db")) == (2, 1)
    forced = CliRunner().invoke(
        main, ["--course", str(course), "solutions", "tp1", "--force", "--reason", "a test"]
    )
    assert forced.exit_code == 0
    assert forced.output.strip().endswith("tp1-solutions.zip")
