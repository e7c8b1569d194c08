"""What TP3 ships is what its text says: sums, shapes, disjoint draws, networks as measured."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from mnist.networks import ConfidenceHead, LeNet  # noqa: E402
from mnist.originals import Images  # noqa: E402
from mnist.scores import fit_temperature, mc_dropout, negative_log_likelihood  # noqa: E402
from mnist.training import logits_of  # noqa: E402

DATA = ROOT / "source" / "tp3" / "data"
TEST_ERRORS = 79
VALIDATION_ERRORS = 26

ARRAYS = {
    "mnist_train.npz": {"images": ("uint8", (12_000, 28, 28)), "labels": ("uint8", (12_000,))},
    "mnist_test.npz": {"images": ("uint8", (10_000, 28, 28)), "labels": ("uint8", (10_000,))},
    "fashion_test.npz": {"images": ("uint8", (2_000, 28, 28)), "labels": ("uint8", (2_000,))},
    "logits_without_dropout.npz": {
        "validation_logits": ("float32", (2_000, 10)),
        "validation_labels": ("uint8", (2_000,)),
        "test_logits": ("float32", (10_000, 10)),
        "test_labels": ("uint8", (10_000,)),
    },
    "mc_scores.npz": {
        f"{name}_{field}": ("float32", (count, *rest))
        for name, count in (("test", 10_000), ("fashion", 2_000))
        for field, rest in (
            ("mean", (10,)),
            ("entropy", ()),
            ("mutual_information", ()),
            ("variation_ratio", ()),
        )
    },
}
STATES = {
    "lenet.pt": {
        "conv1.weight": (16, 1, 5, 5),
        "conv1.bias": (16,),
        "conv2.weight": (32, 16, 5, 5),
        "conv2.bias": (32,),
        "fc1.weight": (100, 512),
        "fc1.bias": (100,),
        "fc2.weight": (10, 100),
        "fc2.bias": (10,),
    },
    "confidnet.pt": {
        "uncertainty1.weight": (100, 100),
        "uncertainty1.bias": (100,),
        "uncertainty2.weight": (100, 100),
        "uncertainty2.bias": (100,),
        "uncertainty3.weight": (100, 100),
        "uncertainty3.bias": (100,),
        "uncertainty4.weight": (100, 100),
        "uncertainty4.bias": (100,),
        "uncertainty5.weight": (1, 100),
        "uncertainty5.bias": (1,),
    },
}


def load(name):
    with np.load(DATA / name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def images(name):
    return Images(**load(name))


def state(name):
    return torch.load(DATA / name, weights_only=True)


@pytest.fixture(scope="module")
def lenet():
    network = LeNet()
    network.load_state_dict(state("lenet.pt"))
    return network.eval()


@pytest.fixture(scope="module")
def digits():
    return images("mnist_test.npz")


@pytest.fixture(scope="module")
def validation():
    return images("mnist_train.npz").take(slice(10_000, None))


def test_every_file_has_the_sum_that_is_shipped_with_it():
    lines = (DATA / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}

    assert sums.keys() == {*ARRAYS, *STATES}
    for name, digest in sums.items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest, name


def test_nothing_else_is_shipped_and_all_of_it_stays_small():
    found = {path.name: path.stat().st_size for path in DATA.iterdir()}

    assert found.keys() == {*ARRAYS, *STATES, "SHA256SUMS", "LICENCES.txt"}
    assert sum(found.values()) < 6.5e6


def test_licences_name_every_file_and_every_source():
    text = (DATA / "LICENCES.txt").read_text(encoding="utf-8")

    for name in (*ARRAYS, *STATES, "LeCun", "Zalando", "CC BY-SA 3.0", "MIT"):
        assert name in text


@pytest.mark.parametrize("name", ARRAYS)
def test_an_archive_holds_the_arrays_that_the_text_announces(name):
    found = {key: (array.dtype.name, array.shape) for key, array in load(name).items()}

    assert found == ARRAYS[name]


@pytest.mark.parametrize("name", STATES)
def test_a_checkpoint_is_a_plain_state_of_float32(name):
    found = state(name)

    assert type(found).__name__ in {"dict", "OrderedDict"}
    assert {key: tuple(tensor.shape) for key, tensor in found.items()} == STATES[name]
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert all(torch.isfinite(tensor).all() for tensor in found.values())


def test_no_digit_is_shipped_twice():
    shipped = [images("mnist_train.npz").images, images("mnist_test.npz").images]

    seen = {image.tobytes() for part in shipped for image in part}

    assert len(seen) == 22_000


def test_the_test_digits_are_all_there_in_their_order(digits):
    # The original IDX file is a header of 16 octets, then these.
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (10_000, 28, 28))
    found = hashlib.sha256(header + digits.images.tobytes()).hexdigest()

    assert found == "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"


def test_the_draws_have_every_class_in_about_its_share():
    train, clothes = images("mnist_train.npz").labels, images("fashion_test.npz").labels

    # Six standard deviations of a binomial, of shares of 0.09 to 0.113.
    for labels in (train[:10_000], train[10_000:], clothes[:500], clothes[500:]):
        shares = np.bincount(labels, minlength=10) / len(labels)
        assert np.abs(shares - 0.1).max() < 0.014 + 6 * np.sqrt(0.09 / len(labels))


def test_the_network_reaches_the_accuracy_that_was_measured(lenet, digits, validation):
    # A processor that rounds otherwise may move an image or two that lie on the border.
    for part, expected in ((digits, TEST_ERRORS), (validation, VALIDATION_ERRORS)):
        x, y = part.tensors()
        assert abs(int((logits_of(lenet, x).argmax(1) != y).sum()) - expected) <= 2


def test_the_validation_digits_are_not_of_those_that_the_network_was_fitted_on(lenet, validation):
    """Were they, they would be as easy as the 10 000 shipped digits, which are."""
    shipped = images("mnist_train.npz").take(slice(10_000))
    fitted, held = (
        int((logits_of(lenet, x).argmax(1) != y).sum())
        for x, y in (part.tensors() for part in (shipped, validation))
    )

    assert binomtest(held, 2_000, fitted / 10_000, alternative="greater").pvalue < 1e-3


def test_the_head_estimates_the_probability_of_the_true_class(lenet, digits):
    head = ConfidenceHead(100, 100)
    head.load_state_dict(state("confidnet.pt"))
    x, y = digits.tensors()

    with torch.no_grad():
        hidden = torch.cat([lenet.hidden(lenet.trunk(part)) for part in x.split(1000)])
        truth = lenet.top(hidden).softmax(1).gather(1, y[:, None]).squeeze(1)
        estimate = head(hidden).sigmoid()

    constant = (truth - truth.mean()).square().mean()
    assert (truth - estimate).square().mean() < 0.8 * constant
    # A head that collapsed says the same of every image.
    assert len(torch.unique(estimate)) > 1_000


def test_the_logits_without_dropout_are_of_these_digits_and_too_sure(digits, validation):
    found = load("logits_without_dropout.npz")

    assert_array_equal(found["test_labels"], digits.labels)
    assert_array_equal(found["validation_labels"], validation.labels)
    for half in ("validation", "test"):
        right = found[f"{half}_logits"].argmax(1) == found[f"{half}_labels"]
        assert right.mean() > 0.97
    logits = found["validation_logits"].astype(float)
    labels = found["validation_labels"].astype(int)
    temperature = fit_temperature(logits, labels)
    assert temperature > 1.2
    test, truth = found["test_logits"].astype(float), found["test_labels"].astype(int)
    after = negative_log_likelihood(test, truth, temperature)
    assert after < negative_log_likelihood(test, truth)


def test_the_mc_scores_hold_together():
    found = load("mc_scores.npz")

    for name in ("test", "fashion"):
        mean, entropy = found[f"{name}_mean"].astype(float), found[f"{name}_entropy"]
        information, ratio = found[f"{name}_mutual_information"], found[f"{name}_variation_ratio"]
        assert_allclose(mean.sum(1), 1, atol=1e-5)
        with np.errstate(divide="ignore", invalid="ignore"):
            recomputed = -np.nansum(mean * np.log(mean), axis=1)
        assert_allclose(entropy, recomputed, atol=1e-5)
        assert (information >= 0).all()
        assert (information <= entropy + 1e-6).all()
        assert_allclose(ratio * 50, np.round(ratio * 50), atol=1e-4)
        assert (ratio < 0.9 + 1e-6).all()
    assert found["fashion_entropy"].mean() > 5 * found["test_entropy"].mean()


def test_the_mc_scores_are_of_the_shipped_network(lenet, digits):
    """Fifty other passes say nearly the same.

    By Hoeffding's inequality one softmax differs by more than 0.5 between two means of 50 draws in
    [0, 1] with probability below 8e-6; that of sure images, nearly all, by far less.
    """
    from rich.progress import Progress

    rows = slice(0, 300)
    x = digits.take(rows).tensors()[0]
    with Progress(disable=True) as progress:
        other = mc_dropout(lenet, x, samples=50, seed=99, progress=progress)

    shipped = load("mc_scores.npz")["test_mean"][rows]
    assert np.abs(shipped - other.mean).max() < 0.5
    assert np.abs(shipped - other.mean).mean() < 0.005
