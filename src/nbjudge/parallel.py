"""Many submissions at once, on this machine's cores: workers grade, the caller stores."""

from __future__ import annotations

import hmac
import multiprocessing
import os
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from nbjudge.assignment import Assignment
from nbjudge.errors import GradingFault, NbJudgeError, WorkerDied
from nbjudge.grade import grade_notebook
from nbjudge.records import with_notes
from nbjudge.settings import Settings
from nbjudge.submissions import Submission
from nbjudge.verdict import Result


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One graded submission, or why it could not be graded on this machine."""

    submission: Submission
    results: tuple[Result, ...] = ()
    error: NbJudgeError | None = None


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
class _Class:
    """What every worker holds."""

    assignment: Assignment
    settings: Settings
    secret: bytes
    again: Again | None


_held: _Class | None = None


def _hold(shared: _Class) -> None:
    global _held  # noqa: PLW0603 - one worker process, one class
    _held = shared


def grade_submission(
    submission: Submission,
    assignment: Assignment,
    settings: Settings,
    secret: bytes,
    again: Again | None = None,
) -> tuple[Result, ...]:
    """Grade every notebook of one submission.

    Raises
    ------
    MachineError
        If this computer cannot do it.
    """
    results = []
    further = () if again is None else again.secrets(submission.student)
    for notebook in assignment.notebooks:
        upload = submission.uploads[notebook.name]
        result = grade_notebook(upload, assignment, notebook.name, settings, secret, further)
        result = with_notes(result, submission.notes.get(notebook.name, ()))
        results.append(result)
    return tuple(results)


def _work(submission: Submission) -> tuple[Result, ...]:
    assert _held is not None  # noqa: S101 - set by the pool's initializer
    held = _held
    return grade_submission(submission, held.assignment, held.settings, held.secret, held.again)


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade_many(
    submissions: Sequence[Submission],
    assignment: Assignment,
    settings: Settings,
    secret: bytes,
    *,
    workers: int,
    again: Again | None = None,
) -> Iterator[Graded]:
    """Grade submissions in worker processes; yield each as it is done, in any order.

    A worker that dies (killed, out of memory) costs its submission one retry, alone in a pool of
    its own; what fails twice is yielded with an error and the rest goes on.
    """
    shared = _Class(assignment, settings, secret, again)
    lost: list[Submission] = []
    for graded in _pool(submissions, shared, workers):
        if isinstance(graded.error, WorkerDied):
            lost.append(graded.submission)
        else:
            yield graded
    for submission in lost:
        yield from _pool([submission], shared, 1)


def _pool(submissions: Sequence[Submission], shared: _Class, workers: int) -> Iterator[Graded]:
    if not submissions:
        return
    # Not fork: the caller may hold threads, a database and half an event loop.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        max_workers=max(1, min(workers, len(submissions))),
        mp_context=context,
        initializer=_hold,
        initargs=(shared,),
    )
    try:
        waiting: dict[Future[tuple[Result, ...]], Submission] = {
            pool.submit(_work, submission): submission for submission in submissions
        }
        while waiting:
            done, _pending = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield _outcome(future, waiting.pop(future))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[tuple[Result, ...]], submission: Submission) -> Graded:
    try:
        return Graded(submission=submission, results=future.result())
    except BrokenProcessPool:
        return Graded(
            submission=submission,
            error=WorkerDied(
                f"Grading {submission.assignment} of {submission.student}: the worker process "
                "died, twice. Look for a lack of memory on this machine, or use fewer --workers."
            ),
        )
    except NbJudgeError as error:
        return Graded(submission=submission, error=error)
    except Exception as error:  # one submission, however odd, must not cost the class its marks
        return Graded(
            submission=submission,
            error=GradingFault(
                f"Grading {submission.assignment} of {submission.student} stopped with "
                f"{type(error).__name__}: {error}. This is a fault of nbjudge: report it with the "
                f"submission.\n{''.join(traceback.format_exception(error))[-2000:]}"
            ),
        )
