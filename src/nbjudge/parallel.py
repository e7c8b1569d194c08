"""Many submissions at once, on this machine's cores: workers grade, the caller stores."""

from __future__ import annotations

import hmac
import multiprocessing
import os
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from nbjudge.assignment import Assignment
from nbjudge.errors import ConfigurationError, GradingFault, NbJudgeError, WorkerDied
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


def _hold(shared: _Class, begun: Event) -> None:
    global _held  # noqa: PLW0603 - one worker process, one class
    _held = shared
    begun.set()


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
    submissions: Iterable[Submission],
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

    Parameters
    ----------
    submissions
        Taken as they are needed: of a large class, few are in memory at once.
    assignment, settings, secret
        As :func:`~nbjudge.grade.grade_notebook` takes them.
    workers
        Processes.
    again
        Whether every question is also judged again.

    Raises
    ------
    ConfigurationError
        If a script calls this where every process that it starts runs the script again.
    """
    refuse_in_worker()
    shared = _Class(assignment, settings, secret, again)
    lost: list[Submission] = []
    left = _Left(submissions)
    while left:
        for graded in _pool(left, shared, workers):
            if isinstance(graded.error, WorkerDied):
                lost.append(graded.submission)
            else:
                yield graded
    for submission in lost:
        yield from _pool(_Left([submission]), shared, 1)


def refuse_in_worker() -> None:
    """Refuse to grade in a process that is being started for grading.

    Raises
    ------
    ConfigurationError
        With what to change in the script.
    """
    # As multiprocessing itself finds out, with a sentence of its own that names nothing.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigurationError(f"Grading in several processes: {_GUARD}")


_GUARD = (
    "each of them runs the script that started it again. In that script, grade below "
    "`if __name__ == '__main__':`."
)


class _Left:
    """Submissions that have not been given to a worker: true while there are any."""

    def __init__(self, submissions: Iterable[Submission]) -> None:
        self._rest = iter(submissions)
        self._next = next(self._rest, None)

    def __bool__(self) -> bool:
        return self._next is not None

    def take(self) -> Submission:
        taken, self._next = self._next, next(self._rest, None)
        assert taken is not None  # noqa: S101 - asked while it was true
        return taken


def _pool(left: _Left, shared: _Class, workers: int) -> Iterator[Graded]:
    """Grade what is left, or as much of it as one pool of processes lives to grade."""
    # Not fork: the caller may hold threads, a database and half an event loop.
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    pool = ProcessPoolExecutor(
        max_workers=max(1, workers),
        mp_context=context,
        initializer=_hold,
        initargs=(shared, begun),
    )
    waiting: dict[Future[tuple[Result, ...]], Submission] = {}
    is_broken = False
    try:
        while True:
            # One more than can be graded now: nobody waits for the next to be read.
            while left and not is_broken and len(waiting) <= workers:
                submission = left.take()
                try:
                    waiting[pool.submit(_work, submission)] = submission
                except BrokenProcessPool:
                    is_broken = True
                    yield _died(submission)
            if not waiting:
                return
            done, _pending = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                graded = _outcome(future, waiting.pop(future))
                is_broken = is_broken or isinstance(graded.error, WorkerDied)
                if is_broken and not begun.is_set():
                    raise ConfigurationError(
                        "Grading in several processes: they end as they start. Either this machine "
                        f"lacks memory (use fewer --workers), or {_GUARD}"
                    )
                yield graded
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _died(submission: Submission) -> Graded:
    return Graded(
        submission=submission,
        error=WorkerDied(
            f"Grading {submission.assignment} of {submission.student}: the worker process "
            "died, twice. Look for a lack of memory on this machine, or use fewer --workers."
        ),
    )


def _outcome(future: Future[tuple[Result, ...]], submission: Submission) -> Graded:
    try:
        return Graded(submission=submission, results=future.result())
    except BrokenProcessPool:
        return _died(submission)
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
