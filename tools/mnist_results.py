"""Train on full MNIST and write ``docs/results.md``: what came out, beside the papers.

::

    python tools/mnist_results.py                       # all; fetches the originals, once
    python tools/mnist_results.py --originals FOLDER    # FOLDER/mnist, FOLDER/fashion
    python tools/mnist_results.py --only MLP            # fill the cache, write nothing
    python tools/mnist_results.py --finished            # train nothing, write what there is

Every finished training and every finished run is kept in the cache: started again, the command
goes on where it was stopped. One thread; about an hour of one processor.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import torch
from mnist import originals
from mnist.experiments import EXPERIMENTS, Material, scored
from mnist.experiments import finished as kept
from mnist.originals import ROOT, DataUnavailable
from mnist.report import gather, write_document
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

SEEDS = (1, 2, 3)


@click.command(help=__doc__.split("\n", 1)[0] if __doc__ else None)
@click.option(
    "--originals",
    "found",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with mnist/ and fashion/ that hold the original files; else they are fetched.",
)
@click.option("--cache", type=click.Path(path_type=Path), default=ROOT / ".cache" / "mnist")
@click.option(
    "--only", multiple=True, type=click.Choice(list(EXPERIMENTS)), help="Train these; no report."
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=int,
    default=SEEDS,
    show_default=True,
    help="Which seeds.",
)
@click.option("--finished", is_flag=True, help="Train nothing: report the runs that are finished.")
@click.option("--target", type=click.Path(path_type=Path), default=ROOT / "docs" / "results.md")
def main(
    found: Path | None,
    cache: Path,
    only: tuple[str, ...],
    seeds: tuple[int, ...],
    target: Path,
    *,
    finished: bool,
) -> None:
    """Fill the cache, then write the report."""
    torch.set_num_threads(1)
    console = Console(stderr=True)
    try:
        material = Material(originals.digits(found), originals.clothes(found))
    except DataUnavailable as error:
        sys.exit(str(error))
    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    runs = {}
    labels = material.digits.test.labels
    # A seed of every network before the next: what is there when one stops says the most.
    for seed in seeds:
        for name, experiment in EXPERIMENTS.items():
            if only and name not in only:
                continue
            if finished and not kept(experiment, seed, cache).exists():
                continue
            with Progress(*columns, console=console, transient=True) as progress:
                runs[name, seed] = scored(experiment, seed, material, cache, progress)
            wrong = int((runs[name, seed]["test_logits"].argmax(1) != labels).sum())
            console.print(f"{name}, seed {seed}: {wrong} errors of {len(labels)}")
    if only:
        return
    missing = EXPERIMENTS.keys() - {name for name, _ in runs}
    if missing:
        sys.exit(f"Writing {target}: no run of {', '.join(sorted(missing))} is finished.")
    with Progress(*columns, console=console, transient=True) as progress:
        report = gather(runs, material, progress)
    write_document(report, target)
    console.print(f"Written: {target}")


if __name__ == "__main__":
    main()
