"""Which student a participant of Moodle is.

The roll says who there is; the worksheet offers a student's number, user name, e-mail address and
name, or in blind marking nothing.  A name alone identifies only where nobody else has it and
nothing speaks against it: homonyms are two students.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nbjudge.marking.roll import Roll, Student
from nbjudge.moodle.layout import cleaned
from nbjudge.moodle.ledger import SURE, Known

MADE, NAME = "made", "name"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A participant as zip and worksheet know them."""

    key: str
    """Moodle's number; of a team without known members its name."""
    name: str = ""
    """Empty in blind marking."""
    email: str = ""
    number: str = ""
    username: str = ""
    team: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'Participant'} ({self.key})"


def identify(
    people: Sequence[Person], roll: Roll | None, known: Mapping[str, Known]
) -> tuple[dict[str, Known], dict[str, str]]:
    """Return the student of each participant, and a sentence about each who is doubtful.

    Everyone has a student: who is not found in the roll gets an id made from what Moodle says, the
    same one each time.  No two participants get the same student.

    Parameters
    ----------
    people
        All who are to be identified.
    roll
        Of the course; None without one.
    known
        Who was who before, by key: it stands unless something surer is known now.
    """
    found: dict[str, Known] = {}
    doubts: dict[str, str] = {}
    index = _Index(roll.students.values() if roll else ())
    homonyms = Counter(_words(person.name) for person in people if person.name)
    for person in people:
        enrolled, by, doubt = _in_roll(person, index, alone=homonyms[_words(person.name)] == 1)
        before = known.get(person.key)
        if enrolled is not None and not (before and before.by in SURE and by == NAME):
            found[person.key] = _as(person, enrolled.id, by)
        elif before is not None and (not doubt or before.by == MADE):
            found[person.key] = replace(
                before, name=person.name or before.name, team=person.team or before.team
            )
        else:
            found[person.key] = _as(person, _made(person, people, roll), MADE)
        if doubt:
            doubts[person.key] = f"{person}: {doubt}; taken as {found[person.key].student}."
        elif roll and found[person.key].student not in roll.students and person.name:
            doubts[person.key] = (
                f"{person}: not in {roll.path.name}; taken as {found[person.key].student}."
            )
    _separate(people, found, doubts, known)
    return found, doubts


def _separate(
    people: Sequence[Person],
    found: dict[str, Known],
    doubts: dict[str, str],
    known: Mapping[str, Known],
) -> None:
    """Give two participants that were taken for one student an id of their own each.

    Someone may be a participant twice where a second assignment was made in Moodle for those who
    were late: what is sure of them says so.
    """
    several = Counter(one.student for one in found.values())
    earlier = {one.student for key, one in known.items() if key not in found}
    for person in people:
        one = found[person.key]
        if several[one.student] > 1 or (one.student in earlier and one.by not in SURE):
            own = f"participant-{_slug(person.key)}"
            found[person.key] = _as(person, own, MADE)
            doubts[person.key] = (
                f"{person}: another participant is {one.student} as well; taken as {own}. Put it "
                "right in Moodle or in students.csv, and collect again."
            )


def _as(person: Person, student: str, by: str) -> Known:
    return Known(student=student, by=by, name=person.name, team=person.team)


class _Index:
    """The roll, by all that a worksheet may have of a student."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.sure: dict[str, dict[str, Student]] = {kind: {} for kind in SURE}
        self.names: dict[tuple[str, ...], list[Student]] = {}
        everyone = list(students)
        for student in everyone:
            self._add("number", student.number, student)
            self._add("e-mail", student.email, student)
            words = _words(f"{student.first_name} {student.name}")
            if words:
                self.names.setdefault(words, []).append(student)
        # A number is often the id, and either may be the name to log in with.
        for student in everyone:
            self._add("number", student.id, student)
            self._add("user name", student.id, student)
        for student in everyone:
            self._add("user name", student.number, student)

    def _add(self, kind: str, value: str, student: Student) -> None:
        if value:
            self.sure[kind].setdefault(value.casefold(), student)


def _in_roll(person: Person, index: _Index, *, alone: bool) -> tuple[Student | None, str, str]:
    """Return a student of the roll, how they were found, and what is in doubt."""
    offered = {"number": person.number, "user name": person.username, "e-mail": person.email}
    hits = {
        kind: index.sure[kind][value.casefold()]
        for kind, value in offered.items()
        if value and value.casefold() in index.sure[kind]
    }
    if len({student.id for student in hits.values()}) > 1:
        said = ", ".join(f"the {kind} is that of {student.id}" for kind, student in hits.items())
        return None, "", f"in students.csv {said}"
    for kind, student in hits.items():
        return student, kind, ""
    namesakes = index.names.get(_words(person.name), []) if person.name else []
    if not namesakes:
        return None, "", ""
    if len(namesakes) > 1 or not alone:
        return None, "", "the name alone does not say who it is (homonyms)"
    (student,) = namesakes
    for what, here, there in (
        ("number", person.number, student.number),
        ("e-mail", person.email, student.email),
    ):
        if here and there and here.casefold() != there.casefold():
            return None, "", f"{student.id} of students.csv has the same name and another {what}"
    return student, NAME, ""


def _made(person: Person, people: Sequence[Person], roll: Roll | None) -> str:
    """Return an id for who is not in the roll: what is the same in every assignment, if it can.

    Moodle's own number of a participant is another one in each.
    """
    for field in ("number", "username", "email"):
        value = str(getattr(person, field)).lower()
        shared = sum(str(getattr(other, field)).lower() == value for other in people) > 1
        enrolled = roll is not None and value in roll.students
        if _SAFE.fullmatch(value) and not shared and not enrolled:
            return value
    name, key = _slug(person.name) or "participant", _slug(person.key)
    return key if key.startswith(name) else f"{name}-{key}"


def _slug(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "-".join(re.findall(r"[a-z0-9]+", letters.encode("ascii", "ignore").decode()))[:80]


def _words(name: str) -> tuple[str, ...]:
    """Return a name as it is compared: its words in any order, without accents and case.

    And without the signs that Moodle leaves out of the names in a zip.
    """
    letters = unicodedata.normalize("NFKD", cleaned(name.replace("’", "'")))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return tuple(sorted(re.findall(r"\w+", plain)))
