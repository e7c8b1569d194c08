"""The runs behind ``docs/results.md``: trained once, scored once, kept on disk.

A run is (experiment, seed). What it made is named after everything that it depends on, so that a
stopped computation goes on where it was and a changed recipe starts anew.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor

from mnist.measures import OUTSIDE as OUTSIDE_MEASURES
from mnist.networks import MLP, Classifier, ConfidenceHead, LeNet, SmallConvNet
from mnist.originals import DRAW_SEED, OUTSIDE_TO_CHOOSE, Digits, Images
from mnist.scores import mc_dropout, mc_means, odin
from mnist.training import FittedHead, Recipe, fit_classifier, fit_head, frozen, logits_of

Arrays = dict[str, NDArray[np.float64]]
HEAD_WIDTH = 400
# By the validation error of one MLP, twelve epochs each: 1e-3 collapses to a constant (0.0226), the
# paper's 1e-4 is slower (0.0132) than this (0.0094).
HEAD_RATE = 3e-4
HEAD_EPOCHS = 15
SAMPLES = 50
TEMPERATURE = 1_000.0
EPSILONS = (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
# Raised when the meaning of a kept file changes.
_FORMAT = 1


def _lenet_without_dropout() -> LeNet:
    return LeNet(dropout=False)


@dataclass(frozen=True)
class Experiment:
    """A network, its recipe, and what is scored on it.

    ``few_digits``: trained on the 10 000 digits that TP3 ships, not on the 58 000.
    ``dropout``: MC dropout is taken apart too, where its passes cost seconds.
    """

    name: str
    make: Callable[[], Classifier]
    recipe: Recipe
    failure: bool = False
    outside: bool = False
    few_digits: bool = False
    dropout: bool = False


EXPERIMENTS: Mapping[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("MLP", MLP, Recipe(100, 1e-3, "sgd", decays=False), failure=True, dropout=True),
        Experiment("SmallConvNet", SmallConvNet, Recipe(2, 1e-3), failure=True),
        Experiment("LeNet", LeNet, Recipe(4, 1e-3), outside=True),
        Experiment(
            "LeNet without dropout",
            _lenet_without_dropout,
            Recipe(20, 1e-3, decays=False),
            few_digits=True,
        ),
    )
}


@dataclass(frozen=True)
class Material:
    """What every run is trained and scored on."""

    digits: Digits
    clothes: Images

    @property
    def clothes_to_choose(self) -> Images:
        """Those that choose ODIN's epsilon."""
        return self.clothes.take(slice(None, OUTSIDE_TO_CHOOSE))

    @property
    def clothes_to_score(self) -> Images:
        """Those that are scored."""
        return self.clothes.take(slice(OUTSIDE_TO_CHOOSE, None))


def scored(
    experiment: Experiment, seed: int, material: Material, cache: Path, progress: Progress
) -> Arrays:
    """Return a run's arrays, from the disk if it was done before.

    Always: ``validation_logits``, ``test_logits`` (N, 10).

    With ``failure``: ``test_entropy``, ``test_confidence`` (the head's logit), ``head_epoch``,
    ``head_error``; on the digits that all was fitted on, ``fitted_wrong`` and
    ``fitted_confidence``.

    With ``dropout``: ``test_mean_softmax`` and ``test_mean_logits`` (N, 10) of its passes.

    With ``outside``: ``test_*`` and ``clothes_*`` of ``logits``, ``entropy``,
    ``mutual_information``, ``tempered`` (ODIN without its step) and ``odin``; ``epsilon``;
    ``choice_auroc`` and ``choice_fpr95`` by epsilon.
    """

    def network() -> Classifier:
        return _classifier(experiment, seed, material, cache, progress)

    arrays = _kept(
        finished(experiment, seed, cache),
        lambda: _score(experiment, network(), seed, material, cache, progress),
    )
    if experiment.dropout:
        arrays |= _kept(
            cache / f"{_key(experiment, seed, 'means', SAMPLES)}.npz",
            lambda: _means(network(), seed, material, progress),
        )
    return arrays


def _kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays of a file, which is made if it is not there."""
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    arrays = make()
    buffer = io.BytesIO()
    plain = {name: np.asarray(values, dtype=float) for name, values in arrays.items()}
    np.savez_compressed(buffer, allow_pickle=False, **plain)
    _write(path, buffer.getvalue())
    return arrays


def finished(experiment: Experiment, seed: int, cache: Path) -> Path:
    """Return where a run's arrays are kept; the file is there when the run is finished."""
    head = [HEAD_WIDTH, HEAD_RATE, HEAD_EPOCHS] if experiment.failure else []
    outside = [TEMPERATURE, EPSILONS] if experiment.outside else []
    return cache / f"{_key(experiment, seed, head, outside, SAMPLES)}.npz"


def _key(experiment: Experiment, seed: int, *settings: object) -> str:
    """Return a name that changes with all that a kept file depends on."""
    few = ["few"] if experiment.few_digits else []
    said = json.dumps([_FORMAT, asdict(experiment.recipe), *few, DRAW_SEED, *settings])
    digest = hashlib.sha256(said.encode()).hexdigest()[:10]
    return f"{experiment.name.replace(' ', '-')}-{seed}-{digest}"


def _classifier(
    experiment: Experiment, seed: int, material: Material, cache: Path, progress: Progress
) -> Classifier:
    path = cache / f"{_key(experiment, seed)}.pt"
    if not path.exists():
        digits = material.digits.shipped if experiment.few_digits else material.digits.fitted
        network = fit_classifier(
            experiment.make, *digits.tensors(), experiment.recipe, seed, progress
        )
        _save(path, network.state_dict())
    network = experiment.make()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


def _head(
    experiment: Experiment,
    network: Classifier,
    seed: int,
    material: Material,
    cache: Path,
    progress: Progress,
) -> FittedHead:
    path = cache / f"{_key(experiment, seed, HEAD_WIDTH, HEAD_RATE, HEAD_EPOCHS)}.pt"
    if not path.exists():
        digits = material.digits
        found = fit_head(
            network,
            digits.fitted.tensors(),
            digits.validation.tensors(),
            width=HEAD_WIDTH,
            rate=HEAD_RATE,
            epochs=HEAD_EPOCHS,
            seed=seed,
            progress=progress,
        )
        kept = {"epoch": found.epoch, "validation_error": found.validation_error}
        _save(path, kept | {"state": found.head.state_dict()})
    kept = torch.load(path, weights_only=True)
    head = ConfidenceHead(network.width, HEAD_WIDTH)
    head.load_state_dict(kept["state"])
    return FittedHead(head.eval(), kept["epoch"], kept["validation_error"])


def _score(
    experiment: Experiment,
    network: Classifier,
    seed: int,
    material: Material,
    cache: Path,
    progress: Progress,
) -> Arrays:
    digits = material.digits
    x, y = digits.test.tensors()
    validation = digits.validation.tensors()[0]
    arrays = {
        "validation_logits": logits_of(network, validation).double().numpy(),
        "test_logits": logits_of(network, x).double().numpy(),
    }
    if experiment.failure or experiment.outside:
        said = mc_dropout(network, x, samples=SAMPLES, seed=seed, progress=progress)
        arrays["test_entropy"] = said.entropy
        arrays["test_mutual_information"] = said.mutual_information
    if experiment.failure:
        head = _head(experiment, network, seed, material, cache, progress)
        seen, labels = digits.fitted.tensors()
        with torch.no_grad():
            arrays["test_confidence"] = head.head(frozen(network, x, y)[0]).double().numpy()
            hidden = frozen(network, seen, labels)[0]
            arrays["fitted_confidence"] = head.head(hidden).double().numpy()
            arrays["fitted_wrong"] = (network.top(hidden).argmax(1) != labels).double().numpy()
        arrays["head_epoch"] = np.array(head.epoch)
        arrays["head_error"] = np.array(head.validation_error)
    if experiment.outside:
        arrays |= _score_outside(network, seed, material, progress)
    return arrays


def _means(network: Classifier, seed: int, material: Material, progress: Progress) -> Arrays:
    """Return what the passes of ``test_entropy`` say on average, in two ways."""
    x = material.digits.test.tensors()[0]
    softmax, logits = mc_means(network, x, samples=SAMPLES, seed=seed, progress=progress)
    return {"test_mean_softmax": softmax, "test_mean_logits": logits}


def _score_outside(
    network: Classifier, seed: int, material: Material, progress: Progress
) -> Arrays:
    held = material.digits.validation.tensors()[0]
    choosing = material.clothes_to_choose.tensors()[0]
    test = material.digits.test.tensors()[0]
    clothes = material.clothes_to_score.tensors()[0]
    outside = np.arange(len(held) + len(choosing)) >= len(held)

    def score(x: Tensor, epsilon: float) -> NDArray[np.float64]:
        return odin(network, x, epsilon=epsilon, temperature=TEMPERATURE)

    choices: dict[str, list[float]] = {"FPR95": [], "AUROC": []}
    for epsilon in progress.track(EPSILONS, description="ODIN, choosing epsilon"):
        scores = np.concatenate([score(held, epsilon), score(choosing, epsilon)])
        for name, values in choices.items():
            values.append(OUTSIDE_MEASURES[name](outside, scores))
    # The paper's rule, the lowest FPR95; its ties (at 0, often) go to the largest AUROC.
    best = min(range(len(EPSILONS)), key=lambda i: (choices["FPR95"][i], -choices["AUROC"][i]))
    said = mc_dropout(network, clothes, samples=SAMPLES, seed=seed, progress=progress)
    return {
        "choice_fpr95": np.array(choices["FPR95"]),
        "choice_auroc": np.array(choices["AUROC"]),
        "epsilon": np.array(EPSILONS[best]),
        "clothes_logits": logits_of(network, clothes).double().numpy(),
        "clothes_entropy": said.entropy,
        "clothes_mutual_information": said.mutual_information,
        "test_tempered": score(test, 0.0),
        "clothes_tempered": score(clothes, 0.0),
        "test_odin": score(test, EPSILONS[best]),
        "clothes_odin": score(clothes, EPSILONS[best]),
    }


def _save(path: Path, plain: Mapping[str, object]) -> None:
    buffer = io.BytesIO()
    torch.save(plain, buffer)
    _write(path, buffer.getvalue())


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all: a file that is there is a step that was done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
