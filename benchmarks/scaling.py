"""One worker and two: processes of this machine, and workers of a Dask cluster on it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import classes
import click
from classes import Class
from findings import Finding, Part, Profile, Section, at_least, figure
from measure import ONE_THREAD, Say, grade, sealed

ASSIGNMENT = "tp2"
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    submissions: int
    rounds: int


@dataclass(frozen=True)
class _Run:
    wall_seconds: float
    cpu_seconds: float
    """Inside of sandboxes."""


def scaling(sizes: Sizes, say: Say) -> Section:
    """Grade the same class of TP2 with one and with two, in turn."""
    runs: dict[tuple[str, int], list[_Run]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        given = classes.of_tp(ASSIGNMENT, sizes.submissions, Path(scratch))
        root = Path(scratch) / "ours"
        root.mkdir()
        given.make(root)
        say(f"{ASSIGNMENT}: graded once, for the proof")
        grade(root, ASSIGNMENT)
        for turn in range(sizes.rounds):
            for number in (1, 2):
                say(f"{ASSIGNMENT}: --workers {number}, round {turn + 1}")
                found = _graded(given, root, "--workers", str(number))
                runs.setdefault(("local", number), []).append(found)
            for number in (1, 2):
                say(f"{ASSIGNMENT}: a Dask scheduler with {number}, round {turn + 1}")
                with _cluster(number) as address:
                    found = _graded(given, root, "--scheduler", address)
                runs.setdefault(("Dask", number), []).append(found)
        say(f"{ASSIGNMENT}: nothing to grade, for the start-up")
        start_up = grade(root, ASSIGNMENT).wall_seconds
    walls = {key: mean(run.wall_seconds for run in some) for key, some in runs.items()}
    inside = {key: mean(run.cpu_seconds for run in some) for key, some in runs.items()}
    count = len(given.notebooks)
    return Section(
        name="scaling",
        title=f"3. From one worker to two, {count} submissions of TP2",
        findings=tuple(
            Finding(what, walls[kind, 1] / walls[kind, 2], at_least(bound, " ×"))
            for kind, what, bound in (
                ("local", "TP2: 2 workers ÷ 1", 1.85),
                ("Dask", "TP2: Dask, 2 worker processes ÷ 1", 1.7),
            )
        ),
        columns=("", "s, wall", "CPU s in sandboxes per submission"),
        rows=tuple(
            (f"{kind}, {number}", figure(walls[kind, number]), figure(inside[kind, number] / count))
            for kind, number in walls
        ),
        notes=(
            f"Whole runs of nbjudge grade, start-up included, {sizes.rounds} times in turn; the",
            "reference was proved before. Dask's scheduler and workers run on this machine and are",
            "started beforehand.",
        ),
        commands=(
            "nbjudge grade tp2 --force --workers 1",
            "nbjudge grade tp2 --force --workers 2",
            "nbjudge grade tp2 --force --scheduler tcp://127.0.0.1:PORT",
            "make bench ONLY=scaling",
        ),
        profiles=tuple(
            _profile(kind, start_up, {n: walls[kind, n] for n in (1, 2)}, inside[kind, 2])
            for kind in ("local", "Dask")
        ),
    )


def _profile(kind: str, start_up: float, walls: dict[int, float], inside: float) -> Profile:
    """Return where the wall-clock time of two goes that half of one's does not."""
    ideal = (walls[1] - start_up) / 2
    return Profile(
        f"Wall-clock seconds of two, {kind} (in sandboxes: {figure(inside)} CPU s)",
        (
            Part("start-up, which no worker shares (a run with nothing to grade)", start_up),
            Part("half of what one worker takes beside that", ideal),
            Part(
                "more than half: starts of workers, the last one alone, memory shared",
                walls[2] - start_up - ideal,
            ),
        ),
    )


def _graded(given: Class, root: Path, *options: str) -> _Run:
    measure = grade(root, ASSIGNMENT, "--force", *options)
    inside = sealed(root, ASSIGNMENT, given.students)
    return _Run(measure.wall_seconds, inside.kernel_seconds + inside.judge_seconds)


@contextlib.contextmanager
def _cluster(workers: int) -> Iterator[str]:
    """Give the address of a scheduler that has so many workers; end all of them afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="dask-") as name,
        contextlib.ExitStack() as running,
    ):
        folder = Path(name)
        file, words = folder / "scheduler.json", folder / "words.txt"

        def start(what: str, *options: str) -> None:
            command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
            with words.open("ab") as stream:
                process = subprocess.Popen(
                    [*command, "--host", "127.0.0.1", "--no-dashboard"],
                    cwd=folder,
                    stdout=stream,
                    stderr=stream,
                    env=os.environ | ONE_THREAD | {"DASK_TEMPORARY_DIRECTORY": name},
                )
            running.callback(_end, process)

        def address() -> str:
            with contextlib.suppress(OSError, ValueError):
                return str(json.loads(file.read_text("utf-8"))["address"])
            return ""

        def joined() -> bool:
            return words.read_text("utf-8", "replace").count("Register worker") >= workers

        start("scheduler", "--port", "0", "--scheduler-file", str(file))
        _until(lambda: bool(address()), words)
        for _number in range(workers):
            options = ("--nthreads", "1", "--no-nanny", "--local-directory", name)
            start("worker", address(), *options)
        _until(joined, words)
        yield address()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool], words: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"Starting a Dask cluster: it is not ready.\n{words.read_text('utf-8')[-3000:]}"
            )
        time.sleep(0.05)
