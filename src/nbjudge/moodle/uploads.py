"""What lies in a zip of Moodle, unpacked into a folder of its own for each uploader."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbjudge.errors import ArchiveError
from nbjudge.inert import printable
from nbjudge.moodle.archive import Archive, Bounds, check_room, file_name
from nbjudge.moodle.layout import FILES, Uploader, place_of

TIMESTAMP = "timestamp.txt"
"""nbgrader believes it: it is written here, and never a student's."""
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What operating systems put into a zip that a person made anew."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """The files of one uploader in one zip."""

    uploader: Uploader
    folder: Path
    digest: str
    modified: datetime | None
    """The newest time in the zip, without a zone: a hint, it may be that of the download."""


@dataclass
class Contents:
    """What one zip held."""

    path: Path
    uploads: list[Unpacked] = field(default_factory=list)
    without_file: list[Uploader] = field(default_factory=list)
    """Who is in the zip with nothing but an online text."""
    notes: list[str] = field(default_factory=list)
    """What was not taken, and whose it is."""


def unpack(path: Path, into: Path, bounds: Bounds | None = None) -> Contents:
    """Unpack a zip of submissions into a folder, one folder in it for each uploader.

    Parameters
    ----------
    path
        The zip.
    into
        A folder that is made for it.
    bounds
        What the zip may come to.

    Raises
    ------
    ArchiveError
        If it may do harm, is broken, or is not Moodle's.
    DiskFull
        If there is no room.
    """
    into.mkdir()
    contents = Contents(path)
    with Archive(path, bounds) as archive:
        check_room(into, sum(entry.size for entry in archive.entries))
        folders: dict[Uploader, _Folder] = {}
        texts: dict[Uploader, str] = {}
        strange = []
        for entry in archive.entries:
            place = place_of(entry.name)
            if place is None:
                if not any(part in _JUNK for part in entry.name.split("/")):
                    strange.append(entry.name)
            elif place.kind != FILES:
                texts[place.uploader] = place.kind
            else:
                folder = folders.get(place.uploader)
                if folder is None:
                    folder = folders[place.uploader] = _Folder(into / str(len(folders)))
                target = folder.add(place.path, entry.modified)
                if target is None:
                    contents.notes.append(
                        f"{place.uploader}: the file {_shown(place.path)} was left out"
                        f"{_why(place.path)}."
                    )
                else:
                    archive.extract(entry, target)
    if not folders and not texts:
        raise ArchiveError(_not_moodles(path, strange))
    for uploader, kind in texts.items():
        contents.notes.append(
            f"{uploader}: handed in {'an online text' if kind == 'onlinetext' else kind}, which is "
            f"not read{'' if uploader in folders else '; and no file'}."
        )
    contents.without_file += [uploader for uploader in texts if uploader not in folders]
    if strange:
        names = ", ".join(_shown(name) for name in strange[:_SHOWN])
        contents.notes.append(
            f"{path.name}: {len(strange)} entries are of no participant and were left out ({names}"
            f"{', ...' if len(strange) > _SHOWN else ''})."
        )
    for uploader, folder in folders.items():
        if not folder.taken:
            continue
        contents.uploads.append(
            Unpacked(
                uploader=uploader,
                folder=folder.path,
                digest=digest_of(folder.path),
                modified=folder.modified,
            )
        )
    return contents


class _Folder:
    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self.taken: set[str] = set()
        self.modified: datetime | None = None

    def add(self, path: str, modified: datetime | None) -> Path | None:
        """Return where a file is to be written; None if it is left out."""
        name = None if path == TIMESTAMP else file_name(path, self.taken)
        if name is None:
            return None
        if modified is not None:
            self.modified = modified if self.modified is None else max(self.modified, modified)
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _why(path: str) -> str:
    if path == TIMESTAMP:
        return " (that file says when a submission arrived, and is written by nbjudge)"
    return " (no file here can have its name, or another one has it)"


def _not_moodles(path: Path, names: Sequence[str]) -> str:
    there = ", ".join(_shown(name) for name in names[:_SHOWN]) or "nothing"
    return (
        f"Reading {path}: it is no zip of submissions from Moodle; expected entries such as « Zoé "
        f"Petit_1000002_assignsubmission_file/tp1.ipynb », found {there}. On the assignment's page "
        "choose « Download all submissions » (« Télécharger tous les travaux remis »). Nothing was "
        "collected."
    )


def _shown(name: str) -> str:
    return repr(printable(name, 120))


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their paths in it, sorted; what is no file, too."""
    found = []
    for directory, folders, names in os.walk(folder):
        place = Path(directory)
        links = [name for name in folders if (place / name).is_symlink()]
        found += [place / name for name in (*names, *links)]
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in found)


def digest_of(folder: Path) -> str:
    """Return a digest of what was uploaded: names and bytes, without the time of arrival."""
    digest = hashlib.sha256()
    for name, path in files_of(folder):
        if name == TIMESTAMP:
            continue
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        if path.is_symlink() or not path.is_file():
            digest.update(b"no file")
            continue
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
