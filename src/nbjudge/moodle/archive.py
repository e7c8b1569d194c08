"""Zips from outside, looked at before a byte of them is written anywhere.

A zip of a whole class holds what students chose to upload.  Whatever could leave the folder, fill
the disk or come out as something other than a file is refused, as a whole: a part of a class that
was quietly left out would be worse.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from nbjudge.errors import ArchiveError, DiskFull
from nbjudge.inert import printable
from nbjudge.limits import MIB

_UTF8_FLAG, _ENCRYPTED = 0x800, 0x1
_UNICODE_PATH = 0x7075
_CHUNK = MIB
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # of which NotImplementedError is one: an unknown method, a missing password
)
"""What the reader stops with where bytes are not as they should be."""
_NAME_BYTES = 250


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a zip may come to; a class of 500 hands in some 2 GiB at most."""

    entries: int = 100_000
    total_bytes: int = 8 * 1024 * MIB
    ratio: int = 200
    """Unpacked to packed, of an entry or a whole zip that is larger than ``ratio_from_bytes``."""
    ratio_from_bytes: int = 64 * MIB
    depth: int = 32
    """Folders in folders."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a zip."""

    name: str
    """With ``/``, no part of which is empty, ``.`` or ``..``."""
    size: int
    modified: datetime | None
    """Without a zone; a zip has the local time of who made it."""
    info: zipfile.ZipInfo


class Archive:
    """A zip that was looked at; open until it is closed.

    Parameters
    ----------
    path
        The file.
    bounds
        What it may come to.

    Raises
    ------
    ArchiveError
        If it is no whole zip, or may do harm.
    """

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        self.path = path
        self._bounds = bounds or Bounds()
        try:
            self._file = zipfile.ZipFile(path)
        except OSError as error:
            raise ArchiveError(f"Reading {path}: {error.strerror or error}.") from error
        # A damaged directory of entries can stop the reader in many ways.
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise ArchiveError(_broken(path, error)) from error
        try:
            self.entries: Sequence[Entry] = self._checked()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def extract(self, entry: Entry, target: Path) -> None:
        """Write an entry to a path, counting its bytes.

        Raises
        ------
        ArchiveError
            If it is damaged, or longer than the zip said.
        DiskFull
            If there is no room for it.
        """
        written = 0
        with self._open(entry) as source:
            try:
                with target.open("xb") as sink:
                    for piece in self._pieces(entry, source):
                        written += len(piece)
                        sink.write(piece)
            except OSError as error:
                raise DiskFull(
                    f"Writing {target}: {error.strerror or error}. Make room there. {_NOTHING}"
                ) from error
        if written != entry.size:
            raise ArchiveError(_broken(self.path, f"{written} bytes of {entry.size}", entry.name))
        os.chmod(target, 0o644)

    def _open(self, entry: Entry) -> IO[bytes]:
        try:
            return self._file.open(entry.info)
        except _DAMAGE as error:
            raise ArchiveError(_broken(self.path, error, entry.name)) from error

    def _pieces(self, entry: Entry, source: IO[bytes]) -> Iterator[bytes]:
        """Yield an entry's bytes, no more than the zip says that there are."""
        left = entry.size
        while True:
            try:
                piece = source.read(_CHUNK)
            except _DAMAGE as error:
                raise ArchiveError(_broken(self.path, error, entry.name)) from error
            left -= len(piece)
            if left < 0:
                raise ArchiveError(
                    f"{self._at(entry.name)}: it is longer than the zip says ({entry.size} bytes). "
                    f"The zip is damaged, or meant to do harm. {_NOTHING}"
                )
            if not piece:
                return
            yield piece

    def _at(self, name: str) -> str:
        return f"Reading {self.path}, entry {printable(name, 300)!r}"

    def _checked(self) -> list[Entry]:
        infos = self._file.infolist()
        if len(infos) > self._bounds.entries:
            raise ArchiveError(
                f"Reading {self.path}: it has {len(infos)} entries, more than "
                f"{self._bounds.entries}. It is no zip of a class's submissions. {_NOTHING}"
            )
        entries = []
        for info in infos:
            name = self._name(info)
            self._check_kind(info, name)
            parts = self._parts(name)
            if info.is_dir():
                continue
            if not parts:
                raise ArchiveError(f"{self._at(name)}: it has no name. {_NOTHING}")
            entries.append(
                Entry(
                    name="/".join(parts),
                    size=info.file_size,
                    modified=_modified(info),
                    info=info,
                )
            )
        self._check_sizes(entries)
        self._check_names(entries)
        return entries

    def _check_kind(self, info: zipfile.ZipInfo, name: str) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise ArchiveError(
                f"{self._at(name)}: it is encrypted. Download the zip from Moodle again. {_NOTHING}"
            )
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a link" if kind == stat.S_IFLNK else "a device, a pipe or a socket"
            raise ArchiveError(
                f"{self._at(name)}: it is {what}, which Moodle puts into no zip. Download it from "
                f"Moodle again, or remove the entry. {_NOTHING}"
            )
        if kind == stat.S_IFDIR and not info.is_dir():
            raise ArchiveError(
                f"{self._at(name)}: it says that it is a folder and has the name of a file. "
                f"{_NOTHING}"
            )

    def _parts(self, name: str) -> list[str]:
        """Return the parts of a path that stays where it is put."""
        if "\0" in name:
            raise ArchiveError(f"{self._at(name)}: there is a zero byte in its name. {_NOTHING}")
        # What was packed on Windows may have these; a drive's letter is absolute as well.
        path = name.replace("\\", "/")
        if path.startswith("/") or (path[1:2] == ":" and path[:1].isalpha()):
            raise ArchiveError(f"{self._at(name)}: its path is absolute. {_NOTHING}")
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise ArchiveError(
                f"{self._at(name)}: its path leads out of the folder (« .. »). {_NOTHING}"
            )
        if len(parts) > self._bounds.depth:
            raise ArchiveError(
                f"{self._at(name)}: it lies more than {self._bounds.depth} folders deep. {_NOTHING}"
            )
        return parts

    def _check_sizes(self, entries: Sequence[Entry]) -> None:
        bounds = self._bounds
        for entry in entries:
            if entry.size > bounds.ratio_from_bytes and entry.size > bounds.ratio * max(
                entry.info.compress_size, 1
            ):
                raise ArchiveError(
                    f"{self._at(entry.name)}: {entry.info.compress_size} bytes of it would become "
                    f"{entry.size} (a zip bomb?). Look at that upload in Moodle; to go on without "
                    f"it, remove it from the zip (zip -d). {_NOTHING}"
                )
        total = sum(entry.size for entry in entries)
        packed = self.path.stat().st_size
        if total > bounds.total_bytes or (
            total > bounds.ratio_from_bytes and total > bounds.ratio * packed
        ):
            raise ArchiveError(
                f"Reading {self.path}: its {packed} bytes would become {total} (a zip bomb?); at "
                f"most {bounds.total_bytes} are unpacked, and {bounds.ratio} times its size. Look "
                f"into it with `unzip -lv`; collect a large class in several zips. {_NOTHING}"
            )

    def _check_names(self, entries: Sequence[Entry]) -> None:
        """Refuse a name twice, and a file where another entry has a folder."""
        names: set[str] = set()
        parents: set[str] = set()
        for entry in entries:
            if entry.name in names:
                raise ArchiveError(
                    f"{self._at(entry.name)}: there are two entries of this name. {_NOTHING}"
                )
            names.add(entry.name)
            parts = entry.name.split("/")
            parents |= {"/".join(parts[:length]) for length in range(1, len(parts))}
        both = min(names & parents, default=None)
        if both is not None:
            raise ArchiveError(
                f"{self._at(both)}: it is a file, and other entries lie in it as in a folder. "
                f"{_NOTHING}"
            )

    def _name(self, info: zipfile.ZipInfo) -> str:
        """Return an entry's name, whoever wrote it.

        Without the flag for UTF-8 a name is in the code page of MS-DOS, says the format; but macOS
        writes UTF-8 all the same, and French Windows its own code page.
        """
        name = info.orig_filename
        if info.flag_bits & _UTF8_FLAG or name.isascii():
            return name
        raw = name.encode("cp437")
        said = _unicode_path(info.extra, raw)
        if said is not None:
            return said
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
        # Frames and blocks stand in no name: they are the capitals of Western Europe.
        if any("\u2500" <= letter <= "\u259f" for letter in name):
            return raw.decode("cp850")
        return name


_NOTHING = "Nothing was collected."


def _broken(path: Path, error: object, entry: str = "") -> str:
    place = f", entry {printable(entry, 300)!r}" if entry else ""
    return (
        f"Reading {path}{place}: this is no whole zip ({printable(str(error), 200)}). Download it "
        f"from Moodle again. {_NOTHING}"
    )


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in an entry's Unicode path field, if it belongs to this name."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        data, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(data) > 5 and data[0] == 1:
            (checksum,) = struct.unpack("<L", data[1:5])
            if checksum == zlib.crc32(raw):
                try:
                    return data[5:].decode("utf-8")
                except UnicodeDecodeError:
                    return None
    return None


def _modified(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time) if info.date_time[0] > 1980 else None
    except ValueError:
        return None


def check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises
    ------
    DiskFull
        If there is not enough.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(
            f"Unpacking into {folder}: it takes {needed // MIB + 1} MiB, and {free // MIB} MiB are "
            f"free. Make room there. {_NOTHING}"
        )


def file_name(path: str, taken: set[str]) -> str | None:
    """Return the path under which a student's file is written; None if no file can have it.

    Accents are composed, as everywhere else here, unless that name is taken.

    Parameters
    ----------
    path
        As the zip has it.
    taken
        Paths of this student's other files; the new one is added.
    """
    composed = unicodedata.normalize("NFC", path)
    for name in (composed, path):
        try:
            fits = all(0 < len(part.encode()) <= _NAME_BYTES for part in name.split("/"))
        except UnicodeEncodeError:
            continue
        parents = {name.rsplit("/", n)[0] for n in range(1, name.count("/") + 1)}
        inside = any(other.startswith(name + "/") for other in taken)
        if fits and name not in taken and not parents & taken and not inside:
            taken.add(name)
            return name
    return None
