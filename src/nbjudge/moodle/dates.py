"""Times as Moodle's worksheets say them, in English or French."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NONE = ("", "-")
"""What stands where there is no time."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv",
            "february feb fevrier fevr fev",
            "march mar mars",
            "april apr avril avr",
            "may mai",
            "june jun juin",
            "july jul juillet juil",
            "august aug aout",
            "september sept sep septembre",
            "october oct octobre",
            "november nov novembre",
            "december dec decembre",
        ),
        1,
    )
    for name in names.split()
}
_DAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lundi lun",
            "tuesday tue tues mardi mar",
            "wednesday wed mercredi mer",
            "thursday thu thur thurs jeudi jeu",
            "friday fri vendredi ven",
            "saturday sat samedi sam",
            "sunday sun dimanche dim",
        )
    )
    for name in names.split()
}
_DAY_FIRST = r"(?P<day>\d{1,2})(?:er|st|nd|rd|th)?\s+(?P<month>[a-z]+)\.?,?\s+(?P<year>\d{4})"
_MONTH_FIRST = r"(?P<month>[a-z]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})"
_WEEKDAY = r"(?:(?P<weekday>[a-z]+)\.?,?\s+)?"
_CLOCK = (
    r",?\s+(?:at\s+|a\s+)?(?P<hour>\d{1,2})\s?[:h]\s?(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_FORMS = tuple(
    re.compile(form)
    for form in (
        _WEEKDAY + _DAY_FIRST + _CLOCK,
        _WEEKDAY + _MONTH_FIRST + _CLOCK,
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[t\s](?P<hour>\d{2}):(?P<minute>\d{2})"
        r"(?::(?P<second>\d{2}))?",
    )
)


def parse_time(text: str, zone: ZoneInfo) -> datetime | None:
    """Return a time of a worksheet, in UTC; None where it says that there is none.

    Numbers alone (3/11/25) are refused: whether that is in March depends on the country.  Of the
    hour that there is twice in autumn, the first one is taken, in favour of the student.

    >>> parse_time("lundi 3 novembre 2025, 23:58", ZoneInfo("Europe/Paris"))
    datetime.datetime(2025, 11, 3, 22, 58, tzinfo=datetime.timezone.utc)

    Parameters
    ----------
    text
        Such as ``Monday, 3 November 2025, 11:58 PM``.
    zone
        The one that the worksheet is in.

    Raises
    ------
    ValueError
        If it is no time, or its day of the week is another.
    """
    text = _plain(text)
    if text in NONE:
        return None
    match = next((m for form in _FORMS if (m := form.fullmatch(text))), None)
    if match is None:
        raise ValueError("it is in no form that is known")
    said = match.groupdict()
    month = int(said["month"]) if said["month"].isdigit() else _MONTHS.get(said["month"])
    if month is None:
        raise ValueError(f"{said['month']!r} is no month in English or French")
    local = datetime(
        int(said["year"]),
        month,
        int(said["day"]),
        _hour(int(said["hour"]), said.get("half")),
        int(said["minute"]),
        int(said["second"] or 0),
        tzinfo=zone,
    )
    weekday = said.get("weekday")
    if weekday is not None and _DAYS.get(weekday) != local.weekday():
        raise ValueError(f"that day is no {weekday!r}")
    return local.astimezone(UTC)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"there is no {hour} o'clock before or after noon")
    return hour % 12 + (12 if half == "p" else 0)


def _plain(text: str) -> str:
    """Return a text in small letters without accents, with ordinary spaces."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())
