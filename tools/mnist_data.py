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
from mnist.networks import Classifier, LeNet
from mnist.originals import DataUnavailable, Digits
from mnist.scores import mc_dropout
from mnist.training import Recipe, fit_classifier, fit_head, logits_of
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from torch import Tensor

DATA = originals.TP3 / "data"
SUMS = "SHA256SUMS"
LENET = Recipe(epochs=8, rate=1e-3)
# A constant rate and many epochs on few digits: this one is meant to be too sure of itself.
SURE = Recipe(epochs=40, rate=1e-3, decays=False)
HEAD_WIDTH = 100
HEAD_RATES = (3e-5, 1e-4, 3e-4)
HEAD_EPOCHS = 60
SAMPLES = 50
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
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
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


def classifier(digits: Digits, found: Path | None, target: Path) -> None:
    """Train the LeNet that every question uses."""
    with progress() as bars:
        network = fit_classifier(LeNet, *digits.fitted.tensors(), LENET, seed=1, progress=bars)
    write_state(target / "lenet.pt", network.state_dict())
    tell_accuracy(network, digits)


def without_dropout(digits: Digits, found: Path | None, target: Path) -> None:
    """Train the same network without dropout, on the shipped 10 000 digits; keep its logits."""
    with progress() as bars:
        network = fit_classifier(
            lambda: LeNet(dropout=False), *digits.shipped.tensors(), SURE, seed=2, progress=bars
        )
    validation, test = digits.validation, digits.test
    write_npz(
        target / "logits_without_dropout.npz",
        validation_logits=logits_of(network, validation.tensors()[0]).numpy(),
        validation_labels=validation.labels,
        test_logits=logits_of(network, test.tensors()[0]).numpy(),
        test_labels=test.labels,
    )
    tell_accuracy(network, digits)


def head(digits: Digits, found: Path | None, target: Path) -> None:
    """Train ConfidNet's head: rate and epoch are those of the lowest validation error."""
    network = read_lenet(target)
    fitted, validation = digits.fitted.tensors(), digits.validation.tensors()
    with progress() as bars:
        heads = [
            fit_head(
                network,
                fitted,
                validation,
                width=HEAD_WIDTH,
                rate=rate,
                epochs=HEAD_EPOCHS,
                seed=3,
                progress=bars,
            )
            for rate in HEAD_RATES
        ]
    for rate, one in zip(HEAD_RATES, heads, strict=True):
        console.print(
            f"rate {rate:g}: validation error {one.validation_error:.6f}, epoch {one.epoch}"
        )
    best = min(heads, key=lambda one: one.validation_error)
    write_state(target / "confidnet.pt", best.head.state_dict())


def monte_carlo(digits: Digits, found: Path | None, target: Path) -> None:
    """Keep what MC dropout says of every test digit and of the clothes."""
    network = read_lenet(target)
    arrays: dict[str, NDArray[np.float32]] = {}
    with progress() as bars:
        for name, images in (("test", digits.test), ("fashion", originals.clothes(found))):
            said = mc_dropout(network, images.tensors()[0], samples=SAMPLES, seed=4, progress=bars)
            for field, values in vars(said).items():
                arrays[f"{name}_{field}"] = values.astype(np.float32)
    write_npz(target / "mc_scores.npz", **arrays)


def write_state(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a plain ``state_dict``, which ``torch.load(weights_only=True)`` reads."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write(path, buffer.getvalue())


def read_lenet(folder: Path) -> LeNet:
    """Return the LeNet that an earlier step wrote."""
    network = LeNet()
    network.load_state_dict(torch.load(folder / "lenet.pt", weights_only=True))
    return network.eval()


def tell_accuracy(network: Classifier, digits: Digits) -> None:
    """Print accuracy and errors on the validation and the test set."""
    for name, part in (("validation", digits.validation), ("test", digits.test)):
        x, y = part.tensors()
        wrong = int((logits_of(network, x).argmax(1) != y).sum())
        console.print(f"{name}: {wrong} errors of {len(y)}")


def progress() -> Progress:
    """Return bars for a training."""
    return Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console)


STEPS: Mapping[str, Callable[[Digits, Path | None, Path], None]] = {
    "archives": archives,
    "classifier": classifier,
    "without_dropout": without_dropout,
    "head": head,
    "monte_carlo": monte_carlo,
}


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
