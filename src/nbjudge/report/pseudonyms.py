"""Names that stand for students: the same in every report of a course, and telling nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbjudge.marking.roll import Student

_LENGTH = 6
"""Letters of a pseudonym: 30 bits; those of one class that agree in them get more."""
_SHORTEST = 3
"""Characters of a word that is taken for a name: shorter ones are words of every language."""
_TOKEN = re.compile(r"\w[\w.@'’+-]*")
_JOINTS = re.compile(r"[.@'’_+-]+")
_PATH = re.compile(
    r"(?:(?<![\w/])/(?:home|Users|root|tmp|content|mnt|media|private|var)/|\b[A-Za-z]:\\|~/)"
    r"[^\s'\"«»<>|:;,)]*"
)


@dataclass(frozen=True)
class Pseudonyms:
    """Who is called what on a page."""

    names: Mapping[str, str]
    """By student id."""
    words: frozenset[str] = frozenset()
    """Parts of names, ids and numbers, in small letters: none of them is on an anonymous page."""
    phrases: tuple[str, ...] = ()
    """Those that are more than one word."""
    anonymous: bool = True

    def __getitem__(self, student: str) -> str:
        """Return what a student is called."""
        return self.names[student]

    def scrub(self, text: str) -> str:
        """Return a sentence without names and without paths of a student's machine.

        Sentences quote what students wrote (the words of an exception, a file's name).
        """
        if not self.anonymous:
            return text
        text = _PATH.sub("[path]", unicodedata.normalize("NFC", text))
        folded = _folded(text)
        for phrase in self.phrases:
            if phrase in folded:
                text = re.sub(re.escape(phrase), "[name]", folded, flags=re.IGNORECASE)
                folded = _folded(text)
        return _TOKEN.sub(self._without_name, text)

    def _without_name(self, match: re.Match[str]) -> str:
        token = match[0]
        whole = _folded(token)
        if whole in self.words or whole.rstrip(".'’-+@") in self.words:
            return "[name]"
        if any(part in self.words for part in _JOINTS.split(whole)):
            return "[name]"
        return token


def pseudonyms(secret: bytes, students: Iterable[str]) -> dict[str, str]:
    """Return a pseudonym for each student id.

    It is an HMAC under the course's secret: who has not got the secret can neither find the id nor
    try ids out.  The same student has the same one in every TP and every report, until the secret
    is drawn anew (``--reseed``).

    >>> sorted(pseudonyms(b"secret", ["ada", "zoe"]).values())
    ['S-ESQ2M3', 'S-YXS5OF']
    """
    length = _LENGTH
    made = {student: _letters(secret, student) for student in students}
    while len({letters[:length] for letters in made.values()}) < len(made):
        length += 1
    return {student: f"S-{letters[:length]}" for student, letters in made.items()}


def _letters(secret: bytes, student: str) -> str:
    message = b"pseudonym\0" + student.encode("utf-8", "surrogateescape")
    return base64.b32encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()


def anonymous(
    secret: bytes, students: Iterable[str], roll: Iterable[Student], texts: Iterable[str] = ()
) -> Pseudonyms:
    """Return the pseudonyms of an anonymous page.

    Parameters
    ----------
    secret
        The course's.
    students
        Their ids.
    roll
        What else is known of them.
    texts
        The course's own: a word of these is no name because an id has it (``eleve-est-absent``).
    """
    students = sorted(set(students))
    usual = {word for text in texts for word in re.findall(r"\w+", _folded(text))}
    known = [_folded(text) for person in roll for text in _texts(person)]
    ids = [_folded(text) for text in students]
    every = [text for text in (*ids, *known) if len(text) >= _SHORTEST]
    words = {word for text in known for word in _parts(text) if len(word) >= _SHORTEST}
    words |= {w for text in ids for w in _parts(text) if len(w) >= _SHORTEST and w not in usual}
    phrases = {text for text in every if not _TOKEN.fullmatch(text)}
    return Pseudonyms(
        names=pseudonyms(secret, students),
        words=frozenset(words),
        phrases=tuple(sorted(phrases, key=lambda text: (-len(text), text))),
    )


def named(students: Iterable[str], roll: Mapping[str, Student]) -> Pseudonyms:
    """Return the names of a page with names."""
    shown = {}
    for student in sorted(set(students)):
        person = roll.get(unicodedata.normalize("NFC", student))
        full = person.full_name if person else student
        shown[student] = student if full == student else f"{full} ({student})"
    return Pseudonyms(names=shown, anonymous=False)


def _texts(person: Student) -> Iterator[str]:
    yield from (person.id, person.name, person.first_name, person.number, person.email)


def _parts(text: str) -> Iterator[str]:
    """Yield a text's words, as sentences may have them."""
    yield text
    for word in text.split():
        yield from (word, *_JOINTS.split(word))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
