"""How far a long run is: a bar on a terminal, a line for each submission elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nbjudge.inert import printable

if TYPE_CHECKING:
    from rich.console import Console

    from nbjudge.parallel import Graded


class Progress:
    """Call it after each submission, with it and how many there are; use it in a ``with`` block.

    Parameters
    ----------
    console
        Where it is shown.
    what
        The assignment.
    """

    def __init__(self, console: Console, what: str) -> None:
        self.done = 0
        """Submissions that are graded and stored."""
        self.failed = 0
        self._console = console
        self._what = what
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            from rich import progress

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[counts]}", markup=False),
                progress.TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                f"{self._what}: proving the reference", total=None, counts=""
            )
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, graded: Graded, total: int) -> None:
        """Show one more."""
        if graded.error is None:
            self.done += 1
        else:
            self.failed += 1
        student = printable(graded.submission.student, 40)
        past = self.done + self.failed
        minutes = (time.monotonic() - self._started) / 60
        rate = past / minutes if minutes > 0 else 0.0
        counts = f"{self.failed} failed, {total - past} waiting, {rate:.3g} a minute"
        if self._bar is not None:
            self._bar.update(
                self._task,
                description=f"{self._what}: {student}",
                completed=past,
                total=total,
                counts=counts,
            )
            return
        left = duration((total - past) / rate * 60) if rate else "?"
        end = "failed" if graded.error is not None else "done"
        self._console.print(
            f"{self._what}: {past} of {total}: {student} {end}; {counts}, about {left} left",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(2.6), duration(61), duration(3 * 3600 + 59)
    ('3 s', '1 min 1 s', '3 h 0 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
