"""All benchmarks, each with its targets.

From the command line::

    python benchmarks/bench.py                       # all; writes docs/benchmarks.md
    python benchmarks/bench.py growth startup        # these; the document keeps the others
    python benchmarks/bench.py --quick               # with few submissions; writes nothing

The machine should do nothing else meanwhile.  Figures are kept in ``build/benchmarks/``; the
document shows those of this machine with these versions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import click
import fixed_cost
import growth
import scaling
import startup
import throughput
import unchanged
from findings import Section, document, load, save, show
from measure import Say, machine
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "benchmarks"
DOCUMENT = ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: in full, and with few submissions, to see that it works."""

    full: Callable[[Say], Section]
    quick: Callable[[Say], Section]


def _of_class(make: Callable[[throughput.Sizes, Say], Section]) -> Benchmark:
    sizes = throughput.Sizes
    return Benchmark(partial(make, sizes(20, 2)), partial(make, sizes(2, 1)))


BENCHMARKS = {
    "throughput-tp1": _of_class(throughput.tp1),
    "throughput-torch": _of_class(throughput.torch),
    "fixed-cost": Benchmark(
        partial(fixed_cost.fixed_cost, fixed_cost.Sizes(9, 2)),
        partial(fixed_cost.fixed_cost, fixed_cost.Sizes(2, 1)),
    ),
    "scaling": Benchmark(
        partial(scaling.scaling, scaling.Sizes(16, 2)),
        partial(scaling.scaling, scaling.Sizes(2, 1)),
    ),
    "unchanged": Benchmark(
        partial(unchanged.unchanged, unchanged.Sizes(200, 5)),
        partial(unchanged.unchanged, unchanged.Sizes(4, 1)),
    ),
    "growth": Benchmark(
        partial(growth.growth, growth.Sizes((100, 1_000, 5_000), 2)),
        partial(growth.growth, growth.Sizes((10, 50), 1)),
    ),
    "startup": Benchmark(
        partial(startup.startup, startup.Sizes(7)),
        partial(startup.startup, startup.Sizes(1)),
    ),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--quick", is_flag=True, help="Few submissions, to try the code; writes nothing.")
def main(names: tuple[str, ...], quick: bool) -> None:
    """Run benchmarks NAMES (all by default); exit with 1 if a target is missed."""
    console = Console(width=None if sys.stdout.isatty() else 110)

    def say(what: str) -> None:
        console.print(f"… {what}", style="dim", markup=False, highlight=False)

    here = machine()
    found = []
    for name in names or tuple(BENCHMARKS):
        benchmark = BENCHMARKS[name]
        section = (benchmark.quick if quick else benchmark.full)(say)
        section = replace(section, date=date.today().isoformat(), machine=here)
        show(console, section)
        found.append(section)
        if not quick:
            save(section, KEPT)
            _write(here)
    if quick:
        console.print("Few submissions: these figures mean nothing, and nothing was written.")
    else:
        console.print(f"Written: {DOCUMENT.relative_to(ROOT)}")
        sys.exit(0 if all(section.is_met for section in found) else 1)


def _write(here: dict[str, str]) -> None:
    """Write the document from all that was found on this machine with these versions."""
    kept = [load(name, KEPT) for name in BENCHMARKS]
    sections = [one for one in kept if one is not None and dict(one.machine) == here]
    missing = [name for name in BENCHMARKS if name not in {one.name for one in sections}]
    DOCUMENT.write_text(document(sections, missing), "utf-8")


if __name__ == "__main__":
    main()
