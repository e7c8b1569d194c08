"""Whose file an entry of Moodle's zip is, in each of the forms that Moodle gives it.

With « Download submissions in folders »: ``<name>_<number>_assignsubmission_file/<path>`` (before
Moodle 4.1 with a ``_`` at the end); without: ``<name>_<number>_assignsubmission_file_<file>``.
``<name>`` is the full name without its underscores, ``Participant`` in blind marking, or the name
of a team with the team's number (none for those in no team).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from nbjudge.inert import printable

_PREFIX = re.compile(
    r"(?P<label>[^_]*)(?:_(?P<number>\d{1,18}))?_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
_CLEANED = re.compile(r"[\x00-\x1f\x7f&<>\"`|':\\/]")
"""What Moodle leaves out of the names of files."""
FILES = "file"
"""The kind of what students uploaded."""


@dataclass(frozen=True)
class Uploader:
    """A person, or a team, as the zip names it."""

    label: str
    number: str | None
    """A participant's or a team's; None for those in no team."""

    @property
    def is_blind(self) -> bool:
        """Whether nobody is named."""
        return self.label.casefold() == "participant"

    def __str__(self) -> str:
        label = printable(self.label, 100)
        return label if self.number is None else f"{label} ({self.number})"


@dataclass(frozen=True)
class Place:
    """What an entry's name says."""

    uploader: Uploader
    kind: str
    """``file``, ``onlinetext`` or another way of handing in."""
    path: str
    """Of the file, among the student's."""


def place_of(name: str) -> Place | None:
    """Return whose file an entry is; None if it is nobody's.

    The first part of the path that has the form decides: all that follows is the student's.

    >>> place_of("Zoé Petit_1000002_assignsubmission_file_/src/tp1.ipynb").path
    'src/tp1.ipynb'

    Parameters
    ----------
    name
        Of the entry, with ``/``.
    """
    parts = name.split("/")
    for position, part in enumerate(parts):
        match = _PREFIX.fullmatch(part)
        if match is None:
            continue
        rest = [*([match["file"]] if match["file"] else []), *parts[position + 1 :]]
        path = "/".join(part for part in rest if part not in ("", "."))
        if not path:
            return None
        label = " ".join(unicodedata.normalize("NFC", match["label"]).split())
        number = match["number"]
        uploader = Uploader(label, None if number is None else str(int(number)))
        return Place(uploader, match["kind"], path)
    return None


def cleaned(name: str) -> str:
    """Return a name as Moodle's zip has it, for comparison: some signs less, in small letters.

    >>> cleaned("L'Été_d’Anne  O'Neil") == cleaned("LÉté d’Anne ONeil")
    True
    """
    text = _CLEANED.sub("", unicodedata.normalize("NFC", name)).replace("_", " ")
    return " ".join(text.casefold().split())


def safe_label(name: str) -> str:
    """Return a name that can stand before the number in an entry of a feedback zip."""
    text = _CLEANED.sub("", unicodedata.normalize("NFC", name)).replace("_", " ")
    text = " ".join(text.split()).strip(". ~")
    return text[:100] or "Participant"
