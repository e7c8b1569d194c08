"""Times of Moodle's worksheets, in two languages and through summer time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.moodle.dates import parse_time

PARIS = ZoneInfo("Europe/Paris")
DAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
}
MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}


def english(time):
    half = "AM" if time.hour < 12 else "PM"
    return (
        f"{DAYS['en'][time.weekday()]}, {time.day} {MONTHS['en'][time.month - 1]} {time.year}, "
        f"{time.hour % 12 or 12}:{time.minute:02} {half}"
    )


def french(time):
    return (
        f"{DAYS['fr'][time.weekday()]} {time.day} {MONTHS['fr'][time.month - 1]} {time.year}, "
        f"{time.hour:02}:{time.minute:02}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Monday, 3 November 2025, 11:58 PM",
        "Monday, November 3, 2025, 11:58 PM",
        "lundi 3 novembre 2025, 23:58",
        "Lundi 3 Novembre 2025, 23h58",
        "lundi 3 nov. 2025, 23:58",
        "3 novembre 2025 à 23:58",
        "lundi\N{NO-BREAK SPACE}3 novembre 2025, 23:58",
        "Monday, 3 November 2025, 11:58\N{NARROW NO-BREAK SPACE}PM",
        "2025-11-03 23:58",
        "2025-11-03 23:58:00",
    ],
)
def test_every_form_is_the_same_moment(text):
    assert parse_time(text, PARIS) == datetime(2025, 11, 3, 22, 58, tzinfo=UTC)


@pytest.mark.parametrize("text", ["-", "", " ", " - "])
def test_no_time_is_none(text):
    assert parse_time(text, PARIS) is None


@settings(deadline=None)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_what_moodle_writes_is_read_in_both_languages(time):
    time = time.replace(second=0, microsecond=0)
    meant = time.replace(tzinfo=PARIS).astimezone(UTC)
    assert parse_time(english(time), PARIS) == meant
    assert parse_time(french(time), PARIS) == meant


def test_noon_and_midnight_are_where_they_belong():
    assert parse_time("Monday, 3 November 2025, 12:00 AM", PARIS).hour == 23  # the day before
    assert parse_time("Monday, 3 November 2025, 12:00 PM", PARIS).hour == 11


def test_summer_time_is_an_hour_more():
    assert parse_time("mardi 1 juillet 2025, 12:00", PARIS).hour == 10
    assert parse_time("mercredi 31 décembre 2025, 12:00", PARIS).hour == 11


def test_the_hour_that_there_is_twice_is_the_first_one():
    assert parse_time("dimanche 26 octobre 2025, 02:30", PARIS) == datetime(
        2025, 10, 26, 0, 30, tzinfo=UTC
    )


def test_another_zone_is_another_moment():
    text = "lundi 3 novembre 2025, 23:58"
    assert parse_time(text, ZoneInfo("America/Martinique")).day == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3/11/2025 23:58", "no form"),
        ("lunes 3 noviembre 2025, 23:58", "no month"),
        ("Tuesday, 3 November 2025, 11:58 PM", "no 'tuesday'"),
        ("martedi 4 novembre 2025, 23:58", "no 'martedi'"),
        ("Monday, 3 November 2025, 13:58 PM", "13 o'clock"),
        ("lundi 3 novembre 2025, 24:58", "hour"),
        ("lundi 31 novembre 2025, 23:58", "day"),
        ("lundi 3 novembre 2025", "no form"),
        ("yesterday", "no form"),
        ("3 novembre 0000, 10:00", "year"),
    ],
)
def test_anything_else_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        parse_time(text, PARIS)
