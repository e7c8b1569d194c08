"""Deadlines: what is configured, and until when whose submission is in time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from traitlets.config import Config

import nbjudge
from nbjudge.due import Deadlines, Due, deadlines_from, how_to_set
from nbjudge.errors import ConfigurationError
from nbjudge.gradebook import read_duedate
from nbjudge.marking.roll import Roll, Student

DATE = datetime(2025, 11, 3, 22, 59, tzinfo=UTC)


def roll(**extensions):
    return Roll(
        path="students.csv",
        students={
            name: Student(id=name, extension=timedelta(hours=hours))
            for name, hours in extensions.items()
        },
    )


def due(date=DATE, *, minutes=0, granted=None, **extensions):
    return Due(
        assignment="tp1",
        date=date,
        deadlines=Deadlines(grace=timedelta(minutes=minutes)),
        granted={name: timedelta(hours=hours) for name, hours in (granted or {}).items()},
        roll=roll(**extensions),
    )


def test_what_is_configured_is_read_back():
    c = Config()
    nbjudge.configure_deadlines(c, timezone="America/Martinique", grace_minutes=10, late="refuse")
    read = deadlines_from(c)
    assert read.timezone.key == "America/Martinique"
    assert (read.grace, read.late) == (timedelta(minutes=10), "refuse")
    assert deadlines_from(Config()) == Deadlines()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timezone": "Paris"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"grace_minutes": -1}, "grace_minutes"),
        ({"grace_minutes": 2.5}, "grace_minutes"),
        ({"grace_minutes": True}, "grace_minutes"),
        ({"grace_minutes": 10**9}, "grace_minutes"),
        ({"late": "no"}, "late"),
    ],
)
def test_a_wrong_option_is_named(options, said):
    c = Config()
    with pytest.raises(ConfigurationError, match=rf"configure_deadlines: {said} is .* must be"):
        nbjudge.configure_deadlines(c, **options)
    assert dict(c) == {}


def test_grace_and_the_longer_extension_move_the_deadline_of_a_student():
    course = due(minutes=10, granted={"ada": 1, "bob": 48}, ada=24, bob=2)
    assert course.until("ada") == DATE + timedelta(hours=24, minutes=10)
    assert course.until("bob") == DATE + timedelta(hours=48, minutes=10)
    assert course.until("eve") == DATE + timedelta(minutes=10)


def test_the_last_moment_is_in_time_and_the_next_is_late():
    course = due(minutes=10, ada=24)
    until = course.until("ada")
    assert not course.is_late("ada", until)
    assert course.is_late("ada", until + timedelta(seconds=1))


def test_nothing_is_late_without_a_due_date():
    course = due(None, ada=24)
    assert course.until("ada") is None
    assert not course.is_late("ada", DATE + timedelta(days=1000))
    assert course.last() is None


def test_the_last_extension_is_the_longest_and_names_who_has_it():
    assert due(minutes=5, granted={"bob": 48}, ada=24, eve=48).last() == (
        DATE + timedelta(hours=48, minutes=5),
        ("bob", "eve"),
    )
    assert due(minutes=5, ada=0).last() == (DATE + timedelta(minutes=5), ())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-5, 100)), st.integers(0, 60))
def test_nobody_has_time_after_the_last_extension(granted, minutes):
    course = due(minutes=minutes, granted=granted)
    last, _whose = course.last()
    assert all(course.until(student) <= last for student in [*granted, "nobody"])
    assert any(course.until(student) == last for student in [*granted, "nobody"])


def test_a_time_is_shown_in_the_courses_zone_summer_time_included():
    shown = Deadlines().shown
    assert shown(datetime(2025, 7, 1, 21, 0, tzinfo=UTC)) == (
        "Tuesday 1 July 2025 at 23:00 (Europe/Paris)"
    )
    assert shown(datetime(2025, 12, 1, 21, 0, 5, tzinfo=UTC)) == (
        "Monday 1 December 2025 at 22:00:05 (Europe/Paris)"
    )


def test_the_command_that_sets_a_date_is_read_by_nbgrader_as_meant():
    from nbgrader.utils import parse_utc

    words = how_to_set("tp1", Deadlines()).split('"')[1]
    assert parse_utc(words) == DATE.replace(tzinfo=None)


def gradebook(path):
    url = f"sqlite:///{path}"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE assignment (id TEXT, name TEXT, duedate DATETIME)"))
        connection.execute(
            text(
                "CREATE TABLE submitted_assignment (assignment_id TEXT, student_id TEXT, "
                "extension DATETIME)"
            )
        )
        connection.execute(
            text("INSERT INTO assignment VALUES ('1', 'tp1', '2025-11-03 22:59:00.000000')")
        )
        connection.execute(text("INSERT INTO assignment VALUES ('2', 'tp2', NULL)"))
        connection.execute(
            text(
                "INSERT INTO submitted_assignment VALUES"
                " ('1', 'ada', '1970-01-02 00:00:00.000000'), ('1', 'bob', NULL),"
                " ('2', 'eve', '1970-01-03 00:00:00.000000')"
            )
        )
    return url


def test_date_and_extensions_come_from_the_gradebook(tmp_path):
    url = gradebook(tmp_path / "gradebook.db")
    assert read_duedate(url, "tp1") == (datetime(2025, 11, 3, 22, 59), {"ada": timedelta(days=1)})
    assert read_duedate(url, "tp2") == (None, {"eve": timedelta(days=2)})
    assert read_duedate(url, "tp9") == (None, {})


def test_no_gradebook_has_no_date_and_none_is_made(tmp_path):
    assert read_duedate(f"sqlite:///{tmp_path}/gradebook.db", "tp1") == (None, {})
    assert not list(tmp_path.iterdir())


def test_a_broken_gradebook_is_a_sentence(tmp_path):
    (tmp_path / "gradebook.db").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match="Opening the gradebook"):
        read_duedate(f"sqlite:///{tmp_path}/gradebook.db", "tp1")
