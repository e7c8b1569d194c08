"""nbgrader and nbformat, loaded without two seconds that nobody needs.

Both import jsonschema, which, where it finds ``rfc3987_syntax``, compiles 38 grammars for the
formats ``iri`` and ``iri-reference``.  No notebook and no metadata of nbgrader has a field of
these formats, and jsonschema passes over formats that it has no checker for.
"""

from __future__ import annotations

import sys

_OPTIONAL = "rfc3987_syntax"


def load_jsonschema() -> None:
    """Load jsonschema without those grammars, for whatever imports it afterwards.

    Call it before the first import of nbformat or nbgrader.
    """
    if "jsonschema" in sys.modules or _OPTIONAL in sys.modules:
        return
    # Documented: such an import then fails as where the library is not installed.
    sys.modules[_OPTIONAL] = None  # type: ignore[assignment]
    try:
        import jsonschema  # noqa: F401
    finally:
        # Whoever asks for it later finds it.
        del sys.modules[_OPTIONAL]
