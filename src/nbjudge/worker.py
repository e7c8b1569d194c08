"""What grades one submission after the other: the same in a pool's process and on a cluster."""

from __future__ import annotations

import contextlib
import hmac
import tempfile
import traceback
from dataclasses import dataclass, replace

from nbjudge.assignment import Assignment
from nbjudge.errors import GradingFault, NbJudgeError
from nbjudge.records import with_notes
from nbjudge.retry import grade_fairly
from nbjudge.settings import Settings
from nbjudge.submissions import Submission
from nbjudge.verdict import Result
from nbjudge.warm import Warmth, imported_modules


@dataclass(frozen=True)
class Again:
    """How often every question is judged again, and where the seeds of that come from."""

    seed: bytes
    runs: int

    def secrets(self, student: str) -> tuple[bytes, ...]:
        """Return the secrets for one submission; no other has the same."""
        return tuple(
            hmac.digest(self.seed, f"{run}\0{student}".encode(), "sha256")
            for run in range(self.runs)
        )


@dataclass(frozen=True)
class Shared:
    """What all submissions of a class are graded with; each worker gets it once."""

    assignment: Assignment
    settings: Settings
    secret: bytes
    again: Again | None = None


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One graded submission, or why it could not be graded."""

    submission: Submission
    results: tuple[Result, ...] = ()
    error: NbJudgeError | None = None


Outcome = tuple[Result, ...] | NbJudgeError
"""What comes back of a submission: an error as a value, so that no executor wraps it."""


class Worker:
    """Grades submissions of one class, in one thread, from its first to its end.

    The thread that calls :meth:`grade` must be the same each time, and live until :meth:`close`:
    sandboxes end with the thread that started them.

    Parameters
    ----------
    shared
        What it grades with.
    scratch
        Folder for temporary files in the place of the system's: whoever made it empties it after a
        worker that was killed.
    """

    def __init__(self, shared: Shared, scratch: str | None = None) -> None:
        self._shared = shared
        self._kept = contextlib.ExitStack()
        """Whatever is made once for many notebooks."""
        self._warmth: Warmth | None = None
        if shared.settings.warm:
            modules = (*imported_modules(shared.assignment), *shared.settings.modules)
            self._warmth = self._kept.enter_context(Warmth(modules))
        if scratch is not None:
            # One worker a process: nothing else of it makes temporary files meanwhile.
            self._kept.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
            tempfile.tempdir = scratch

    def grade(self, submission: Submission) -> Outcome:
        """Grade every notebook of a submission; whatever goes wrong is an error to return."""
        try:
            return self._results(submission)
        except NbJudgeError as error:
            return error
        except Exception as error:  # one submission, however odd, must not cost the class its marks
            return fault(submission, error)

    def _results(self, submission: Submission) -> tuple[Result, ...]:
        shared = self._shared
        further = () if shared.again is None else shared.again.secrets(submission.student)
        results = []
        for notebook in shared.assignment.notebooks:
            upload = submission.uploads[notebook.name]
            result = grade_fairly(
                upload,
                shared.assignment,
                notebook.name,
                shared.settings,
                shared.secret,
                further,
                self._warmth,
            )
            results.append(with_notes(result, submission.notes.get(notebook.name, ())))
        return tuple(self._with_reason(results))

    def _with_reason(self, results: list[Result]) -> list[Result]:
        """Say once in the log why this worker's kernels start cold, if they do."""
        if self._warmth is None or not self._warmth.cold_because:
            return results
        line = f"Kernels start cold, seconds slower each: {self._warmth.cold_because}"
        self._warmth = None
        return [replace(results[0], log=(*results[0].log, line)), *results[1:]]

    def close(self) -> None:
        """End what was kept from one notebook to the next."""
        self._kept.close()


def graded(submission: Submission, outcome: Outcome) -> Graded:
    """Return a submission with what came of it."""
    if isinstance(outcome, NbJudgeError):
        return Graded(submission=submission, error=outcome)
    return Graded(submission=submission, results=outcome)


def fault(submission: Submission, error: BaseException) -> GradingFault:
    """Return an error of no kind that is expected, as one that says whose it is."""
    return GradingFault(
        f"Grading {submission.assignment} of {submission.student} stopped with "
        f"{type(error).__name__}: {error}. This is a fault of nbjudge: report it with the "
        f"submission.\n{''.join(traceback.format_exception(error))[-2000:]}"
    )
