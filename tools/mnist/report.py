"""From finished runs to ``docs/results.md`` and its figures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.special import entr, expit, softmax

from mnist import experiments
from mnist.experiments import EPSILONS, EXPERIMENTS, Experiment, Material
from mnist.measures import (
    FAILURE,
    OUTSIDE,
    Comparison,
    Estimate,
    Measure,
    Run,
    aupr_positive,
    compare,
)
from mnist.scores import (
    Reliability,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)

Arrays = Mapping[str, NDArray[np.float64]]
# Okabe and Ito's colours, safe for colour-blind readers.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#777777"
RESAMPLES = 200
PERFECT_DRAWS = 400

#: FPR95, AUPR-Error, AUPR-Success, AUROC in percent: Corbière et al., NeurIPS 2019, table 1.
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float, float]]] = {
    "MLP": {
        "MCP": (14.87, 37.70, 99.94, 97.13),
        "MC dropout": (15.15, 38.22, 99.94, 97.15),
        "ConfidNet": (11.79, 57.37, 99.95, 97.83),
    },
    "SmallConvNet": {
        "MCP": (5.56, 35.05, 99.99, 98.63),
        "MC dropout": (5.26, 38.50, 99.99, 98.65),
        "ConfidNet": (3.33, 45.89, 99.99, 98.82),
    },
}


def not_the_largest(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 − the largest softmax of (N, K), without the rounding of that difference."""
    return np.asarray(np.sort(softmax(logits, axis=1))[:, :-1].sum(1))


def failure_runs(runs: Sequence[Arrays], labels: NDArray[np.integer]) -> list[Run]:
    """Return errors of the network in eval mode, one vector for all methods, and the scores."""
    return [
        Run(
            run["test_logits"].argmax(1) != labels,
            {
                "MCP": not_the_largest(run["test_logits"]),
                "MC dropout": run["test_entropy"],
                # 1 − sigmoid(c), which keeps its digits where c is large.
                "ConfidNet": expit(-run["test_confidence"]),
            },
        )
        for run in runs
    ]


def dropout_runs(runs: Sequence[Arrays], labels: NDArray[np.integer]) -> list[Run]:
    """Return the errors of `failure_runs`; MCP, MC dropout and what lies between them."""
    return [
        Run(
            run["test_logits"].argmax(1) != labels,
            {
                "MCP": not_the_largest(run["test_logits"]),
                "entropy without passes": _entropy(run["test_logits"]),
                "largest of the mean softmax": 1 - run["test_mean_softmax"].max(1),
                "entropy of the mean softmax": run["test_entropy"],
                "entropy of the mean logits": _entropy(run["test_mean_logits"]),
            },
        )
        for run in runs
    ]


def by_the_authors(run: Arrays, labels: NDArray[np.integer]) -> float:
    """Return AUPR-Error of MC dropout where its own prediction is judged, from mean logits."""
    logits = run["test_mean_logits"]
    return aupr_positive(logits.argmax(1) != labels, _entropy(logits))


def _entropy(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy in nats of the softmax of (N, K)."""
    return np.asarray(entr(softmax(logits, axis=1)).sum(1))


def outside_runs(runs: Sequence[Arrays]) -> list[Run]:
    """Return clothes as positives among test digits, and the scores."""
    found = []
    for run in runs:
        pairs = {
            "MCP": tuple(not_the_largest(run[f"{half}_logits"]) for half in ("test", "clothes")),
            "MC dropout, entropy": (run["test_entropy"], run["clothes_entropy"]),
            "MC dropout, mutual information": (
                run["test_mutual_information"],
                run["clothes_mutual_information"],
            ),
            "ODIN, temperature only": (run["test_tempered"], run["clothes_tempered"]),
            "ODIN": (run["test_odin"], run["clothes_odin"]),
        }
        digits, clothes = len(run["test_logits"]), len(run["clothes_logits"])
        positive = np.arange(digits + clothes) >= digits
        found.append(Run(positive, {name: np.concatenate(pair) for name, pair in pairs.items()}))
    return found


@dataclass(frozen=True)
class Calibration:
    """One network before and after temperature scaling, on the test set."""

    temperature: float
    before: Reliability
    after: Reliability
    loss_before: float
    loss_after: float
    #: Error that a perfectly calibrated network of the same confidences would show: mean, 95 %.
    perfect: tuple[float, float]


def calibration(
    run: Arrays, validation_labels: NDArray[np.integer], labels: NDArray[np.integer], seed: int
) -> Calibration:
    """Fit the temperature on the validation set, measure on the test set."""
    logits = run["test_logits"]
    temperature = fit_temperature(run["validation_logits"], validation_labels)
    p = softmax(logits / temperature, axis=1)
    rng = np.random.default_rng(seed)
    confidence, predicted = p.max(1), p.argmax(1)
    perfect = []
    for _ in range(PERFECT_DRAWS):
        right = rng.random(len(p)) < confidence
        # A label that is not the predicted class, whichever, is an error.
        drawn = np.where(right, predicted, (predicted + 1) % p.shape[1])
        perfect.append(reliability(p, drawn).error)
    return Calibration(
        temperature,
        reliability(softmax(logits, axis=1), labels),
        reliability(p, labels),
        negative_log_likelihood(logits, labels),
        negative_log_likelihood(logits, labels, temperature),
        (float(np.mean(perfect)), float(np.percentile(perfect, 95))),
    )


@dataclass(frozen=True)
class Report:
    """All that the document says."""

    seeds: Mapping[str, Sequence[int]]
    accuracy: Mapping[str, Sequence[float]]
    failure: Mapping[str, Comparison]
    #: Only AUPR-Error, of `dropout_runs`; then of the authors' way, a value a training.
    dropout: Mapping[str, Comparison]
    by_the_authors: Mapping[str, Sequence[float]]
    errors: Mapping[str, Sequence[int]]
    calibration: Mapping[str, Sequence[Calibration]]
    outside: Mapping[str, Comparison]
    epsilon: Mapping[str, Sequence[float]]
    choice: Mapping[str, Sequence[Arrays]]
    head_epoch: Mapping[str, Sequence[int]]
    #: On the digits that were fitted: errors of the network, AUPR-Error of ConfidNet.
    fitted_errors: Mapping[str, Sequence[int]]
    fitted_aupr: Mapping[str, Sequence[float]]


def gather(
    runs: Mapping[tuple[str, int], Arrays],
    material: Material,
    progress: Progress,
) -> Report:
    """Compute what the document says from finished runs, one of each network at least."""
    labels = material.digits.test.labels.astype(int)
    validation_labels = material.digits.validation.labels.astype(int)
    seeds = {name: sorted(s for n, s in runs if n == name) for name in EXPERIMENTS}
    by_name = {name: [runs[name, seed] for seed in found] for name, found in seeds.items()}

    def having(flag: str) -> dict[str, list[Arrays]]:
        return {n: by_name[n] for n, one in EXPERIMENTS.items() if getattr(one, flag)}

    wrong = {
        name: [int((run["test_logits"].argmax(1) != labels).sum()) for run in found]
        for name, found in by_name.items()
    }

    def compared(found: list[Run], measures: Mapping[str, Measure]) -> Comparison:
        return compare(found, measures, seed=0, resamples=RESAMPLES, progress=progress)

    return Report(
        seeds=seeds,
        accuracy={n: [1 - count / len(labels) for count in counts] for n, counts in wrong.items()},
        errors=wrong,
        failure={
            name: compared(failure_runs(found, labels), FAILURE)
            for name, found in having("failure").items()
        },
        dropout={
            name: compared(dropout_runs(found, labels), {"AUPR-Error": aupr_positive})
            for name, found in having("dropout").items()
        },
        by_the_authors={
            name: [by_the_authors(run, labels) for run in found]
            for name, found in having("dropout").items()
        },
        calibration={
            name: [
                calibration(run, validation_labels, labels, seed)
                for seed, run in zip(seeds[name], found, strict=True)
            ]
            for name, found in by_name.items()
        },
        outside={
            name: compared(outside_runs(found), OUTSIDE)
            for name, found in having("outside").items()
        },
        epsilon={
            name: [float(run["epsilon"]) for run in found]
            for name, found in having("outside").items()
        },
        head_epoch={
            name: [int(run["head_epoch"]) for run in found]
            for name, found in having("failure").items()
        },
        fitted_errors={
            name: [int(run["fitted_wrong"].sum()) for run in found]
            for name, found in having("failure").items()
        },
        fitted_aupr={
            name: [
                aupr_positive(run["fitted_wrong"] > 0, expit(-run["fitted_confidence"]))
                for run in found
            ]
            for name, found in having("failure").items()
        },
        choice={name: list(found) for name, found in having("outside").items()},
    )


# --- Document --------------------------------------------------------------------------------


def percent(estimate: Estimate) -> str:
    """Return ``37.7 [31.2, 44.0]``, in percent."""
    value, low, high = (100 * v for v in (estimate.value, estimate.low, estimate.high))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def points(estimate: Estimate) -> str:
    """Return ``+1.20 [−0.30, +2.71]``, in percentage points."""
    value, low, high = (
        f"{100 * v:+.2f}".replace("-", "−") for v in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"


def spread(values: Sequence[float], pattern: str) -> str:
    """Return ``mean (smallest to largest)``, or the only value."""
    if len(values) == 1:
        return pattern.format(values[0])
    mean, low, high = (pattern.format(v) for v in (np.mean(values), min(values), max(values)))
    return f"{mean} ({low} to {high})"


def write_document(report: Report, target: Path) -> None:
    """Write the document, and its figures in a folder of the same name."""
    figures = target.with_suffix("")
    figures.mkdir(parents=True, exist_ok=True)
    for name, figure in (
        ("failure", failure_figure(report)),
        ("reliability", reliability_figure(report)),
        ("odin", odin_figure(report)),
    ):
        _save(figure, figures / f"{name}.svg")
    # What is made is Markdown of our own numbers; there is nothing to escape.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "spread": spread,
        "recipe": recipe_in_words,
        "percentage": lambda fraction: 100 * fraction,
        "average": lambda values: float(np.mean(values)),
    }
    text = environment.get_template("results.md.j2").render(
        report=report,
        published=PUBLISHED,
        experiments=EXPERIMENTS,
        settings=experiments,
        resamples=RESAMPLES,
        FAILURE=list(FAILURE),
        OUTSIDE=list(OUTSIDE),
    )
    target.write_text(text, encoding="utf-8")


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    # The same numbers make the same file.
    with mpl.rc_context({"svg.hashsalt": "mnist", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    path.write_bytes(buffer.getvalue())


def failure_figure(report: Report) -> Figure:
    """Return AUPR-Error by network and method, with intervals, and what was published."""
    names = list(report.failure)
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    for axes, name in zip(
        np.ravel(figure.subplots(1, len(names), sharey=True)), names, strict=True
    ):
        methods = list(PUBLISHED[name])
        for place, method in enumerate(methods):
            one = report.failure[name].value[method, "AUPR-Error"]
            axes.errorbar(
                100 * one.value,
                place,
                xerr=[[100 * (one.value - one.low)], [100 * (one.high - one.value)]],
                fmt="o",
                color=BLUE,
                capsize=3,
                label="here, 95 % interval" if place == 0 else None,
            )
            axes.plot(
                PUBLISHED[name][method][1],
                place,
                "D",
                color=RED,
                fillstyle="none",
                label="published" if place == 0 else None,
            )
        axes.set(title=name, xlabel="AUPR-Error (%)", xlim=(0, 70))
        axes.set_yticks(range(len(methods)), methods)
        axes.margins(y=0.25)
        axes.grid(axis="x", alpha=0.3)
    axes.invert_yaxis()
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8
    )
    return figure


def reliability_figure(report: Report) -> Figure:
    """Return one diagram a network, first seed, before and after temperature scaling."""
    names = list(report.calibration)
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    for axes, name in zip(
        np.ravel(figure.subplots(1, len(names), sharey=True)), names, strict=True
    ):
        first = report.calibration[name][0]
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        for diagram, colour, marker, said in (
            (first.before, ORANGE, "o", "before"),
            (first.after, BLUE, "s", f"after, T = {first.temperature:.2f}"),
        ):
            _diagram(axes, diagram, colour, marker, said)
        # Room for whole marks at 0 and 1.
        ends, ticks = (-0.03, 1.03), (0, 0.5, 1)
        axes.set(title=name, xlabel="Confidence", xlim=ends, ylim=ends, aspect="equal")
        axes.set(xticks=ticks, yticks=ticks)
        axes.title.set_fontsize(9)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7.5)
    figure.axes[0].set_ylabel("Accuracy")
    return figure


def _diagram(axes: Axes, diagram: Reliability, colour: str, marker: str, said: str) -> None:
    """Draw bins; the fewer images one holds, the longer its bar of ± one standard error."""
    error = np.sqrt(diagram.confidence * (1 - diagram.confidence) / diagram.count)
    axes.errorbar(
        diagram.confidence,
        diagram.accuracy,
        yerr=error,
        fmt=marker,
        color=colour,
        markersize=3.5,
        linewidth=0.8,
        label=f"{said}: ECE {100 * diagram.error:.2f} %",
    )


def odin_figure(report: Report) -> Figure:
    """Return what the choice of epsilon saw: AUROC on the images kept for it."""
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(EPSILONS))
    for name, colour, style in zip(
        report.choice, (BLUE, ORANGE, GREEN), ("-", "--", ":"), strict=False
    ):
        for place, run in enumerate(report.choice[name]):
            axes.plot(
                places,
                100 * run["choice_auroc"],
                style,
                color=colour,
                linewidth=1.2,
                label=name if place == 0 else None,
            )
            best = EPSILONS.index(float(run["epsilon"]))
            axes.plot(best, 100 * run["choice_auroc"][best], "o", color=colour, markersize=5)
    axes.set_xticks(places, [f"{e:g}" for e in EPSILONS])
    axes.set(xlabel="epsilon (standardised units)", ylabel="AUROC (%), T = 1000")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure


def recipe_in_words(experiment: Experiment) -> str:
    """Return how an experiment was trained, in words."""
    recipe = experiment.recipe
    name = {"adam": "Adam", "sgd": "SGD with momentum 0.9 and weight decay 1e-4"}[recipe.optimizer]
    falling = ", falling to 0" if recipe.decays else ""
    few = " on the 10 000 digits of TP3" if experiment.few_digits else ""
    return f"{recipe.epochs} epochs{few}, {name}, rate {recipe.rate:g}{falling}"
