"""TP1's notebook: what its conventions promise to students, and what its figures show."""

import matplotlib as mpl
import numpy as np
import pytest
from notebook_rules import (
    NBSP,
    RULES,
    Notebook,
    axes_are_labelled_and_no_legend_covers_data,
    promises,
)

NOTEBOOK = Notebook("tp1", imports={"os", "numpy", "matplotlib"}, figures=10, letters="αβñ")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_notebook_keeps_to_the_rule(rule):
    rule(NOTEBOOK)


def test_there_is_something_to_check():
    assert len(NOTEBOOK.cells) > 50
    assert len(NOTEBOOK.tests) == len(NOTEBOOK.answers) == 18
    assert len(NOTEBOOK.parts) == 11
    assert len(NOTEBOOK.judged) == 5
    assert len(list(promises(NOTEBOOK))) == 13
    assert len(NOTEBOOK.drawing) == 9


def test_questions_are_those_of_the_syllabus_with_their_points():
    assert NOTEBOOK.by_id["titre"].source.startswith(
        f"# TP1{NBSP}— Régression linéaire bayésienne\n"
    )
    assert NOTEBOOK.points() == {
        "1.1": 1, "1.2": 3, "1.3": 3, "1.4": 2, "1.5": 2.5, "1.6": 1.5,
        "2.1": 1, "2.2": 1, "2.3": 1.5, "2.4": 0.5, "2.5": 1, "2.6": 2,
    }  # fmt: skip


# --- What the run shows -----------------------------------------------------------------------


def dashed_verticals(ax):
    return [
        line
        for line in ax.lines
        if line.get_linestyle() == "--" and len(set(line.get_xdata())) == 1
    ]  # fmt: skip


def zones(ax):
    """Grey bands (spans over the whole height), as (left, right)."""
    from matplotlib.patches import Rectangle

    spans = [p for p in ax.patches if isinstance(p, Rectangle)]
    return sorted((p.get_x(), p.get_x() + p.get_width()) for p in spans)


def test_the_solution_runs_from_top_to_bottom_and_nothing_goes_to_stderr(run):
    assert set(run.figures) == {c.id for c in NOTEBOOK.drawing}
    assert {cell for cell, (out, _) in run.streams.items() if out} == {
        "given-figure-2-6",
        "given-draws-2-6",
    }
    assert not [cell for cell, (_, err) in run.streams.items() if err]


def test_every_axis_is_labelled_and_no_legend_covers_data(run):
    axes_are_labelled_and_no_legend_covers_data(run)


def test_figure_1_shows_five_laws_with_six_lines_each(run):
    axes = np.reshape(run.axes("given-figure-1-2"), (2, 5))
    for n, top, bottom in zip((0, 1, 2, 10, 25), *axes, strict=True):
        (image,) = top.images
        (cross,) = top.lines
        assert cross.get_xydata().tolist() == [[-0.3, 0.5]]
        assert image.origin == "lower"
        assert image.get_extent() == [-1, 1, -1, 1]
        lines = [line for line in bottom.lines if len(line.get_xdata()) == 2]
        lines = [line for line in lines if line.get_linestyle() in {"-", "--"}]
        assert [line.get_linestyle() for line in lines].count("-") == 6
        points = [line for line in bottom.lines if line.get_marker() == "o"]
        assert [len(line.get_xdata()) for line in points] == [n]


def test_figure_1_density_is_upright_and_peaks_at_the_posterior_mean(run):
    top = np.reshape(run.axes("given-figure-1-2"), (2, 5))[0]
    for (_, mu, _), ax in zip(run.panels, top, strict=True):
        density = ax.images[0].get_array()
        row, column = np.unravel_index(np.argmax(density), density.shape)
        w = np.linspace(-1, 1, density.shape[0])
        assert abs(w[column] - mu[0]) < 0.011
        assert abs(w[row] - mu[1]) < 0.011


def test_figure_1_lines_close_up_and_the_law_shrinks_as_the_legend_says(run):
    bottom = np.reshape(run.axes("given-figure-1-2"), (2, 5))[1]
    spread = [
        np.std([line.get_ydata()[1] for line in ax.lines if line.get_linestyle() == "-"])
        for ax in bottom
    ]
    assert spread[0] > spread[1] > spread[3] > spread[4]
    areas = [np.linalg.det(Sigma) for _, _, Sigma in run.panels]
    assert (np.diff(areas) < 0).all()
    for _, _, Sigma in run.panels[1:]:
        assert Sigma[0, 1] < 0
    # One point: a band, several times as long as it is wide.
    low, high = np.sqrt(np.linalg.eigvalsh(run.panels[1][2]))
    assert high > 5 * low
    # The cross stays in the bulk of every law: within two standard deviations.
    for _, mu, Sigma in run.panels:
        away = mu - [-0.3, 0.5]
        assert away @ np.linalg.solve(Sigma, away) < 4


PREDICTIONS = {
    "given-figure-1-4a": ("x_train", "mean_test", "std_test"),
    "given-figure-1-6": ("x_train_hole", "mean_hole", "std_hole"),
    "given-figure-2-2": ("x_train_sin", "mean_poly", "std_poly"),
    "given-figure-2-4": ("x_train_sin", "mean_gauss", "std_gauss"),
}


@pytest.mark.parametrize("cell", PREDICTIONS)
def test_predictions_show_bands_at_one_two_three_deviations_and_the_variance(run, cell):
    x_train, mean, std = (run.space[name] for name in PREDICTIONS[cell])
    left, right = run.axes(cell)
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in left.collections]
    assert np.allclose(tops, [np.max(mean + k * std) for k in (3, 2, 1)])
    assert np.allclose(right.lines[-1].get_ydata(), std**2)
    (middle,) = dashed_verticals(right)
    assert np.allclose(middle.get_xdata(), np.mean(x_train))


def test_there_is_one_grey_zone_per_run_of_inputs(run):
    x, hole = run.x_train, run.x_train_hole
    assert np.allclose(zones(run.axes("given-figure-1-4a")[1]), [(x.min(), x.max())])
    expected = [(hole[hole < 0].min(), hole[hole < 0].max()), (hole[hole > 0].min(), hole.max())]
    assert np.allclose(zones(run.axes("given-figure-1-6")[1]), expected)


def test_the_polynomial_is_cut_on_the_left_and_logarithmic_on_the_right(run):
    left, right = run.axes("given-figure-2-2")
    assert left.get_ylim() == (-4, 6)
    assert right.get_yscale() == "log"
    assert run.axes("given-figure-2-4")[0].get_ylim() == (-4, 6)
    assert run.axes("given-figure-2-4")[1].get_yscale() == "linear"
    ends = run.mean_poly[[0, -1]]
    assert ((ends < -4) | (ends > 6)).all()
    variance = run.std_poly**2
    assert variance.max() > 1e5 * variance.min()


def test_the_detail_of_the_hole_shows_one_point_per_tested_input(run):
    whole, detail = run.axes("given-figure-1-6", 1)
    assert detail.get_xlim() == (-4, 4)
    x = run.x_test_hole
    (points,) = [line for line in detail.lines if line.get_marker() == "o"]
    assert points.get_xdata().tolist() == x[np.abs(x) <= 4].tolist()
    assert whole.get_xlim()[0] == x.min()


def test_the_stacked_parts_add_up_to_the_variance(run):
    (ax,) = run.axes("given-figure-1-4b")
    noise, total = (band.get_paths()[0].vertices[:, 1].max() for band in ax.collections[-2:])
    assert noise == pytest.approx(0.04)
    assert total == pytest.approx(np.max(run.std_test**2))
    # « qui l'emporte de loin sur le bruit au bord », « presque invisible dans la zone grise ».
    epistemic, x = run.epistemic_test, run.x_test
    assert epistemic[[0, -1]].min() > 5 * 0.04
    assert epistemic[(x > 0.5) & (x < 1.5)].max() < 0.2 * 0.04


def test_features_go_from_dark_to_light_and_centres_from_edge_to_edge(run):
    polynomial, gaussian = run.axes("given-figure-2-3")
    assert [len(ax.lines) for ax in (polynomial, gaussian)] == [10, 9]
    assert zones(gaussian) == [(0, 1)]
    for ax in (polynomial, gaussian):
        light = [sum(mpl.colors.to_rgb(line.get_color())) for line in ax.lines]
        assert (np.diff(light) > 0).all()
    peaks = [line.get_xdata()[np.argmax(line.get_ydata())] for line in gaussian.lines]
    assert peaks == pytest.approx(list(np.linspace(0, 1, 9)), abs=0.01)
    leaving = [line for line in polynomial.lines if line.get_ydata()[-1] > polynomial.get_ylim()[1]]
    assert len(leaving) == 9  # all but the constant


def test_evidences_cross_near_the_common_alpha_and_their_maxima_are_marked(run):
    (ax,) = run.axes("given-figure-2-6")
    assert ax.get_xscale() == "log"
    polynomial, gaussian, common = ax.lines
    assert set(common.get_xdata()) == {0.05}
    for line in (polynomial, gaussian):
        assert line.get_markevery() == [int(np.argmax(line.get_ydata()))]
        assert ax.get_ylim()[0] < line.get_ydata().max() < ax.get_ylim()[1]
    gap = np.sign(polynomial.get_ydata() - gaussian.get_ydata())
    (crossing,) = np.flatnonzero(np.diff(gap))
    assert 0.02 < run.alphas[crossing] < 0.12


def test_grading_draws_fewer_pixels_and_the_same_data(helper, quick_helper):
    assert quick_helper.RESOLUTION < helper.RESOLUTION
    x = np.linspace(0, 2, 5)
    pairs = [m.f_linear(x, 1, 0.2, np.random.default_rng(1)) for m in (quick_helper, helper)]
    assert np.array_equal(*pairs)


def test_data_are_the_truth_plus_seeded_noise(helper):
    x = np.linspace(-1, 2, 2001)
    for function, truth in (
        (helper.f_linear, -0.3 + 0.5 * x),
        (helper.f_sinus, np.sin(2 * np.pi * x) + x),
    ):
        assert np.array_equal(function(x, 0, 0.2), truth)
        noise = function(x, 1, 0.2, np.random.default_rng(3)) - truth
        assert np.allclose(noise, np.random.default_rng(3).normal(0, 0.2, x.shape), atol=1e-12)
        assert not np.array_equal(function(x, 1, 0.2), function(x, 1, 0.2))
        assert np.shape(function(0.5, 0, 0.2)) == ()


def test_truth_without_noise_draws_nothing_from_the_generator(helper):
    rng = np.random.default_rng(3)
    helper.f_linear(np.zeros(5), 0, 0.2, rng)
    assert rng.normal() == np.random.default_rng(3).normal()


def test_zones_end_where_a_gap_is_longer_than_one(helper):
    assert helper.zones([3.0, 0.0, 1.0, 5.5, 4.5]) == [(0.0, 1.0), (3.0, 3.0), (4.5, 5.5)]
    assert helper.zones([[2.0]]) == [(2.0, 2.0)]


def test_figures_survive_what_wrong_answers_give_them(helper):
    x, column = np.linspace(-1, 2, 5), np.ones((5, 1))
    helper.plot_results(x, x, x, x, column, column, title="colonnes")
    helper.plot_variance(x, x, 0 * column, title="nulle", zoom=1)
    helper.plot_variance_parts(x, x, column, column)
    laws = [
        (0, np.zeros((2, 1)), np.eye(2)),
        (1, [0, 0], -np.eye(2)),
        (2, [0, 0], [[1, 2], [3, 4]]),
    ]
    helper.plot_posteriors(laws, x, x, (-0.3, 0.5), steps=5)
    texts = [t.get_text() for ax in helper.plt.gcf().axes for t in ax.texts]
    assert len([t for t in texts if "covariance" in t]) == 2
    helper.plot_evidence([0.1, 1.0], {"nulle": [[[0.0]], [[0.0]]]}, alpha_common=0.1)
