"""Extract the engine's sentences, merge them into the catalogues, compile these.

``--check`` changes nothing and fails if a catalogue is out of date, not complete, or says
something else than English does: other placeholders, another end of the sentence.
"""

from __future__ import annotations

import io
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "nbjudge"
LANGUAGES = ("fr",)
_ENDS = ".:!?…]),;"


def template() -> Catalog:
    """Return all messages marked ``_( )`` in the package."""
    catalogue = Catalog(project="nbjudge")
    found = extract_from_dir(str(PACKAGE), method_map=[("**.py", "python")], keywords={"_": None})
    for path, _line, message, _comments, _context in sorted(found, key=lambda item: item[:2]):
        catalogue.add(message, locations=[(f"nbjudge/{path}", 0)])
    return catalogue


def path_of(language: str) -> Path:
    """Return where a language's catalogue lies."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "nbjudge.po"


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue, empty if there is none yet."""
    if not path.exists():
        return Catalog(
            locale=language,
            project="nbjudge",
            version="1",
            header_comment="# What nbjudge says to students and graders.",
            msgid_bugs_address="-",
            last_translator="The nbjudge developers",
            language_team=language,
            fuzzy=False,
        )
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def texts(catalogue: Catalog) -> dict[str, str]:
    """Return the translations of a catalogue, by message."""
    return {str(message.id): str(message.string or "") for message in catalogue if message.id}


def faults_of(catalogue: Catalog, wanted: Catalog) -> Iterator[str]:
    """Yield what is wrong with a catalogue."""
    there, asked = texts(catalogue), texts(wanted)
    for message in asked:
        if not there.get(message):
            yield f"not translated: {message}"
    for message in there.keys() - asked.keys():
        yield f"no longer said: {message}"
    for message in catalogue:
        if message.id and message.fuzzy:
            yield f"to be read again (fuzzy): {message.id}"
    for message, translation in there.items():
        if translation:
            yield from differences(message, translation)


def differences(message: str, translation: str) -> Iterator[str]:
    """Yield in what a translation is not built as its message is."""
    if _fields(message) != _fields(translation):
        yield f"other placeholders: {message}"
    if _end(message) != _end(translation):
        yield f"another end of the sentence: {message}"
    if message[:1].isspace() != translation[:1].isspace():
        yield f"another beginning: {message}"
    first, other = message[0], translation[0]
    if first.isalpha() and other.isalpha() and first.isupper() != other.isupper():
        yield f"a capital in one of them only: {message}"


def _fields(text: str) -> list[tuple[str, str, str]]:
    """Return the placeholders of ``str.format``: names with conversions and formats."""
    return sorted(
        (name, conversion or "", spec or "")
        for _literal, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    )


def _end(text: str) -> str:
    return text[-1] if text[-1:] in _ENDS else ""


def update(path: Path, language: str, wanted: Catalog) -> list[str]:
    """Merge messages into a catalogue, compile it; return what is left to do."""
    catalogue = read(path, language)
    before, created = texts(catalogue), catalogue.creation_date
    catalogue.update(wanted, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date = created
    if texts(catalogue) != before or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            write_po(stream, catalogue, width=100, include_lineno=False)
    mo = path.with_suffix(".mo")
    if not _compiled(mo, catalogue):
        made = io.BytesIO()
        write_mo(made, catalogue)
        mo.write_bytes(made.getvalue())
    return list(faults_of(catalogue, wanted))


def check(path: Path, language: str, wanted: Catalog) -> list[str]:
    """Return what is wrong with a catalogue and its compiled form."""
    catalogue = read(path, language)
    faults = list(faults_of(catalogue, wanted))
    if not _compiled(path.with_suffix(".mo"), catalogue):
        faults.append("the .mo is not compiled from the .po: make catalogues")
    return faults


def _compiled(mo: Path, catalogue: Catalog) -> bool:
    if not mo.exists():
        return False
    with mo.open("rb") as stream:
        there = texts(read_mo(stream))
    return there == {message: text for message, text in texts(catalogue).items() if text}


def main() -> int:
    """Update or check every catalogue; return the exit code."""
    checking = "--check" in sys.argv[1:]
    wanted = template()
    count = 0
    for language in LANGUAGES:
        path = path_of(language)
        for fault in (check if checking else update)(path, language, wanted):
            print(f"{language}: {fault}")
            count += 1
    print(f"{len(LANGUAGES)} catalogue(s), {len(texts(wanted))} messages, {count} fault(s)")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
