"""TP2's notebook: what its conventions promise to students, and what its figures show."""

import re

import numpy as np
import pytest
import torch
from notebook_rules import RULES, Notebook, axes_are_labelled_and_no_legend_covers_data

NOTEBOOK = Notebook(
    "tp2",
    imports={"os", "math", "numpy", "torch", "sklearn", "matplotlib"},
    figures=7,
    letters="λ",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_notebook_keeps_to_the_rule(rule):
    rule(NOTEBOOK)


def test_there_is_something_to_check():
    assert len(NOTEBOOK.cells) > 60
    assert len(NOTEBOOK.tests) == len(NOTEBOOK.answers) == 19
    assert len(NOTEBOOK.drawing) == 6


def test_questions_are_those_of_the_syllabus_with_their_points():
    assert NOTEBOOK.points() == {
        "1.1": 2.5, "1.2": 4, "1.3": 1.5, "1.4": 4.5, "1.5": 2.5, "2.1": 2, "2.2": 3,
    }  # fmt: skip


def test_trainings_are_given_and_short_when_graded():
    """No test waits for a training, and no point depends on its luck."""
    trained = [c for c in NOTEBOOK.code if re.search(r"\btrain\(model", c.source)]
    assert len(trained) == 3
    for cell in trained:
        assert cell.is_given
        calls = re.findall(r"train\(model.*\)", cell.source)
        assert calls
        assert all(re.search(r"epochs=3 if quick else \d{3}", call) for call in calls)
    assert not [c for c in NOTEBOOK.tests if "train(" in re.sub(r"\.train\(", "", c.source)]


def test_models_are_judged_on_data_that_they_have_not_seen():
    shown = [c.source for c in NOTEBOOK.code if c.is_given and "accuracy_" in c.source]
    assert len(shown) == 5
    for source in shown:
        (computed,) = re.findall(r"^accuracy_\w+ = .*$", source, re.M)
        whole = source if "p_v" in computed else computed
        assert "X_test" in whole
        assert "y_test" in computed
    assert "X_test_m" in NOTEBOOK.by_id["given-comparison"].source


# --- What the run shows -----------------------------------------------------------------------


slow = pytest.mark.slow


@slow
def test_the_solution_runs_from_top_to_bottom_and_nothing_goes_to_stderr(run):
    assert set(run.figures) == {c.id for c in NOTEBOOK.drawing}
    assert [cell for cell, (_, err) in run.streams.items() if err] == []
    speaking = {cell for cell, (out, _) in run.streams.items() if out}
    assert not speaking & {c.id for c in NOTEBOOK.tests}
    assert {"given-try-1-4", "given-ratio-1-5", "given-comparison"} <= speaking


@slow
def test_every_axis_is_labelled_and_no_legend_covers_data(run):
    axes_are_labelled_and_no_legend_covers_data(run)


def shown_probability(ax):
    (image,) = ax.images
    return np.asarray(image.get_array())


def value_at(ax, x1, x2):
    """Probability or deviation shown at a point."""
    grid = shown_probability(ax)
    left, right, bottom, top = ax.images[0].get_extent()
    row = round((x2 - bottom) / (top - bottom) * (len(grid) - 1))
    column = round((x1 - left) / (right - left) * (len(grid) - 1))
    return grid[row, column]


@slow
@pytest.mark.parametrize("cell", ["given-figure-1-1", "given-figure-1-2", "given-figure-1-5"])
def test_maps_of_the_first_part_are_upright_and_show_both_classes(run, cell):
    ax = run.axes(cell)[0]
    assert ax.images[0].origin == "lower"
    assert value_at(ax, -10, -10) < 0.01
    assert value_at(ax, 10, 10) > 0.99
    zeros, ones = (line.get_xydata() for line in ax.lines[:2])
    assert zeros.mean(axis=0) == pytest.approx([-2, -2], abs=0.2)
    assert ones.mean(axis=0) == pytest.approx([2, 2], abs=0.2)


@slow
def test_figure_1_is_certain_along_the_boundary_and_figure_2_fans_out(run):
    # Both are compared at the same points, away from the data along the boundary.
    one, two = run.axes("given-figure-1-1")[0], run.axes("given-figure-1-2")[0]
    assert value_at(one, 10, -6) > 0.99
    assert 0.7 < value_at(two, 10, -6) < 0.85
    # Lines of Figure 1 are parallel and close, those of Figure 2 spread.
    uncertain = [((p > 0.05) & (p < 0.95)).mean() for p in map(shown_probability, (one, two))]
    assert uncertain[1] > 2 * uncertain[0]


@slow
def test_figure_3_stops_visibly_below_one_for_the_two_smallest_precisions(run):
    left, right = run.axes("given-figure-1-3")
    precisions = list(run.w_maps)
    assert precisions == [0.01, 0.1, 1, 10, 100]
    steepness = [np.max(np.diff(line.get_ydata())) for line in left.lines[:5]]
    assert steepness == sorted(steepness, reverse=True)
    assert [line.get_ydata()[-1] > 0.999 for line in left.lines[:5]] == [True] * 5
    ends = [line.get_ydata()[-1] for line in right.lines[:5]]
    assert [end < 0.995 for end in ends] == [True, True, False, False, False]
    dotted = [line for line in right.lines if line.get_linestyle() == ":"]
    limits = [run.limits[precision] for precision in (0.01, 0.1)]
    assert [line.get_ydata()[0] for line in dotted] == pytest.approx(limits)


@slow
def test_figure_5_shows_a_tilted_law_and_a_smaller_rounder_one_further_out(run):
    (ax,) = run.axes("given-figure-1-5", 1)
    laplace, _, variational, _ = [line for line in ax.lines if len(line.get_xdata()) > 2]

    def area(line):
        x, y = line.get_xdata(), line.get_ydata()
        return 0.5 * abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1)))

    assert area(variational) < 0.9 * area(laplace)
    correlations = [np.corrcoef(line.get_xdata(), line.get_ydata())[0, 1] for line in
                    (laplace, variational)]  # fmt: skip
    assert correlations[0] < -0.3
    assert abs(correlations[1]) < 0.05
    centres = [line.get_xydata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert (centres[1] > centres[0] + 0.1).all()


@slow
@pytest.mark.parametrize("cell", ["given-figure-2-1", "given-figure-2-2"])
def test_networks_are_certain_at_two_far_points_and_not_along_the_boundary(run, cell):
    mean, deviation = [ax for ax in run.axes(cell) if ax.images and ax.get_title()]
    assert value_at(mean, -6, 6) < 0.005
    assert value_at(mean, 6, -6) > 0.995
    assert value_at(deviation, -6, 6) < 0.005
    assert value_at(deviation, 6, -6) < 0.005
    assert shown_probability(deviation).max() > 0.4
    diamonds = [line for line in mean.lines if line.get_marker() == "D"]
    assert [line.get_xydata().tolist() for line in diamonds] == [run.x_far_m.tolist()]


@slow
def test_mc_dropout_is_uncertain_in_a_smaller_area(run):
    areas = []
    for cell in ("given-figure-2-1", "given-figure-2-2"):
        deviation = [ax for ax in run.axes(cell) if ax.images and ax.get_title()][1]
        areas.append((shown_probability(deviation) > 0.1).mean())
    assert areas[1] < 0.8 * areas[0]


# --- The helper module ------------------------------------------------------------------------


def test_grading_draws_fewer_pixels(helper, quick_helper):
    assert helper.RESOLUTION > quick_helper.RESOLUTION
    assert helper.PAS_DE_GRILLE > quick_helper.PAS_DE_GRILLE


def test_tensors_are_of_single_precision_and_labels_in_a_column(helper):
    X, y = helper.as_tensors(np.eye(3, 2), np.array([0, 1, 1]))
    assert X.dtype == y.dtype == torch.float32
    assert X.shape == (3, 2)
    assert y.tolist() == [[0], [1], [1]]


def test_training_sees_every_point_once_an_epoch_and_says_their_number(helper):
    model, seen = torch.nn.Linear(1, 1), []

    def loss(model, x, y, n_total):
        seen.append((x[:, 0].tolist(), n_total))
        return (model(x) - y).pow(2).mean()

    X = torch.arange(7.0)[:, None]
    helper.train(model, loss, X, 2 * X, epochs=2, lr=0.1, batch_size=3)
    assert [len(x) for x, _ in seen] == [3, 3, 1] * 2
    assert {n for _, n in seen} == {7}
    for epoch in (seen[:3], seen[3:]):
        assert sorted(value for x, _ in epoch for value in x) == X[:, 0].tolist()
    assert not model.training


def test_training_does_not_touch_the_global_generator(helper):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    X = torch.ones(4, 1)
    loss = lambda model, x, y, n: model(x).sum()  # noqa: E731
    helper.train(torch.nn.Linear(1, 1, bias=False).requires_grad_(), loss, X, X, epochs=1, lr=0.1)
    torch.manual_seed(5)
    assert torch.rand(1) == expected


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0, float("nan")])
def test_maps_survive_what_wrong_answers_give_them(helper, constant):
    X, y = torch.zeros(4, 2), torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    flat = lambda grid: torch.full((len(grid),), constant)  # noqa: E731
    helper.plot_decision_boundary(None, X, y, 3, 0.5, "laplace", posterior=flat)
    several = lambda grid: torch.full((2, len(grid)), constant)  # noqa: E731
    helper.plot_decision_boundary(None, X, y, None, None, "mcdropout", posterior=several, x_far=X)
    assert helper.plt.get_fignums()


def test_a_law_that_is_none_is_drawn_all_the_same(helper):
    model = torch.nn.ParameterDict({name: torch.zeros(1, 2) for name in ("w_mu", "w_rho")})
    model.update({name: torch.zeros(1) for name in ("b_mu", "b_rho")})
    mu, sigma = helper.plot_laws(torch.zeros(3), -torch.eye(3), model)
    assert mu.tolist() == [0, 0, 0]
    assert sigma.tolist() == pytest.approx([np.log(2)] * 3)


def test_an_unknown_kind_of_model_is_named(helper):
    with pytest.raises(ValueError, match=r"mcdropout.*'bayes'"):
        helper.plot_decision_boundary(
            None, torch.zeros(1, 2), torch.zeros(1, 1), None, None, "bayes"
        )
