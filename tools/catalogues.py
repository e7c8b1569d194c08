"""Extract the engine's sentences, merge them into the catalogues, compile these.

``--check`` changes nothing and fails if a catalogue is out of date or not complete.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "nbjudge"


def template() -> Catalog:
    """Return all messages marked ``_( )`` in the package."""
    catalogue = Catalog(project="nbjudge")
    found = extract_from_dir(str(PACKAGE), method_map=[("**.py", "python")], keywords={"_": None})
    for path, _line, message, _comments, _context in sorted(found, key=lambda item: item[:2]):
        catalogue.add(message, locations=[(f"nbjudge/{path}", 0)])
    return catalogue


def main() -> int:
    """Update or check every catalogue; return the exit code."""
    checking = "--check" in sys.argv[1:]
    faults = 0
    paths = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/nbjudge.po"))
    for path in paths:
        with path.open("rb") as stream:
            catalogue = read_po(stream, locale=path.parent.parent.name)
        before = {message.id for message in catalogue if message.id}
        wanted = template()
        missing = sorted(m.id for m in wanted if m.id and not (catalogue.get(m.id) or m).string)
        for message in missing:
            print(f"{path.name}: not translated: {message}")
        wrong = [m.id for m in catalogue if m.id and list(m.check())]
        for message in wrong:
            print(f"{path.name}: other placeholders: {message}")
        faults += len(missing) + len(wrong)
        made = io.BytesIO()
        if checking:
            faults += before != {m.id for m in wanted if m.id}
            write_mo(made, catalogue)
            mo = path.with_suffix(".mo")
            if not mo.exists() or mo.read_bytes() != made.getvalue():
                print(f"{mo.name} is not compiled from {path.name}: make catalogues")
                faults += 1
            continue
        catalogue.update(wanted, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as stream:
            write_po(stream, catalogue, width=100, omit_header=False, no_location=True)
        write_mo(made, catalogue)
        path.with_suffix(".mo").write_bytes(made.getvalue())
    print(f"{len(paths)} catalogue(s), {faults} fault(s)")
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
