"""A course's settings: what ``nbjudge.configure(c, ...)`` takes, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nbjudge.limits import Limits

Mode = Literal["outside", "inside"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How submissions of a course are run and judged."""

    language: str = "en"
    """Of all sentences to students and graders: ``"en"`` or ``"fr"``."""
    tests: Mode = "outside"
    """Where test cells run: in the judge (``outside``) or, as in stock nbgrader, in the
    student's (sealed) kernel (``inside``).  A cell tagged ``nbjudge-inside`` or
    ``nbjudge-outside`` in the source notebook says otherwise for itself."""
    limits: Limits = field(default_factory=Limits)
    kernel_name: str | None = None
    """Kernelspec to run notebooks with; None takes the source notebook's."""
    prove: bool = True
    """Grade the reference before the first student."""
    unsealed: bool = False
    """Run without a sandbox. Never for notebooks that you did not write yourself."""
    readonly: tuple[str, ...] = ()
    """Further host paths that the sandboxes of the kernel and of the judge may read (data sets, a
    second environment)."""
    environment: tuple[tuple[str, str], ...] = ()
    """Further environment variables of the kernel and of the judge."""
    ignored_stderr: str = ""
    """Regular expression of error output that costs no points, of test cells that run inside
    (nbgrader's ``c.IgnorePattern``)."""
    warm: bool = True
    """Fork kernels and judges from a Python that has imported what the course imports."""
    modules: tuple[str, ...] = ()
    """Further modules that such a Python imports."""
    figures: bool = True
    """Draw the figures of graded notebooks; without, a line of text stands for each."""
