"""TP3's notebook: what its conventions promise to students, and what its figures and text say."""

import re

import numpy as np
import pytest
import torch
from notebook_rules import (
    ROOT,
    RULES,
    Notebook,
    axes_are_labelled_and_no_legend_covers_data,
    french,
)

SOURCE = ROOT / "source" / "tp3"
NOTEBOOK = Notebook(
    "tp3",
    imports={"os", "shutil", "inspect", "pathlib", "numpy", "torch", "matplotlib"},
    figures=12,
    letters="εα−≥",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_notebook_keeps_to_the_rule(rule):
    rule(NOTEBOOK)


def test_there_is_something_to_check():
    assert len(NOTEBOOK.cells) > 100
    assert len(NOTEBOOK.tests) == len(NOTEBOOK.answers) == 22
    assert len(NOTEBOOK.drawing) == 12


def test_questions_are_those_of_the_syllabus_with_their_points():
    assert NOTEBOOK.points() == {
        "1.1": 1.5, "1.2": 2, "1.3": 3, "1.4": 2.5, "2.1": 1.5, "2.2": 3, "2.3": 2.5,
        "3.1": 2, "3.2": 1, "3.3": 1,
    }  # fmt: skip


def test_trainings_are_given_and_short_when_graded():
    """No test waits for a training, and no point depends on its luck."""
    trained = [c for c in NOTEBOOK.code if "optimizer.step()" in c.source and c.is_given]
    assert [c.id for c in trained] == ["given-training-1-1", "given-training-2-2"]
    for cell in trained:
        assert ": 5 if quick else None]" in cell.source
    assert "long_training = False" in trained[0].source
    everything = "\n".join(c.source for c in NOTEBOOK.tests)
    assert not re.search(r"\b(net_train|losses_train|model_train|losses_head)\b", everything)


def test_epsilon_is_chosen_on_other_images_than_those_of_the_evaluation():
    data = NOTEBOOK.by_id["given-data-3"].source
    assert "X_tune = torch.cat([X_val[:n_tune], X_fashion[:n_tune]])" in data
    assert "X_eval = torch.cat([X_digits, X_fashion[n_tune:]])" in data
    tuning = NOTEBOOK.by_id["given-tuning-3-2"].source
    assert "X_eval" not in tuning
    assert "X_test" not in tuning
    # One epsilon for both sides: both are in one tensor.
    scores = NOTEBOOK.by_id["given-scores-3-2"].source
    assert scores.count("odin_in_batches(X_eval") == 2


def test_comparisons_rest_on_what_is_shipped():
    everything = "\n".join(c.source for c in NOTEBOOK.code if c.is_given)
    for name in ("lenet.pt", "confidnet.pt", "logits_without_dropout.npz", "mc_scores.npz"):
        assert f'"{name}"' in everything
        assert (SOURCE / "data" / name).is_file()


# --- What the run shows -----------------------------------------------------------------------


slow = pytest.mark.slow


@slow
def test_the_solution_runs_from_top_to_bottom_and_nothing_goes_to_stderr(run):
    assert set(run.figures) == {c.id for c in NOTEBOOK.drawing}
    assert [cell for cell, (_, err) in run.streams.items() if err] == []
    speaking = {cell for cell, (out, _) in run.streams.items() if out}
    assert speaking == {
        "given-lenet", "given-figure-1-4", "given-figure-2-2", "given-scores-2-3",
        "given-figure-2-3b", "given-figure-3-2b", "given-figure-3-2c",
    }  # fmt: skip


@slow
def test_every_axis_is_labelled_and_no_legend_covers_data(run):
    axes_are_labelled_and_no_legend_covers_data(run)


@slow
def test_figure_1_falls_from_the_cost_of_a_guess(run):
    losses = np.array(run.losses_train)
    assert losses[0] == pytest.approx(np.log(10), abs=0.15)
    assert losses[-20:].mean() < 0.25 * losses[0]


@slow
def test_figure_2_shows_certain_images_then_images_that_share_the_votes(run):
    axes = run.axes("given-figure-1-3")
    columns = len(axes) // 3
    assert columns >= 4
    votes = [[bar.get_height() for bar in ax.patches] for ax in axes[2 * columns :]]
    assert [max(v) for v in votes[:2]] == [50, 50]
    for shared in votes[2:]:
        assert sum(shared) == 50
        assert sum(v > 0 for v in shared) >= 2
    spread = [np.ptp(run.probs_val[:, i].numpy(), axis=0).max() for i in run.chosen]
    assert max(spread[:2]) < 0.01
    assert min(spread[2:]) > 0.5


@slow
def test_figure_3_shows_one_point_per_bin_that_holds_something(run):
    for ax, probs in zip(run.axes("given-figure-1-4"), run.panels.values(), strict=True):
        points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
        confidence = probs.max(dim=1).values.numpy()
        assert len(points) == len(set(np.ceil(confidence * 15)))


@slow
def test_figure_3_shows_that_temperature_brings_confidence_back_to_accuracy(run):
    def below(ax):
        """Share of bins whose accuracy is below what a calibrated network would have."""
        points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
        bars = [line.get_ydata() for line in ax.lines if len(set(line.get_xdata())) == 1]
        bars = [bar for bar in bars if len(bar) == 2]
        return np.mean([y < min(bar) for (_, y), bar in zip(points, bars, strict=True)])

    before, after, dropout = (below(ax) for ax in run.axes("given-figure-1-4"))
    assert before > 0.25
    assert after < 0.15
    assert dropout < 0.15


@slow
def test_figure_4_has_its_line_at_the_bottom_of_the_validation_valley(run):
    validation, test, line = run.axes("given-figure-1-4b")[0].lines
    assert set(line.get_xdata()) == {run.T_best}
    lowest = [v.get_xdata()[np.argmin(v.get_ydata())] for v in (validation, test)]
    assert lowest[0] == pytest.approx(run.T_best, abs=0.05)
    assert lowest[1] == pytest.approx(run.T_best, abs=0.5)
    assert run.T_best > 1.5


@slow
def test_figure_5_has_no_error_in_the_blue_zone(run):
    tcp, mcp = np.asarray(run.tcp_test), np.asarray(run.mcp_test)
    assert not (run.errors & (tcp > 0.5)).any()
    assert np.array_equal(tcp[~run.errors], mcp[~run.errors])
    assert (mcp[run.errors] > 0.5).mean() > 0.9
    right, wrong = run.axes("given-figure-2-1")[0].lines
    assert (len(right.get_xdata()), len(wrong.get_xdata())) == (9921, 79)


@slow
def test_figure_6_goes_down_from_what_one_half_costs(run):
    assert run.losses_head[0] == pytest.approx(0.23, abs=0.01)
    assert np.mean(run.losses_head[-20:]) < 0.01


@slow
def test_figure_7_is_high_above_chance_and_mcp_mostly_on_top(run):
    *curves, chance = run.axes("given-figure-2-3")[0].lines
    assert chance.get_ydata()[0] == pytest.approx(0.0079)
    grid = np.linspace(0.1, 0.8, 71)
    values = [np.interp(grid, c.get_xdata(), c.get_ydata()) for c in curves]
    assert all((v > 10 * 0.0079).all() for v in values)
    assert np.mean((values[0] > values[1]) & (values[0] > values[2])) > 0.8


@slow
def test_figure_8_and_the_text_say_which_interval_leaves_0_out(run):
    outside = {name for name, (_, low, high) in run.rows.items() if not low <= 0 <= high}
    assert outside == {"MC dropout − MCP, AUPR"}
    assert run.rows["MC dropout − MCP, AUPR"][2] < 0
    widths = {name: high - low for name, (_, low, high) in run.rows.items()}
    assert min(w for n, w in widths.items() if "AUPR" in n) > 5 * max(
        w for n, w in widths.items() if "AUROC" in n
    )


@slow
def test_figure_9_moves_nearly_every_pixel_by_epsilon(run):
    step = (run.moved - run.example).abs()
    assert step.max().item() == pytest.approx(0.1, abs=1e-6)
    still = (step < 1e-6).float().mean().item()
    assert 0 < still < 0.05
    corners = step[0, 0][[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners < 1e-6).sum() >= 2


@slow
def test_figure_10_shows_that_temperature_counts_more_than_epsilon(run):
    low, high = (np.array(run.tuning[T]) for T in (1, 1000))
    assert high.min() > low.max()
    assert np.ptp(high) < 0.1 * (high[0] - low[0])
    assert low[-1] > low[0]
    assert run.epsilon_best == run.epsilons[np.argmax(high)]


@slow
def test_figure_11_overlaps_less_and_less(run):
    overlaps = []
    for ax in run.axes("given-figure-3-2b"):
        digits, clothes = (p.get_xy()[:, 1] for p in ax.patches)
        overlaps.append(np.minimum(digits, clothes).sum())
        assert ax.get_xlabel() == "rang du score (%)"
    assert overlaps[0] > overlaps[1] > overlaps[2]


@slow
def test_figure_12_shows_what_its_legend_says(run):
    rows = run.rows_ood
    assert rows["MC dropout, information − MCP"][2] < -0.01
    for name in ("ODIN, ε = 0 − MCP", "ODIN − MCP"):
        assert rows[name][1] > 0
    gain, step = rows["ODIN, ε = 0 − MCP"][0], rows["ODIN − ODIN, ε = 0"][0]
    assert 15 < gain / step < 25


# --- Numbers that the text quotes -------------------------------------------------------------


def text_of(cell_id):
    """A text cell, its numbers as they are read."""
    return NOTEBOOK.by_id[cell_id].source.replace("{,}", ",").replace("\u00a0", " ")


def ece_of_a_calibrated_network(probs, ece, draws=200):
    """ECE of labels drawn from the probabilities themselves, (draws,)."""
    rng = np.random.default_rng(0)
    cumulated = np.asarray(probs, dtype=float).cumsum(axis=1)
    labels = (
        (rng.random((len(cumulated), 1)) > cumulated).sum(axis=1).clip(0, 9) for _ in range(draws)
    )
    return np.array([ece(probs, torch.from_numpy(y)) for y in labels])


@slow
def test_the_calibration_text_quotes_what_the_data_say(run):
    said = text_of("texte-1-4")
    before, after, dropout = (p.double() for p in run.panels.values())
    for probs, digits in ((before, 4), (after, 4), (dropout, 4)):
        assert french(run.ece(probs, run.test_labels), digits) in said
    accuracy = (run.test_logits.argmax(1) == run.test_labels).double().mean().item()
    assert f"({french(100 * accuracy, 2)} %)" in said
    assert f"T \\approx {french(run.T_best, 2)}" in said
    null = ece_of_a_calibrated_network(after, run.ece)
    assert null.mean() == pytest.approx(0.0027, abs=1.5e-4)
    assert np.quantile(null, 0.95) == pytest.approx(0.0038, abs=3e-4)
    assert "0,0027 en moyenne" in said
    assert "plus de 0,0038" in said
    perfect = ece_of_a_calibrated_network(dropout, run.ece).mean()
    assert perfect == pytest.approx(0.0018, abs=1e-4)
    assert run.ece(dropout, run.test_labels) < perfect
    temperatures = np.linspace(0.8, 4, 161)
    values = [run.ece((run.test_logits.double() / T).softmax(1), run.test_labels)
              for T in temperatures]  # fmt: skip
    best = int(np.argmin(values))
    assert f"T = {french(temperatures[best], 2)}$ donnerait {french(values[best], 4)}" in said


@slow
def test_the_text_on_failures_quotes_what_the_data_say(run):
    said = text_of("texte-2-3")
    assert run.errors.sum() == 79
    assert "79 chiffres les plus suspects" in said
    assert french(run.errors.mean(), 4) in said
    for name in ("MCP", "MC dropout", "ConfidNet"):
        assert french(run.aupr(run.scores_failure[name], run.errors), 3) in said
        assert run.auroc(run.scores_failure[name], run.errors) == pytest.approx(0.98, abs=0.005)
    top = np.argsort(-run.scores_failure["MCP"])[:79]
    assert f"{100 * run.errors[top].mean():.0f} % seulement" in said
    for name in ("MC dropout − MCP, AUPR", "ConfidNet − MCP, AUPR"):
        _, low, high = run.rows[name]
        signs = [("+" if bound > 0 else "−") + french(abs(bound), 3) for bound in (low, high)]
        assert f"de {signs[0]} à {signs[1]}" in said


@slow
def test_the_text_on_measures_quotes_what_the_data_say(run):
    said = text_of("texte-1-3")
    clumsy, four = run.chosen[2:4]
    ratios = [
        (float(run.values["information"][i]), float(run.values["entropie"][i]))
        for i in (clumsy, four)
    ]
    assert ratios[0][0] == pytest.approx(0.4, abs=0.15)
    assert ratios[0][1] == pytest.approx(1.7, abs=0.15)
    assert ratios[1][0] == pytest.approx(0.5, abs=0.15)
    assert ratios[1][1] == pytest.approx(1.4, abs=0.15)
    assert int(run.y_val[clumsy]), int(run.y_val[four]) == (3, 4)
    unanimous = run.errors & (run.mc["test_variation_ratio"].numpy() == 0)
    assert unanimous.sum() == 3
    assert "trois erreurs ont un ratio de variation nul" in said


@slow
def test_the_text_on_odin_quotes_what_the_data_say(run):
    said = text_of("texte-3-3")
    value = {name: run.auroc(s, run.is_fashion) for name, s in run.scores_ood.items()}
    before, after = french(value["MCP"], 3), french(value["ODIN, ε = 0"], 3)
    assert f"de {before} à {after}" in said
    _, low, high = run.rows_ood["ODIN, ε = 0 − MCP"]
    assert f"de +{french(low, 3)} à +{french(high, 3)}" in said
    assert f"ne gagne que {french(value['ODIN'] - value['ODIN, ε = 0'], 4)}" in said
    assert f"({french(value['MC dropout, information'], 3)})" in said
    assert min(value, key=value.get) == "MC dropout, information"


@slow
def test_the_first_half_of_the_test_digits_holds_most_errors(run):
    """What the text says of slices."""
    assert run.errors[:5000].sum() > 2 * run.errors[5000:].sum()


# --- The helper module ------------------------------------------------------------------------


def test_grading_draws_fewer_pixels(helper, quick_helper):
    assert helper.RESOLUTION > quick_helper.RESOLUTION


def test_pixels_are_normalised_and_not_clipped(helper):
    images = np.array([0, 255, 128], dtype="uint8").reshape(3, 1, 1)
    x = helper.normalize(images)
    assert x.shape == (3, 1, 1, 1)
    assert x.dtype == torch.float32
    expected = (np.array([0, 1, 128 / 255]) - 0.1307) / 0.3081
    assert x.flatten().numpy() == pytest.approx(expected, abs=1e-6)


def test_a_missing_file_is_named_with_what_to_do(helper, tmp_path, monkeypatch):
    monkeypatch.setattr(helper, "DATA", tmp_path)
    for load in (helper.load_mnist_test, lambda: helper.load_state("lenet.pt")):
        with pytest.raises(FileNotFoundError, match=r"(?s)introuvable.*dossier data/.*Colab"):
            load()


def test_batches_give_what_one_call_gives(helper):
    x = torch.arange(7.0).requires_grad_()
    joined = helper.in_batches(lambda part: part * 2, x, size=3)
    assert joined.tolist() == (2 * x).tolist()
    assert not joined.requires_grad
    both = helper.in_batches(lambda part: (part, part + 1), x, size=2)
    assert [part.tolist() for part in both] == [x.tolist(), (x + 1).tolist()]
    assert helper.in_batches(lambda part: part.detach().numpy(), x).tolist() == x.tolist()


def test_both_forms_of_mc_sampling_are_called_rightly(helper):
    X = torch.zeros(3, 1, 28, 28)

    def newer(X, net, tbatch=100, samples=50):
        return len(X), net, tbatch, samples

    def older(X, y, net, tbatch=100, samples=50):
        return len(X), net, tbatch, samples, len(y)

    assert helper.run_passes(newer, X, "net", samples=4) == (3, "net", 100, 4)
    assert helper.run_passes(older, X, "net", tbatch=2) == (3, "net", 2, 50, 3)


def test_figures_survive_what_wrong_answers_give_them(helper):
    n = 30
    ones, mixed = np.ones((n, 1)), np.arange(n) % 3 == 0
    probs = np.full((n, 10), 0.1)
    helper.plot_loss([1.0], "un pas", "coût")
    helper.plot_reliability({"plat": probs, "sûr": np.eye(10)[np.arange(n) % 10]}, np.zeros(n))
    helper.plot_temperature([1, 2], {"a": [3, 3], "b": [[1], [2]]}, best=1.5)
    helper.plot_confidence_and_truth(ones, 0 * ones, mixed)
    helper.plot_precision_recall({"constant": ones, "retourné": -np.arange(n)}, mixed, "t")
    helper.plot_intervals({"a − b": (0, 0, 0)}, "t", "x")
    helper.plot_odin(torch.zeros(1, 28, 28), np.ones((1, 28, 28)), 0.0, "t")
    helper.plot_grid([0, 0.1], {1: [0.5, 0.5], 1000: torch.ones(2)}, chosen=0.1)
    helper.plot_in_and_out({"constant": ones, "b": np.arange(n)}, n_in=20)
    passes = torch.full((2, 3, 10), 0.1)
    helper.plot_passes(torch.zeros(3, 1, 28, 28), torch.zeros(3), passes, [2], ["t"])
