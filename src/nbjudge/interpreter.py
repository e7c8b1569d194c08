"""What the running Python consists of on disk: what a sealed kernel must see of it."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Folders of the operating system; an interpreter in them needs nothing else."""
# Of an environment, what makes it one: it may have been made in the folder of a course.
_ENVIRONMENT = (
    *("bin", "sbin", "lib", "lib32", "lib64", "libexec", "include", "share", "etc", "ssl"),
    *("pyvenv.cfg", "conda-meta", "compiler_compat", "x86_64-conda-linux-gnu"),
)


def environment_paths(further: Sequence[str]) -> Iterator[str]:
    """Yield the folders and files of the interpreter that the system folders do not hold.

    Parameters
    ----------
    further
        Prefixes of other environments.
    """
    for prefix in _prefixes(further):
        for name in _ENVIRONMENT:
            path = os.path.join(prefix, name)
            if os.path.exists(path):
                yield path


def _prefixes(further: Sequence[str]) -> list[str]:
    """Return folders of the interpreter that the system folders do not hold."""
    found: list[str] = []
    for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, *further):
        for one in (os.path.abspath(path), os.path.realpath(path)):
            if one != "/" and not _in_system(one) and one not in found and os.path.isdir(one):
                found.append(one)
    return found


def _in_system(path: str) -> bool:
    return any(path == top or path.startswith(top + "/") for top in SYSTEM)


def user_site() -> str | None:
    """Return where ``pip install --user`` has put packages, if this interpreter uses them."""
    path = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return path if path in sys.path and os.path.isdir(path) else None


@cache
def font_cache() -> Path | None:
    """Return matplotlib's list of fonts, made once for this user; None without matplotlib.

    Without it every kernel would search the machine's fonts again, for a second or more.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        name = f"matplotlib-{version('matplotlib')}-{sys.version_info[0]}{sys.version_info[1]}"
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except (PackageNotFoundError, RuntimeError):  # or a user without a home
        return None
    folder = base / "nbjudge" / name
    try:
        found = sorted(folder.glob("fontlist-*.json"))
        if found:
            return found[0]
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            subprocess.run(
                [sys.executable, "-c", "import matplotlib.font_manager"],
                env=dict(os.environ) | {"MPLCONFIGDIR": scratch, "MPLBACKEND": "agg"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=120,
                check=True,
            )
            for made in Path(scratch).glob("fontlist-*.json"):
                folder.mkdir(exist_ok=True)
                os.replace(made, folder / made.name)
        found = sorted(folder.glob("fontlist-*.json"))
    except (OSError, subprocess.SubprocessError):
        return None  # slower, not wrong
    return found[0] if found else None
