"""Ends the writer at each of its steps, in a process of its own: what ``test_interrupted`` runs.

A step is whatever changes a file of the course or the gradebook, seen by Python's audit events
and SQLAlchemy's; nothing of the writer is replaced.  Only the grading is: its results are given,
so that a step costs a fork and not a kernel.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import small_course as sc
from nbgrader import api as _loaded_before_the_forks  # noqa: F401
from sqlalchemy import Engine, event, text

from nbjudge import classroom
from nbjudge.errors import DiskFull, NbJudgeError
from nbjudge.receipts import read_receipt
from nbjudge.store import Store

_CHANGING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link"}
_TAKING_ROOM = {"open", "os.mkdir"}
FULL, STOPPED = 3, 4


def given(results: dict[str, Any]) -> Callable[..., Iterator[Any]]:
    """Return what stands in for ``grade_many``: nothing is executed."""

    def grade_many(submissions: Any, *_arguments: Any, **_options: Any) -> Iterator[Any]:
        for submission in submissions:
            yield classroom.Graded(submission=submission, results=results[submission.student])

    return grade_many


def steps(root: Path, reached: Callable[[int, str], None]) -> None:
    """Call ``reached`` before each step with its number, from 1, and what it is."""
    number = 0
    inside = os.fsencode(root)

    def count(what: str) -> None:
        nonlocal number
        number += 1
        reached(number, what)

    def audit(what: str, arguments: tuple[Any, ...]) -> None:
        if what == "open":
            path, _mode, flags = arguments
            if not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif what in _CHANGING:
            path = arguments[0]
        else:
            return
        if isinstance(path, str | bytes | os.PathLike) and os.fsencode(path).startswith(inside):
            count(what)

    sys.addaudithook(audit)

    @event.listens_for(Engine, "before_cursor_execute")
    def _execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE", "CREATE"):
            count(statement.split(maxsplit=1)[0])

    @event.listens_for(Engine, "commit")
    def _commit(_connection: Any) -> None:
        count("commit")


def in_a_fork(work: Callable[[], int]) -> int:
    """Return how a child process ended: its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(root: Path, results: dict[str, Any], end: int, how: str) -> int:
    """Grade a course and end at a step; 0 if there are not so many."""

    def reached(number: int, what: str) -> None:
        if how == "kill" and number == end:
            os.kill(os.getpid(), signal.SIGKILL)
        # From here on there is no room: what frees some still works.
        if how == "full" and number >= end and what in _TAKING_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if how == "interrupt" and number == end:
            raise KeyboardInterrupt

    def work() -> int:
        classroom.grade_many = given(results)  # type: ignore[assignment]
        course = sc.SmallCourse(root).course
        if end:
            steps(root, reached)
        try:
            report = classroom.grade_class(course, sc.NAME)
        except DiskFull:
            return FULL
        except (NbJudgeError, OSError) as error:
            return FULL if "No space" in str(error) else 98
        except KeyboardInterrupt:
            return STOPPED
        return 97 if report.failed else 0

    return in_a_fork(work)


def state(root: Path) -> dict[str, Any]:
    """Return all that grading has written, but for what differs in each run (ids, times)."""
    made = sc.SmallCourse(root)
    course = made.course
    with Store(course.db_url, course.course_id) as store:
        db = store._gradebook.db
        rows = {
            name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar()  # noqa: S608
            for name in (
                "student",
                "submitted_assignment",
                "submitted_notebook",
                "grade",
                "comment",
            )
        }
    receipts = {}
    for student in sorted(path.name for path in (root / "submitted").iterdir()):
        receipt = read_receipt(root, student, sc.NAME)
        assert receipt is not None, student
        receipts[student] = [
            receipt.key,
            receipt.timestamp,
            receipt.late,
            receipt.verdicts,
            *({k: [v[0], v[2]] for k, v in s.items()} for s in (receipt.graded, receipt.records)),
        ]
    return {
        "rows": rows,
        "gradebook": repr(sc.gradebook_of(made)),
        "receipts": receipts,
        "autograded": {k: v.hex() for k, v in sc.files_below(root / "autograded").items()},
        "folders": sorted(str(p.relative_to(root)) for p in (root / "autograded").rglob("*")),
        "results": {
            name: "" if name.count("/") == 1 else data.hex()
            for name, data in sc.files_below(root / ".nbjudge" / "results").items()
        },
    }


def main(template: Path, scratch: Path, pickled: Path, how: str) -> None:
    """Print how many steps there were, and in which ways the runs ended."""
    results = pickle.loads(pickled.read_bytes())  # noqa: S301 - the test's own
    whole = scratch / "whole"
    shutil.copytree(template, whole)
    assert run(whole, results, 0, how) == 0
    wanted = state(whole)
    ends = []
    while True:
        root = scratch / "course"
        shutil.copytree(template, root)
        end = run(root, results, len(ends) + 1, how)
        if end not in (0, -signal.SIGKILL, FULL, STOPPED):
            raise AssertionError(f"step {len(ends) + 1}: ended with {end}")
        again = run(root, results, 0, how)
        assert again == 0, f"after step {len(ends) + 1}: {again}"
        got = state(root)
        different = [key for key in wanted if got[key] != wanted[key]]
        assert not different, f"after step {len(ends) + 1} another {different}"
        shutil.rmtree(root)
        ends.append(end)
        # A full disk may cost only what can be made again (the notebooks that were read).
        if end == 0 and (how != "full" or ends[-5:] == [0] * 5):
            break
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4])
