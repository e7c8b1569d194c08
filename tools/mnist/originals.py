"""The original digits and clothes, checked, and the seeded draws that the TP ships.

How files are found, fetched and checked is said once, in the module that students receive.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
TP3 = ROOT / "source" / "tp3"
DRAW_SEED = 20_260
VALIDATION = 2_000
TRAIN = 10_000
OUTSIDE = 2_000
# Those that choose ODIN's epsilon; the others are scored.
OUTSIDE_TO_CHOOSE = 500
MEAN, DEVIATION = 0.1307, 0.3081

Bytes = NDArray[np.uint8]


def _full_data_module() -> Any:
    spec = importlib.util.spec_from_file_location("tp3_full_data", TP3 / "tp3_full_data.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"Reading {TP3 / 'tp3_full_data.py'}: not there.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


full_data_module = _full_data_module()
DataUnavailable: type[RuntimeError] = full_data_module.DataUnavailable


@dataclass(frozen=True)
class Images:
    """Images uint8 (N, 28, 28) with their labels uint8 (N,)."""

    images: Bytes
    labels: Bytes

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64] | slice) -> Images:
        """Return some of them, in the order given."""
        return Images(self.images[rows], self.labels[rows])

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Return what networks take: float32 (N, 1, 28, 28), standardised, and int64 (N,)."""
        x = torch.from_numpy(self.images).unsqueeze(1).float().div(255)
        return x.sub(MEAN).div(DEVIATION), torch.from_numpy(self.labels.astype(np.int64))


@dataclass(frozen=True)
class Digits:
    """MNIST, cut the way everything here uses it.

    ``fitted`` (58 000) is the training set less ``validation`` (2 000), which no network has seen;
    ``shipped`` (10 000 of the fitted) is the training set of the TP.
    """

    fitted: Images
    shipped: Images
    validation: Images
    test: Images


def drawn(count: int, of: int) -> NDArray[np.int64]:
    """Return ``count`` distinct positions out of ``of``, always the same, in random order."""
    order: NDArray[np.int64] = np.random.default_rng(DRAW_SEED).permutation(of)
    return order[:count]


def digits(originals: Path | None = None) -> Digits:
    """Return MNIST.

    Parameters
    ----------
    originals
        A folder with ``mnist/`` that holds the four files, or nothing: they are fetched.

    Raises
    ------
    DataUnavailable
        If a file is missing and cannot be fetched, or is not the original.
    """
    train, test = _pair("mnist", originals)
    chosen = drawn(TRAIN + VALIDATION, len(train))
    validation = chosen[TRAIN:]
    fitted = np.setdiff1d(np.arange(len(train)), validation)
    return Digits(train.take(fitted), train.take(chosen[:TRAIN]), train.take(validation), test)


def clothes(originals: Path | None = None) -> Images:
    """Return the 2 000 Fashion-MNIST test images that stand for out-of-distribution inputs."""
    places = (
        full_data_module.full_part("fashion", part, _folder(originals, "fashion"))
        for part in ("test_images", "test_labels")
    )
    test = Images(*places)
    return test.take(drawn(OUTSIDE, len(test)))


def _pair(name: str, originals: Path | None) -> tuple[Images, Images]:
    train, test = full_data_module.full_data(name, _folder(originals, name))
    return Images(*train), Images(*test)


def _folder(originals: Path | None, name: str) -> Path | None:
    return None if originals is None else originals / name
