"""Notebooks of an assignment, read before: ``.nbjudge/compiled/<assignment>.json``.

Making the student version needs nbgrader's preprocessors, seconds to import.  What they made is
kept under a digest of all that it was made from; data files are read each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbjudge.assignment import SourceNotebook
from nbjudge.compile import Sources, notebook_paths, read_notebooks
from nbjudge.config_text import canonical
from nbjudge.environment import code_digest
from nbjudge.records import write_whole
from nbjudge.result_key import libraries_digest
from nbjudge.settings import Settings

_FOLDER = Path(".nbjudge") / "compiled"
# Options of nbgrader's preprocessors that name files which go into a notebook.
_FILES = ("header", "footer", "autotest_filename")
_AUTOTESTS = "autotests.yml"


def notebooks_of(
    name: str, sources: Sources, settings: Settings, config: Any
) -> tuple[SourceNotebook, ...]:
    """Return what :func:`nbjudge.compile.read_notebooks` does, if possible without it."""
    key = _key(notebook_paths(sources), sources, settings, config)
    place = sources.root / _FOLDER / f"{name}.json"
    found = _load(place, key)
    if found is None:
        found = read_notebooks(name, sources, settings, config)
        data = {"key": key, "notebooks": [asdict(notebook) for notebook in found]}
        # Slower without, not wrong; the folder may be another's.
        with suppress(OSError):
            write_whole(place, json.dumps(data, default=sorted))
    return found


def _key(paths: Sequence[Path], sources: Sources, settings: Settings, config: Any) -> str:
    named = {_AUTOTESTS}
    for options in (config or {}).values():
        if isinstance(options, dict):
            named |= {str(options[option]) for option in _FILES if options.get(option)}
    files = [*paths, *(folder / n for folder in (sources.root, sources.source) for n in named)]
    digest = hashlib.sha256()
    said = [code_digest(), libraries_digest(), canonical(config), settings.tests]
    digest.update(json.dumps(said).encode())
    for path in sorted(set(files)):
        data = path.read_bytes() if path.is_file() else b""
        digest.update(json.dumps([path.name, path.is_file(), len(data)]).encode() + data)
    return digest.hexdigest()[:32]


def _load(place: Path, key: str) -> tuple[SourceNotebook, ...] | None:
    try:
        data = json.loads(place.read_bytes())
        if data["key"] != key:
            return None
        return tuple(SourceNotebook.from_json(notebook) for notebook in data["notebooks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
