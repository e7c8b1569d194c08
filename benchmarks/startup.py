"""How long the command line takes before it does anything."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from findings import Finding, Part, Profile, Section, at_most, figure
from measure import BESIDE, ONE_THREAD, Say, run

from nbjudge.course import find_root

TARGETS = {"--help": 0.3, "doctor": 2.0}


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    rounds: int


def startup(sizes: Sizes, say: Say) -> Section:
    """Time ``nbjudge --help`` and ``nbjudge doctor``, in turn."""
    folder = find_root(Path(__file__).parent)
    nbjudge = str(BESIDE / "nbjudge")
    commands = {
        "python": (sys.executable, "-c", "pass"),
        "import": (sys.executable, "-c", "import nbjudge.cli"),
        "--help": (nbjudge, "--help"),
        "doctor": (nbjudge, "doctor"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(sizes.rounds):
        say(f"the command line, round {turn + 1}")
        for name, command in commands.items():
            times[name].append(run(command, folder, ONE_THREAD).wall_seconds)
    middle = {name: median(some) for name, some in times.items()}
    return Section(
        name="startup",
        title="6. The command line",
        findings=tuple(
            Finding(f"nbjudge {name}, wall", middle[name], at_most(bound, " s"))
            for name, bound in TARGETS.items()
        ),
        columns=("", "s, median", "s, fastest", "s, slowest"),
        rows=tuple(
            (f"nbjudge {name}", *map(figure, (middle[name], min(times[name]), max(times[name]))))
            for name in TARGETS
        ),
        notes=(f"{sizes.rounds} runs of each, in turn, after whatever was read before.",),
        commands=("nbjudge --help", "nbjudge doctor", "make bench ONLY=startup"),
        profiles=tuple(
            Profile(
                f"Wall-clock seconds of nbjudge {name}",
                (
                    Part("Python itself", middle["python"]),
                    Part("importing the command line", middle["import"] - middle["python"]),
                    Part("what it does", middle[name] - middle["import"]),
                ),
            )
            for name in TARGETS
        ),
    )
