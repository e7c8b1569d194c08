"""``nbjudge purge``: a year's personal data goes as a whole, and nothing else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import small_course as sc

from nbjudge import purge
from nbjudge.errors import ConfigurationError

OLD, NEW = datetime(2021, 3, 4, tzinfo=UTC), datetime(2022, 3, 4, tzinfo=UTC)
WHEN = {
    "ada": [OLD],
    "bob": [OLD, datetime(2021, 8, 31, 12, tzinfo=UTC)],
    "cleo": [OLD, NEW],  # came back
    "dan": [NEW],
    "eve": [datetime(2021, 9, 1, 12, tzinfo=UTC)],
}
TABLES = (
    *("marks.csv", "students.csv", "report.html", ".nbgrader.log", "gradebook.db.bak"),
    *("dist/Notes.csv", "dist/tp1-feedback.zip", "dist/tp1-feedback-2.zip"),
)
SECRET = "un-nom-reconnaissable"


def put(path: Path, text: str = SECRET, when: datetime = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path


@pytest.fixture
def made(tmp_path: Path) -> sc.SmallCourse:
    """A course of which every file of students is there, by hand: nothing is graded."""
    notebooks = {"n": [sc.text("# Vide")]}
    made = sc.make_course(tmp_path / "course", notebooks=notebooks, gradebook=True)
    root = made.root
    (root / "solutions").mkdir()
    put(root / "release" / sc.NAME / "n.ipynb", "{}")
    put(root / "solutions" / "n.ipynb", "{}")
    put(root / "judge" / sc.NAME / "hidden.py", "x = 1")
    put(root / "dist" / "tp1.zip", "the release")
    put(root / "autograded" / "README.md", "of the course")
    put(root / ".nbjudge" / "course.secret", "00" * 32)
    _fill(root / "gradebook.db")
    for student in WHEN:
        for step in ("submitted", "autograded", "feedback", ".nbjudge/results"):
            put(root / step / student / sc.NAME / "n.ipynb", when=NEW).chmod(0o444)
    for name in TABLES:
        put(root / name)
    put(root / "marks-new.csv", when=NEW)
    put(root / ".nbjudge" / "moodle" / "ledger.json")
    put(root / ".nbjudge" / "frozen" / "2021-06-01" / "marks.json").chmod(0o444)
    (root / ".nbjudge" / "frozen" / "2021-06-01").chmod(0o555)
    put(root / ".nbjudge" / "contestations.jsonl")
    yield made
    (root / ".nbjudge" / "frozen").is_dir() and [
        path.chmod(0o755) for path in (root / ".nbjudge" / "frozen").iterdir() if path.is_dir()
    ]


def everything(made: sc.SmallCourse) -> set[str]:
    return {
        str(path.relative_to(made.root)) for path in made.root.rglob("*") if not path.is_dir()
    } - {".nbjudge/grading.lock"}


def _fill(database: Path) -> None:
    """Write students, submissions, notebooks, grades and comments as nbgrader does."""
    with closing(sqlite3.connect(database)) as connection, connection:
        (course,) = connection.execute("SELECT id FROM course").fetchone()

        def put(table: str, **values: object) -> None:
            names, holes = ", ".join(values), ", ".join("?" for _value in values)
            connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({holes})",  # noqa: S608 - our own words
                tuple(values.values()),
            )

        put("base_cell", id="cell", name="q", type="GradeCell", notebook_id="book1")
        for number in (1, 2):
            put("assignment", id=f"a{number}", name=f"tp{number}", course_id=course)
            put("notebook", id=f"book{number}", name="n", assignment_id=f"a{number}")
        for student, moments in WHEN.items():
            put("student", id=student, last_name=SECRET)
            for number, moment in enumerate(moments, start=1):
                one = f"{student}-{number}"
                put(
                    "submitted_assignment", id=one, assignment_id=f"a{number}", student_id=student,
                    timestamp=moment.strftime("%Y-%m-%d %H:%M:%S.000000"),
                )  # fmt: skip
                put("submitted_notebook", id=one, assignment_id=one, notebook_id=f"book{number}")
                put(
                    "grade",
                    id=one,
                    cell_id="cell",
                    notebook_id=one,
                    auto_score=1.0,
                    needs_manual_grade=0,
                )
                put("comment", id=one, cell_id="cell", notebook_id=one, manual_comment=SECRET)
        put("student", id="nobody")


def rows(made: sc.SmallCourse) -> set[str]:
    """The students in the gradebook; and that nothing hangs in the air there."""
    with closing(sqlite3.connect(made.root / "gradebook.db")) as connection:
        found = {name for (name,) in connection.execute("SELECT id FROM student")}
        left = {}
        for table in ("submitted_assignment", "submitted_notebook", "grade", "comment"):
            every = connection.execute(f"SELECT id FROM {table}")  # noqa: S608 - our own words
            left[table] = {name.rpartition("-")[0] for (name,) in every}
    assert all(names == found - {"nobody"} for names in left.values()), left
    return found


def of(students: str, files: set[str]) -> set[str]:
    return {f for f in files if set(students.split()) & set(Path(f).parts)}


def test_without_yes_it_only_says_what_would_go(made):
    before, names = everything(made), rows(made)
    done = sc.command(made, "nbjudge", "purge", "--year", "2020")
    assert done.returncode == 0, done.stderr
    assert "Students: 2 (ada, bob)" in done.stdout
    assert "submitted/: 2 folders" in done.stdout
    assert "gradebook: 2 students" in done.stdout
    assert "Stay, active at another time: 3 students" in done.stdout
    assert "Stay, of unknown date: 1 students (nobody)" in done.stdout
    assert "Nothing was removed" in done.stdout
    assert everything(made) == before
    assert rows(made) == names


def test_a_year_goes_as_a_whole_and_the_rest_stays(made):
    before = everything(made)
    done = sc.command(made, "nbjudge", "purge", "--year", "2020", "--yes")
    assert done.returncode == 0, done.stderr
    gone = before - everything(made)
    assert gone == of("ada bob", before) | {*TABLES, ".nbjudge/moodle/ledger.json"}
    assert len(of("ada bob", before)) == 8
    # Who came back keeps what is of the first year as well.
    assert rows(made) == {"cleo", "dan", "eve", "nobody"}
    assert "Removed." in done.stdout
    again = sc.command(made, "nbjudge", "purge", "--year", "2020", "--yes")
    assert "There is nothing to remove." in again.stdout


def test_before_a_date_all_of_the_time_before_goes(made):
    done = sc.command(made, "nbjudge", "purge", "--before", "2023-01-01", "--yes", "--frozen")
    assert done.returncode == 0, done.stderr
    # With the last dated student go the names that have no date.
    assert rows(made) == set()
    assert everything(made) == {
        "nbgrader_config.py", f"source/{sc.NAME}/n.ipynb", f"release/{sc.NAME}/n.ipynb",
        "solutions/n.ipynb", f"judge/{sc.NAME}/hidden.py", "autograded/README.md",
        "gradebook.db", ".nbjudge/course.secret", "dist/tp1.zip",
    } | {f for f in everything(made) if f.startswith("source/")}  # fmt: skip


def test_what_juries_saw_stays_unless_asked_for(made):
    sc.command(made, "nbjudge", "purge", "--before", "2023-01-01", "--yes")
    assert (made.root / ".nbjudge" / "frozen" / "2021-06-01" / "marks.json").is_file()
    assert (made.root / ".nbjudge" / "contestations.jsonl").is_file()


def test_nothing_of_who_is_gone_stays_in_the_gradebooks_file(made):
    database = made.root / "gradebook.db"
    assert SECRET.encode() in database.read_bytes()
    done = sc.command(made, "nbjudge", "purge", "--before", "2023-01-01", "--yes")
    assert done.returncode == 0, done.stderr
    assert SECRET.encode() not in database.read_bytes()
    assert b"cleo" not in database.read_bytes()


def test_a_submission_that_is_not_in_the_gradebook_has_the_date_of_its_timestamp(made):
    folder = made.root / "submitted"
    put(folder / "old" / sc.NAME / "timestamp.txt", "2021-03-04 10:00:00 Europe/Paris", NEW)
    put(folder / "new" / sc.NAME / "timestamp.txt", "2022-03-04 10:00:00 UTC", OLD)
    put(folder / "file" / sc.NAME / "n.ipynb", when=OLD)
    put(folder / "odd" / sc.NAME / "timestamp.txt", "bientôt", OLD)
    planned = purge.plan(made.course, purge.year(2020))
    assert set(planned.students) == {"ada", "bob", "old", "file", "odd"}


def test_a_link_goes_and_what_it_points_to_stays(made, tmp_path):
    outside = put(tmp_path / "outside" / sc.NAME / "n.ipynb", when=OLD)
    link = made.root / "submitted" / "ada" / "link"
    link.symlink_to(outside.parent.parent)
    (made.root / "feedback" / "ada").rename(tmp_path / "moved")
    (made.root / "feedback" / "ada").symlink_to(tmp_path / "moved")
    done = sc.command(made, "nbjudge", "purge", "--year", "2020", "--yes")
    assert done.returncode == 0, done.stderr
    assert not (made.root / "feedback" / "ada").is_symlink()
    assert not link.is_symlink()
    assert outside.is_file()
    assert any((tmp_path / "moved").rglob("n.ipynb"))


@pytest.mark.parametrize("place", ["source", ".", "judge", "source/handed", "release"])
def test_a_folder_of_the_course_is_never_emptied(made, place):
    config = made.root / "nbgrader_config.py"
    text = config.read_text("utf-8")
    config.write_text(f"{text}\nc.CourseDirectory.submitted_directory = {place!r}\n", "utf-8")
    before = everything(made)
    done = sc.command(made, "nbjudge", "purge", "--before", "2023-01-01", "--yes")
    assert done.returncode == 2
    assert "nothing is removed" in done.stderr
    assert everything(made) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--year YEAR or --before DATE"),
        (["--year", "2020", "--before", "2021-01-01"], "one of them"),
        (["--year", "2199"], "is not over"),
        (["--before", "2199-01-01"], "still to come"),
        (["--before", "yesterday"], "yesterday"),
    ],
)
def test_what_cannot_be_meant_is_refused(made, arguments, words):
    before = everything(made)
    done = sc.command(made, "nbjudge", "purge", *arguments, "--yes")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(made) == before


def test_while_a_class_is_graded_nothing_is_removed(made):
    from nbjudge.writer_lock import only_writer

    before = everything(made)
    planned = purge.plan(made.course, purge.year(2020))
    with only_writer(made.root, sc.NAME), pytest.raises(ConfigurationError, match="at work"):
        purge.remove(planned)
    assert everything(made) == before


def test_the_academic_year_is_over_on_1_september():
    with pytest.raises(ConfigurationError):
        purge.year(2025, datetime(2026, 8, 31, 23, tzinfo=UTC).astimezone())
    span = purge.year(2025, datetime(2026, 9, 2, tzinfo=UTC).astimezone())
    assert datetime(2025, 9, 1, 12, tzinfo=UTC) in span
    assert datetime(2026, 8, 31, 12, tzinfo=UTC) in span
    assert datetime(2026, 9, 1, 12, tzinfo=UTC) not in span
    assert datetime(2025, 8, 31, 12, tzinfo=UTC) not in span
