"""A run that ends before its time, at any point: the next one goes on, and nobody can tell."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import interrupting
import psutil
import pytest
import small_course as sc

from nbjudge.classroom import grade_class, plan_class
from nbjudge.parallel import grade_many
from nbjudge.secret import course_secret
from nbjudge.submissions import read_submission

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orphans_come_back")]

WRONG = {"n": {"double": "def double(x):\n    return 2", "essay": "Because."}}
RIGHT = {"n": {"double": "def double(x):\n    return x + x", "essay": "Therefore."}}


def make(root: Path) -> sc.SmallCourse:
    cells = [*sc.p2(), sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 2)]
    return sc.make_course(root, notebooks={"n": cells}, options="prove=False,", gradebook=True)


@pytest.fixture(scope="module")
def class_(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a course to be graded, and a file of the results.

    One submission was graded before, has points by hand and is late now; one is new.
    """
    from nbgrader.api import Gradebook

    made = make(tmp_path_factory.mktemp("template") / "course")
    made.submit("anna", WRONG)
    assert grade_class(made.course, sc.NAME).graded == ["anna"]
    with Gradebook(made.course.db_url) as book:
        book.update_or_create_assignment(sc.NAME, duedate="2026-01-10 12:00:00 UTC")
        book.find_grade("essay", "n", sc.NAME, "anna").manual_score = 1.5
        book.db.commit()
    made.submit("anna", RIGHT, timestamp="2026-01-10 13:00:00 UTC")
    made.submit("ben", WRONG)
    course = made.course
    assignment, secret = course.compile(sc.NAME), course_secret(course.root)
    submissions = [
        read_submission(
            course.root / "submitted" / student / sc.NAME,
            student,
            assignment,
            course.settings.limits,
        )
        for student in ("anna", "ben")
    ]
    graded = list(grade_many(submissions, assignment, course.settings, secret, workers=1))
    pickled = tmp_path_factory.mktemp("results") / "results.pickle"
    pickled.write_bytes(pickle.dumps({one.submission.student: one.results for one in graded}))
    return course.root, pickled


def every_step(class_: tuple[Path, Path], tmp_path: Path, how: str) -> Counter[int]:
    """End the writer at every step and resume it; return how often it ended in which way."""
    done = subprocess.run(
        [sys.executable, interrupting.__file__, class_[0], tmp_path, class_[1], how],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Counter(json.loads(done.stdout.splitlines()[-1]))


def test_the_writer_can_be_killed_at_every_step(class_: tuple[Path, Path], tmp_path: Path) -> None:
    ends = every_step(class_, tmp_path, "kill")
    assert ends.pop(0) == 1  # at last it was not reached
    assert set(ends) == {-signal.SIGKILL}
    assert ends[-signal.SIGKILL] >= 40


def test_the_writer_can_be_interrupted_at_every_step(
    class_: tuple[Path, Path], tmp_path: Path
) -> None:
    ends = every_step(class_, tmp_path, "interrupt")
    assert ends[interrupting.STOPPED] >= 40


def test_the_disk_can_be_full_at_every_step(class_: tuple[Path, Path], tmp_path: Path) -> None:
    ends = every_step(class_, tmp_path, "full")
    assert ends[interrupting.FULL] >= 10


def descendants() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def nothing_is_at_work(before: set[psutil.Process]) -> None:
    """Wait for what has lost its parent, which would have waited for it."""
    _gone, alive = psutil.wait_procs(descendants() - before, timeout=60)
    assert alive == []


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line: str = process.stdout.readline()
    assert f"{sc.NAME}: 1 of 4: " in line, process.stderr and process.stderr.read()
    return line


def class_of_four(tmp_path: Path) -> sc.SmallCourse:
    made = make(tmp_path / "course")
    for student in ("anna", "ben", "carl"):
        # No two are the same: those would be executed once for both.
        made.submit(student, {"n": RIGHT["n"] | {"essay": f"By {student}."}})
    # Long enough to be at work when the run is ended.
    made.submit("zoe", {"n": {"double": "import time\ntime.sleep(15)\ndouble = lambda x: 2 * x"}})
    return made


def ends_as_undisturbed(made: sc.SmallCourse, at_least: int) -> None:
    left = [task.student for task in plan_class(made.course, sc.NAME) if task.why]
    assert 0 < len(left) <= 4 - at_least
    report = grade_class(made.course, sc.NAME, workers=2)
    assert report.graded == left
    assert sorted([*report.graded, *report.unchanged]) == ["anna", "ben", "carl", "zoe"]
    points: dict[str, Any] = {s: p["n:test_double"] for s, p in sc.points_of(made).items()}
    assert points == dict.fromkeys(("anna", "ben", "carl", "zoe"), 1.0)


def test_ctrl_c_ends_with_a_sentence_and_leaves_what_was_stored(tmp_path: Path) -> None:
    made, before = class_of_four(tmp_path), descendants()
    process = sc.begun(made)
    first_line(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    _out, said = process.communicate(timeout=120)

    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("nbjudge: stopped. What was stored stays")
    assert "Traceback" not in said
    nothing_is_at_work(before)
    ends_as_undisturbed(made, at_least=1)


def test_a_killed_run_leaves_no_process_and_is_taken_up(tmp_path: Path) -> None:
    made, before = class_of_four(tmp_path), descendants()
    process = sc.begun(made)
    first_line(process)
    process.kill()
    process.communicate()
    nothing_is_at_work(before)
    ends_as_undisturbed(made, at_least=1)


def test_a_second_run_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    made = class_of_four(tmp_path)
    process = sc.begun(made)
    first_line(process)
    second = sc.command(made, "nbjudge", "grade", sc.NAME)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)

    assert second.returncode == 2
    assert f"another `nbjudge grade` is at work on this course (process {process.pid}," in (
        second.stderr
    )
