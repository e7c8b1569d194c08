"""What the autograder's environment is made of: exact versions, and this very nbjudge."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import nbjudge

_EPOCH = (2020, 1, 1, 0, 0, 0)
_INDEXES = {"torch": "https://download.pytorch.org/whl"}
"""Where versions of a library with a local label (2.13.0+cpu) are to be had."""
_OTTER = "otter-grader[grading,plugins]"


def pins(modules: Iterable[str]) -> list[str]:
    """Return lines for pip: the versions that are installed here, of all that grading imports.

    Parameters
    ----------
    modules
        What the assignment imports; what is of the standard library, or not here, is left out.
    """
    owners = packages_distributions()
    roots = {name for module in modules for name in owners.get(module.split(".")[0], ())}
    found = _closure([*sorted(roots), "nbjudge", _OTTER, "ipykernel"])
    found.pop("nbjudge", None)  # comes with the zip
    indexes, lines = set(), []
    for name, dist in sorted(found.items()):
        lines.append(f"{name}=={dist.version}")
        label = Version(dist.version).local
        if label:
            base = _INDEXES.get(name, "")
            indexes.add(f"--extra-index-url {base}/{label}" if base else "")
    return [*sorted(indexes - {""}), *lines]


def _closure(roots: Sequence[str]) -> dict[str, Distribution]:
    """Return what is installed here of some requirements and of theirs, by canonical name."""
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        wanted = waiting.pop()
        key = f"{_canonical(wanted.name)}[{','.join(sorted(wanted.extras))}]"
        if key in seen:
            continue
        seen.add(key)
        try:
            dist = distribution(wanted.name)
        except PackageNotFoundError:  # of an extra that nobody has asked for here
            continue
        found[_canonical(wanted.name)] = dist
        for text in dist.requires or ():
            further = Requirement(text)
            extras = wanted.extras or {""}
            if further.marker is None or any(
                further.marker.evaluate({"extra": extra}) for extra in extras
            ):
                waiting.append(further)
    return found


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def wheel() -> tuple[str, bytes]:
    """Return the name and the bytes of a wheel of this nbjudge, as it is installed here.

    A checkout that is installed in place has no wheel, and one of a package index might not be
    the one that the marks were made with.
    """
    dist = distribution("nbjudge")
    base = f"nbjudge-{nbjudge.__version__}"
    package = Path(nbjudge.__file__).parent
    files = {
        f"nbjudge/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"{base}.dist-info"
    # Its dependencies are pinned by name, so that pip has none to choose.
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: nbjudge\nVersion: {nbjudge.__version__}\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: nbjudge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{info}/entry_points.txt"] = (dist.read_text("entry_points.txt") or "").encode()
    record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, date_time=_EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return f"{base}-py3-none-any.whl", packed.getvalue()


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"sha256={digest}"
