"""nbjudge: nbgrader courses graded in sealed kernels and judged from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbjudge.configuration import configure
    from nbjudge.due import configure_deadlines
    from nbjudge.marking.rules import configure_marks

__all__ = ["__version__", "configure", "configure_deadlines", "configure_marks"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Importing the package must stay cheap (``nbjudge --help``, the sealed kernel).
    if name == "configure":
        from nbjudge.configuration import configure

        return configure
    if name == "configure_deadlines":
        from nbjudge.due import configure_deadlines

        return configure_deadlines
    if name == "configure_marks":
        from nbjudge.marking.rules import configure_marks

        return configure_marks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
