"""``docs/results.md`` says what the runs gave, whichever way that is."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.progress import Progress
from scipy.special import softmax

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from mnist import experiments, originals, report  # noqa: E402
from mnist.measures import Estimate  # noqa: E402

SEEDS = (1, 2)
TESTED, HELD, CLOTHES = 1_000, 300, 150
rng = np.random.default_rng(0)
labels = rng.integers(0, 10, TESTED)
held_labels = rng.integers(0, 10, HELD)


def logits_for(truth, strength=7.0):
    z = rng.normal(size=(len(truth), 10)) * 2
    z[np.arange(len(truth)), truth] += strength
    return z


def made_up_run():
    """ConfidNet finds every error, MC dropout nothing."""
    test = logits_for(labels)
    wrong = test.argmax(1) != labels
    return {
        "validation_logits": logits_for(held_labels),
        "test_logits": test,
        "test_entropy": rng.random(TESTED),
        "test_mutual_information": rng.random(TESTED),
        "test_mean_softmax": softmax(logits_for(labels), axis=1),
        "test_mean_logits": logits_for(labels),
        "test_confidence": np.where(wrong, -2.0, 2.0),
        "head_epoch": np.array(7),
        "fitted_wrong": np.arange(50.0) < 5,
        "fitted_confidence": np.arange(50.0),
        "choice_fpr95": rng.random(len(experiments.EPSILONS)),
        "choice_auroc": rng.random(len(experiments.EPSILONS)),
        "epsilon": np.array(experiments.EPSILONS[2]),
        "clothes_logits": rng.normal(size=(CLOTHES, 10)),
        "clothes_entropy": rng.random(CLOTHES),
        "clothes_mutual_information": rng.random(CLOTHES),
        "test_tempered": rng.random(TESTED),
        "clothes_tempered": rng.random(CLOTHES) + 2,
        "test_odin": rng.random(TESTED),
        "clothes_odin": rng.random(CLOTHES) - 2,
    }


@pytest.fixture(scope="module")
def runs():
    every = {(name, seed): made_up_run() for name in experiments.EXPERIMENTS for seed in SEEDS}
    # One network has a training less.
    del every["LeNet", 2]
    return every


@pytest.fixture(scope="module")
def made(runs):
    nothing = originals.Images(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
    held = originals.Images(nothing.images, held_labels.astype(np.uint8))
    test = originals.Images(nothing.images, labels.astype(np.uint8))
    material = experiments.Material(originals.Digits(nothing, nothing, held, test), nothing)
    with pytest.MonkeyPatch.context() as patch, Progress(disable=True) as progress:
        patch.setattr(report, "RESAMPLES", 20)
        patch.setattr(report, "PERFECT_DRAWS", 20)
        return report.gather(runs, material, progress)


@pytest.fixture(scope="module")
def document(made, tmp_path_factory):
    target = tmp_path_factory.mktemp("docs") / "results.md"
    report.write_document(made, target)
    return target


def test_one_less_the_largest_softmax_keeps_its_digits_where_it_is_tiny():
    z = rng.normal(size=(50, 10)) * 3
    assert_allclose(report.not_the_largest(z), 1 - softmax(z, axis=1).max(1))

    sure = np.zeros((1, 10))
    sure[0, 3] = 60.0
    assert_allclose(report.not_the_largest(sure), 9 * np.exp(-60.0), rtol=1e-9)


def test_every_network_method_and_measure_has_its_number(document, made):
    text = document.read_text(encoding="utf-8")

    for name in experiments.EXPERIMENTS:
        assert f"| {name} |" in text
    for comparison in (*made.failure.values(), *made.outside.values()):
        for estimate in comparison.value.values():
            assert report.percent(estimate) in text
    for rows in report.PUBLISHED.values():
        for values in rows.values():
            assert " | ".join(f"*{value:.2f}*" for value in values) in text


def test_the_document_says_how_many_trainings_there_are(document):
    text = re.sub(r"\s+", " ", document.read_text(encoding="utf-8"))

    assert "MLP 2, SmallConvNet 2, LeNet 1, LeNet without dropout 2;" in text


def test_what_lies_between_mcp_and_mc_dropout_has_its_number(document, made):
    text = document.read_text(encoding="utf-8")

    for name, comparison in made.dropout.items():
        whole = made.failure[name].value
        for ours, theirs in (("MCP", "MCP"), ("entropy of the mean softmax", "MC dropout")):
            measured = comparison.value[ours, "AUPR-Error"].value
            assert measured == whole[theirs, "AUPR-Error"].value
        for method in ("entropy without passes", "largest of the mean softmax"):
            assert report.points(comparison.gain[method, "AUPR-Error"]) in text
    assert made.dropout.keys() == made.by_the_authors.keys() == {"MLP"}


def test_the_authors_judge_mc_dropout_by_the_errors_of_its_own_prediction():
    logits = np.log([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    run = {"test_logits": -logits, "test_mean_logits": logits}

    # The second image is the only error, and the least sure.
    assert report.by_the_authors(run, np.array([0, 0, 1])) == 1.0
    # The first is: second in the order of entropies.
    assert report.by_the_authors(run, np.array([1, 1, 1])) == 0.5


def test_tables_are_whole(document):
    tables = re.findall(r"(?:^\|.*\n)+", document.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(tables) == 8
    for table in tables:
        widths = {line.strip().count("|") for line in table.splitlines()}
        assert len(widths) == 1, table


def test_the_words_are_those_of_the_intervals(document):
    text = re.sub(r"\s+", " ", document.read_text(encoding="utf-8"))

    assert text.count("- ConfidNet, AUPR-Error: better; FPR95: better; AUROC: better.") == 2
    assert text.count("- MC dropout, AUPR-Error: worse; FPR95: worse; AUROC: worse.") == 2


@pytest.mark.parametrize(
    ("estimate", "sign"),
    [
        (Estimate(0.1, 0.01, 0.2), 1),
        (Estimate(-0.1, -0.2, -0.01), -1),
        (Estimate(0.1, -0.01, 0.2), 0),
        (Estimate(0.0, 0.0, 0.0), 0),
    ],
)
def test_only_an_interval_on_one_side_of_zero_decides(estimate, sign):
    assert estimate.sign == sign


def test_figures_lie_beside_the_document_and_have_a_text_instead(document):
    found = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", document.read_text(encoding="utf-8"))

    assert len(found) == 3
    for said, path in found:
        assert len(said) > 40
        assert (document.parent / path).read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_the_same_runs_write_the_same_files(document, made, tmp_path):
    report.write_document(made, tmp_path / "results.md")

    for path in (document, *(document.with_suffix("")).iterdir()):
        again = tmp_path / path.relative_to(document.parent)
        assert again.read_bytes() == path.read_bytes(), path.name


def test_temperature_scaling_lowers_the_loss_of_the_set_that_it_is_fitted_on(runs):
    run = dict(runs["MLP", 1])
    run |= {"test_logits": run["validation_logits"]}

    found = report.calibration(run, held_labels, held_labels, seed=0)

    assert found.loss_after < found.loss_before
    assert found.before.count.sum() == found.after.count.sum() == HELD
    assert 0 < found.perfect[0] < found.perfect[1]


def test_an_experiment_that_is_not_scored_outside_is_in_no_such_table(made):
    assert made.outside.keys() == {n for n, e in experiments.EXPERIMENTS.items() if e.outside}
    assert made.failure.keys() == set(report.PUBLISHED)
