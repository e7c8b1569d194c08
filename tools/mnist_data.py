"""Make what TP3 ships in ``source/tp3/data``: archives, checkpoints, logits, MC dropout scores.

::

    python tools/mnist_data.py                          # fetches the originals, once
    python tools/mnist_data.py --originals FOLDER       # FOLDER/mnist, FOLDER/fashion
    python tools/mnist_data.py archives                 # only one step

Steps run in order; each writes its files and the sums of all of them. One thread and fixed seeds:
the same versions of numpy and torch on the same kind of processor make the same numbers. Elsewhere
trained weights differ in their last digits, so that a checkpoint is one of many as good.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np
import torch
from mnist import originals
from mnist.originals import DataUnavailable, Digits
from numpy.typing import NDArray
from rich.console import Console

DATA = originals.TP3 / "data"
SUMS = "SHA256SUMS"
console = Console(stderr=True)


def archives(digits: Digits, found: Path | None, target: Path) -> None:
    """Write the images that the TP works on."""
    train = digits.shipped, digits.validation
    write_npz(
        target / "mnist_train.npz",
        images=np.concatenate([part.images for part in train]),
        labels=np.concatenate([part.labels for part in train]),
    )
    write_npz(target / "mnist_test.npz", images=digits.test.images, labels=digits.test.labels)
    outside = originals.clothes(found)
    write_npz(target / "fashion_test.npz", images=outside.images, labels=outside.labels)


def write_npz(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write arrays, compressed; the same arrays make the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write(path, buffer.getvalue())


def write(path: Path, content: bytes) -> None:
    """Write a file whole, or leave the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)
    console.print(f"{path.name}: {len(content) / 1e6:.2f} MB")


def write_sums(folder: Path) -> None:
    """Write the SHA-256 sum of every data file, as ``sha256sum --check`` reads them."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".npz", ".pt"})
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


STEPS: Mapping[str, Callable[[Digits, Path | None, Path], None]] = {"archives": archives}


@click.command(help=__doc__.split("\n", 1)[0] if __doc__ else None)
@click.argument("steps", nargs=-1, type=click.Choice(list(STEPS)))
@click.option(
    "--originals",
    "found",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with mnist/ and fashion/ that hold the original files; else they are fetched.",
)
@click.option("--target", type=click.Path(path_type=Path), default=DATA, show_default=False)
def main(steps: tuple[str, ...], found: Path | None, target: Path) -> None:
    """Run the steps asked for, or all."""
    torch.set_num_threads(1)
    try:
        digits = originals.digits(found)
        for name, step in STEPS.items():
            if not steps or name in steps:
                step(digits, found, target)
                write_sums(target)
    except DataUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
