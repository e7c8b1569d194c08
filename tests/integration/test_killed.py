"""A class whose writer, workers and warm parents are killed at random, until it is graded."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import small_course as sc

from nbjudge.classroom import grade_class, plan_class

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("orphans_come_back")]

KILLS = 50
SEED = 20261
"""Of who is killed when; how far the run has come by then differs each time."""
STUDENTS = 30
MARKS = {
    # What a submission answers in the second notebook, and earns there.
    "right": ("def double(x):\n    return x + x", 1.0),
    "wrong": ("def double(x):\n    return x", 0.0),
    "stops": ("def double(x):\n    raise ValueError(x)", 0.0),
    "dies": ("import os\n\ndef double(x):\n    os._exit(1)", 0.0),
    "slow": ("import time\ntime.sleep(1)\ndouble = lambda x: 2 * x", 1.0),
}


def expected(number: int) -> str:
    return sorted(MARKS)[number % len(MARKS)]


def make_class(root: Path) -> sc.SmallCourse:
    made = sc.make_course(root, options="prove=False,", gradebook=True)
    for number in range(STUDENTS):
        answer, _points = MARKS[expected(number)]
        # No two are the same: those would be executed once for both.
        answers = {**sc.RIGHT, "p2": {"double": f"# {number}\n{answer}"}}
        made.submit(f"student{number:02}", answers)
    return made


def writer(run: psutil.Process) -> list[psutil.Process]:
    return [run]


def below(run: psutil.Process, is_one: Callable[[list[str]], bool]) -> list[psutil.Process]:
    found = []
    for process in run.children(recursive=True):
        try:
            if is_one(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def workers(run: psutil.Process) -> list[psutil.Process]:
    return below(run, lambda command: any("multiprocessing.spawn" in word for word in command))


def parents(run: psutil.Process) -> list[psutil.Process]:
    """Return what belongs to warm parents: bubblewrap's processes and their Pythons."""
    return below(run, lambda command: any("order = main(" in word for word in command))


VICTIMS = {"writer": (writer, 1), "worker": (workers, 2), "parent": (parents, 2)}
"""Whom a kill may meet, and how often: a run that is ended must begin from the start."""


def kill_one(run: psutil.Process, chance: random.Random) -> str:
    """Kill one process of a run; return whose it was, or nothing where there is none."""
    kinds, weights = list(VICTIMS), [weight for _find, weight in VICTIMS.values()]
    (kind,) = chance.choices(kinds, weights)
    find, _weight = VICTIMS[kind]
    try:
        found = find(run)
        if not found or not run.is_running():
            return ""
        chance.choice(sorted(found, key=lambda process: process.pid)).kill()
    except psutil.NoSuchProcess:
        return ""
    return kind


def disturbed(root: Path, chance: random.Random, killed: Counter[str]) -> Iterator[int]:
    """Yield the exit code of each run, until one has nothing left to grade."""
    made = sc.SmallCourse(root)
    while True:
        with sc.begun(made) as run:
            process = psutil.Process(run.pid)
            try:
                while run.poll() is None:
                    try:
                        run.wait(chance.uniform(0.05, 3.0))
                    except subprocess.TimeoutExpired:
                        if sum(killed.values()) < KILLS and (kind := kill_one(process, chance)):
                            killed[kind] += 1
            finally:
                run.kill()
            _out, said = run.communicate()
        assert "Traceback" not in said, said
        yield run.returncode
        if not [task for task in plan_class(made.course, sc.NAME) if task.why]:
            return


def of_records(root: Path) -> dict[str, Any]:
    """Return what was judged: points, status and sentences, not how often it was tried."""
    from nbjudge.records import read_record

    judged = {}
    for number in range(STUDENTS):
        student = f"student{number:02}"
        for notebook in sc.NOTEBOOKS:
            record = read_record(root, student, sc.NAME, notebook)
            judged[student, notebook] = [
                (v["grade_id"], v["status"], v["points"], v["message"]) for v in record["verdicts"]
            ]
    return judged


def test_fifty_kills_change_no_mark_and_leave_nothing(tmp_path: Path, temporary: Path) -> None:
    template = make_class(tmp_path / "template")
    undisturbed = sc.copy_course(template, tmp_path / "undisturbed")
    assert len(grade_class(undisturbed.course, sc.NAME, workers=2).graded) == STUDENTS
    wanted, judged = sc.gradebook_of(undisturbed), of_records(undisturbed.root)
    points = {student: p["p2:test_double"] for student, p in sc.points_of(undisturbed).items()}
    assert points == {f"student{n:02}": MARKS[expected(n)][1] for n in range(STUDENTS)}

    chance = random.Random(SEED)  # noqa: S311 - no secret
    killed, ends = Counter[str](), Counter[int]()
    before = set(psutil.Process().children(recursive=True))
    files, mounts = set(os.listdir(temporary)), mounted()
    round_ = 0
    while sum(killed.values()) < KILLS:
        round_ += 1
        made = sc.copy_course(template, tmp_path / f"round{round_}")
        ends.update(disturbed(made.root, chance, killed))
        assert sc.gradebook_of(made) == wanted
        assert of_records(made.root) == judged

    print(dict(killed), dict(ends), f"{round_} classes")
    assert ends[-signal.SIGKILL] >= killed["writer"] > 0
    assert killed["worker"] > 0
    assert killed["parent"] > 0
    _gone, alive = psutil.wait_procs(
        set(psutil.Process().children(recursive=True)) - before, timeout=60
    )
    assert alive == []
    assert set(os.listdir(temporary)) == files
    assert mounted() == mounts


def mounted() -> list[str]:
    return sorted(Path("/proc/self/mountinfo").read_text("utf-8").splitlines())
