"""What commands cost: wall-clock and processor seconds, and on which machine."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import psutil

from nbjudge.limits import GIB
from nbjudge.records import RESULTS

BESIDE = Path(sys.executable).parent
# A new gradebook makes nbgrader run the command alembic, which lies beside Python's.
PATH = os.pathsep.join([str(BESIDE), os.environ.get("PATH", os.defpath)])
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = ("nbjudge", "nbgrader", "otter-grader", "ipykernel", "numpy", "matplotlib", "torch")

Say = Callable[[str], None]
"""Called with what is being done."""


@dataclass(frozen=True)
class Measure:
    """What a command took."""

    wall_seconds: float
    cpu_seconds: float
    """Of it and its descendants, as far as they were waited for."""
    machine_seconds: float = 0.0
    """Processor seconds that the whole machine was busy meanwhile, whoever made it."""


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    allowed: Iterable[int] = (0,),
) -> Measure:
    """Run a command to its end.

    Raises
    ------
    ClickException
        If its exit code is not among those allowed: its figures would mean nothing.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    busy = _busy_seconds()
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(os.environ) | {"PATH": PATH} | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in allowed:
        said = (done.stderr or done.stdout)[-3000:]
        raise click.ClickException(f"{' '.join(command)}: exit code {done.returncode}\n{said}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measure(wall, cpu, _busy_seconds() - busy)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


@dataclass(frozen=True)
class Sealed:
    """Processor seconds inside of sandboxes: nobody outside waits for their processes."""

    kernel_seconds: float
    judge_seconds: float


def sealed(root: Path, assignment: str, students: Iterable[str]) -> Sealed:
    """Return what sandboxes took for these students, as the records of the last grading say."""
    kernel = judge = 0.0
    for student in students:
        for path in sorted((root / RESULTS / student / assignment).glob("*.json")):
            record = json.loads(path.read_text("utf-8"))
            kernel += float(record["cpu_seconds"])
            judge += float(record["judge_cpu_seconds"])
    return Sealed(kernel, judge)


def grade(root: Path, assignment: str, *options: str) -> Measure:
    """Run ``nbjudge grade``; submissions that need a look (exit code 1) are graded ones."""
    command = (str(BESIDE / "nbjudge"), "grade", assignment, *options)
    return run(command, root, ONE_THREAD, allowed=(0, 1))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, str]:
    """Return what figures depend on: the machine and the versions, in some words."""
    said = {
        "Processor": f"{_processor()}, {cores()} cores",
        "Memory": f"{psutil.virtual_memory().total / GIB:.1f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "bubblewrap": _bubblewrap(),
    }
    for name in (*PACKAGES, "distributed"):
        try:
            said[name] = version(name)
        except PackageNotFoundError:
            said[name] = "not installed"
    return said


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
    return found[1] if found else platform.machine()


def _bubblewrap() -> str:
    try:
        done = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    return done.stdout.strip().removeprefix("bubblewrap ")
