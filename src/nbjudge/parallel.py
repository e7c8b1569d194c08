"""Many submissions at once: workers grade, the caller stores. Here, on this machine's cores."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from multiprocessing.synchronize import Event
from types import FrameType
from typing import NoReturn

from nbjudge import scratch
from nbjudge.assignment import Assignment
from nbjudge.cluster import Scheduler, grade_on_cluster
from nbjudge.errors import ConfigurationError, WorkerDied
from nbjudge.settings import Settings
from nbjudge.submissions import Submission
from nbjudge.worker import Again, Graded, Outcome, Shared, Worker, fault, graded

__all__ = ["Again", "Graded", "Scheduler", "default_workers", "grade_many", "refuse_in_worker"]


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
    scheduler: Scheduler | None = None,
    again: Again | None = None,
) -> Generator[Graded, None, None]:
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
        Processes on this machine.
    scheduler
        Of a Dask cluster, whose workers grade in the place of this machine's.
    again
        Whether every question is also judged again.

    Raises
    ------
    ConfigurationError
        If a script calls this where every process that it starts runs the script again, or hidden
        tests would travel to a cluster unencrypted.
    ClusterError
        If the cluster is lost, or no worker of it may grade.
    """
    refuse_in_worker()
    shared = Shared(assignment, settings, secret, again)
    if scheduler is not None:
        yield from grade_on_cluster(submissions, shared, scheduler)
        return
    lost: list[Submission] = []
    left = _Left(submissions)
    while left:
        for one in _pool(left, shared, workers):
            if isinstance(one.error, WorkerDied):
                lost.append(one.submission)
            else:
                yield one
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


# In a process of the pool.


_worker: Worker | None = None


def _begin(shared: Shared, begun: Event) -> None:
    """Begin a worker process; it lives as long as its parent wants it to."""
    global _worker  # noqa: PLW0603 - one worker process, one class
    # Ctrl-C is for the parent, which says SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _unwind)
    threading.Thread(target=_follow, daemon=True).start()
    _worker = Worker(shared)
    atexit.register(_worker.close)
    begun.set()


def _unwind(_number: int, _frame: FrameType | None) -> NoReturn:
    if _worker is None:  # nothing to close yet, and the pool would print where it stood
        os._exit(1)
    raise SystemExit


def _follow() -> None:
    """Stop when the parent has ended, in whatever way: no submission is wanted any more."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this is a process of a pool
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_UNWIND_SECONDS)
    os._exit(1)


_UNWIND_SECONDS = 10.0
"""How long a worker may take to close its sandboxes and remove its folders."""


def _is_orphan() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _work(submission: Submission) -> Outcome:
    assert _worker is not None  # noqa: S101 - set by the pool's initializer
    try:
        return _worker.grade(submission)
    except SystemExit:
        if not _is_orphan():
            return _death(submission)
        # The pool would take it for this submission's exception, and wait for the next one.
        _worker.close()
        os._exit(1)


# In the caller's.


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


def _pool(left: _Left, shared: Shared, workers: int) -> Iterator[Graded]:
    """Grade what is left, or as much of it as one pool of processes lives to grade."""
    # Not fork: the caller may hold threads, a database and half an event loop.
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        max_workers=max(1, workers),
        mp_context=context,
        initializer=_begin,
        initargs=(shared, begun),
    )
    waiting: dict[Future[Outcome], Submission] = {}
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
                    yield graded(submission, _death(submission))
            if not waiting:
                return
            done, _pending = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                one = _outcome(future, waiting.pop(future))
                is_broken = is_broken or isinstance(one.error, WorkerDied)
                if is_broken and not begun.is_set():
                    raise ConfigurationError(
                        "Grading in several processes: they end as they start. Either this machine "
                        f"lacks memory (use fewer --workers), or {_GUARD}"
                    )
                yield one
    finally:
        if waiting:  # interrupted: nobody wants what is being graded
            for process in set(multiprocessing.active_children()) - others:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        scratch.sweep()  # of a worker that was killed


def _death(submission: Submission) -> WorkerDied:
    return WorkerDied(
        f"Grading {submission.assignment} of {submission.student}: the worker process "
        "died, twice. Look for a lack of memory on this machine, or use fewer --workers."
    )


def _outcome(future: Future[Outcome], submission: Submission) -> Graded:
    try:
        return graded(submission, future.result())
    except BrokenProcessPool:
        return graded(submission, _death(submission))
    except Exception as error:  # it could not travel
        return graded(submission, fault(submission, error))
