"""nbjudge: nbgrader courses graded in sealed kernels and judged from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbjudge.configuration import configure

__all__ = ["__version__", "configure"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Importing the package must stay cheap (``nbjudge --help``, the sealed kernel).
    if name == "configure":
        from nbjudge.configuration import configure

        return configure
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
