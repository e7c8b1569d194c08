"""TP1's notebook: what its conventions promise to students, and what its figures show."""

import ast
import contextlib
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "source" / "tp1"
RELEASE = ROOT / "release" / "tp1"
SOLUTIONS = ROOT / "solutions" / "tp1"
NBSP = "\u00a0"


class Cell:
    """A cell of a notebook, its nbgrader metadata as attributes."""

    def __init__(self, data):
        self.data = data
        self.id = data["id"]
        self.source = "".join(data["source"])
        self.is_code = data["cell_type"] == "code"
        meta = data["metadata"].get("nbgrader", {})
        self.grade_id = meta.get("grade_id")
        self.points = float(meta.get("points", 0))
        self.locked = meta.get("locked", False)
        self.is_answer = meta.get("solution", False)
        self.is_test = meta.get("grade", False) and not self.is_answer
        self.is_given = not self.is_answer and not self.is_test

    def __repr__(self):
        return self.id

    @property
    def visible(self):
        return without(self.source, "HIDDEN TESTS")

    @property
    def hidden(self):
        return "\n".join(re.findall(block("HIDDEN TESTS"), self.source))

    @property
    def tree(self):
        return ast.parse(self.source)


def block(name):
    return rf"(?ms)^[ ]*### BEGIN {name}\n(.*?)^[ ]*### END {name}\n?"


def without(source, name):
    return re.sub(block(name), "", source)


def read(folder):
    data = json.loads((folder / "tp1.ipynb").read_text("utf-8"))
    return [Cell(cell) for cell in data["cells"]]


CELLS = read(SOURCE)
CODE = [c for c in CELLS if c.is_code]
PROSE = [c for c in CELLS if not c.is_code]
TESTS = [c for c in CELLS if c.is_test]
ANSWERS = [c for c in CODE if c.is_answer]
FIGURES = [c for c in CODE if c.is_given and re.search(r"^plot_", c.source, re.M)]
BY_ID = {c.id: c for c in CELLS}


def by_id(cells):
    assert cells
    return pytest.mark.parametrize("cell", cells, ids=repr)


def plain(text):
    """Prose without code, mathematics and tables' rules."""
    text = re.sub(r"(?m)^\|[-:| ]+\|$", "", text)
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", "X", text, flags=re.DOTALL)


def number(text):
    return float(text.replace(",", "."))


# --- The form of the notebook -----------------------------------------------------------------


def test_there_is_something_to_check():
    assert len(CELLS) > 50
    assert len(TESTS) == len(ANSWERS) == 18
    assert len(FIGURES) == 9


def test_cell_ids_are_unique_and_follow_from_grade_ids():
    assert Counter(c.id for c in CELLS).most_common(1)[0][1] == 1
    assert [c.id for c in CELLS] == [c.grade_id.replace("_", "-") for c in CELLS]


@by_id(CELLS)
def test_source_holds_no_output_and_no_stray_metadata(cell):
    assert set(cell.data["metadata"]) == {"nbgrader"}
    if cell.is_code:
        assert cell.data["outputs"] == []
        assert cell.data["execution_count"] is None


@by_id(CELLS)
def test_only_answers_are_unlocked(cell):
    assert cell.locked is not cell.is_answer


def test_release_and_solutions_have_the_same_cells_in_the_same_order():
    ids = [c.id for c in CELLS]
    assert [c.id for c in read(RELEASE)] == ids
    assert [c.id for c in read(SOLUTIONS)] == ids


def test_there_is_one_title_and_sections_are_numbered():
    headings = [h for c in PROSE for h in re.findall(r"(?m)^(#+) (.*)$", c.source)]
    (title,) = (title for level, title in headings if level == "#")
    assert title == f"TP1{NBSP}— Régression linéaire bayésienne"
    sections = [title for level, title in headings if level == "##"]
    assert [title.split(".")[0] for title in sections] == ["1", "2", "3", "4"]
    assert sections[-2:] == ["3. À retenir", "4. Pour aller plus loin"]
    questions = [t.split()[1] for level, t in headings if level == "###" and "Question" in t]
    assert questions == [f"1.{k}" for k in range(1, 7)] + [f"2.{k}" for k in range(1, 7)]


def test_every_answer_is_preceded_by_its_statement_and_followed_by_its_check():
    for position, cell in enumerate(CELLS):
        if cell in ANSWERS:
            assert CELLS[position - 1].id.startswith("enonce-")
            follower = CELLS[position + 1]
            assert follower.is_test
            assert follower.id == f"test-{cell.id}"
        elif cell.is_answer and cell.id != "declaration":
            assert CELLS[position - 1].id.startswith("enonce-texte-")
            assert cell.points == 0


# --- Points -----------------------------------------------------------------------------------


def question_of(cell):
    return ".".join(re.match(r"test-q(\d)-(\d)", cell.id).groups())


def points_by_question():
    total = Counter()
    for cell in TESTS:
        total[question_of(cell)] += cell.points
    return dict(total)


def test_points_add_up_to_twenty():
    assert sum(points_by_question().values()) == 20


def test_the_table_of_points_is_that_of_the_test_cells():
    rows = [
        line.strip("| ").split("|") for line in BY_ID["titre"].source.splitlines() if "|" in line
    ]
    names, values = [[entry.strip() for entry in rows[k][1:]] for k in (0, 2)]
    table = {n.rstrip("★"): number(v) for n, v in zip(names, values, strict=True)}
    assert table == points_by_question()
    starred = {n.rstrip("★") for n in names if n.endswith("★")}
    titles = " ".join(c.source for c in PROSE)
    assert starred == set(re.findall(r"### Question (\d\.\d) ★", titles))


def test_each_question_announces_its_points():
    announced = {
        name: number(points)
        for c in PROSE
        for name, points in re.findall(
            r"### Question (\d\.\d)(?: ★)? \(([\d,]+) points?\)", c.source
        )
    }
    assert announced == points_by_question()


def test_each_part_announces_its_points():
    found = 0
    for position, cell in enumerate(CELLS):
        if not cell.is_test or not re.search(r"[abc]$", cell.id):
            continue
        statement = CELLS[position - 2].source
        announced = re.findall(r"\*\*[abc]\. [^*]+\*\* \(([\d,]+) point", statement)
        assert [number(p) for p in announced] == [cell.points], cell
        found += 1
    assert found == 11


@by_id(TESTS)
def test_credits_add_up_and_are_written_in_the_statement(cell):
    credits = [
        node.args[0].value
        for node in ast.walk(cell.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "credit"
    ]
    assert sum(credits) == cell.points
    statement = CELLS[CELLS.index(cell) - 2].source
    if len(credits) > 1:
        noted = re.search(r"\*Notation.*?\*|\([^()]*0,5[^()]*\)", statement, re.DOTALL)
        assert noted, "the statement does not say what each part is worth"
        written = {number(n) for n in re.findall(r"\b\d(?:,\d+)?(?= |\b)(?! *=)", noted[0])}
        assert set(credits) <= written


def test_interpretation_is_at_most_a_fifth():
    interpretation = [c for c in TESTS if "reponses_" in c.source]
    assert len(interpretation) == 5
    assert sum(c.points for c in interpretation) <= 4


def test_free_text_is_worth_nothing():
    texts = [c for c in PROSE if c.is_answer]
    assert len(texts) == 6  # five questions and the declaration
    assert {c.points for c in texts} == {0}


# --- Statements and answers -------------------------------------------------------------------


def defined(cell):
    return {
        node.name: node for node in ast.walk(cell.tree) if isinstance(node, ast.FunctionDef)
    }  # fmt: skip


def test_functions_promised_by_statements_exist_with_that_signature():
    found = 0
    for position, cell in enumerate(CELLS):
        if cell not in ANSWERS:
            continue
        promised = re.findall(
            r"Écri(?:vez|vez ensuite) `(\w+)\(([^`]*)\)`", CELLS[position - 1].source
        )
        for name, signature in promised:
            assert ast.unparse(defined(cell)[name].args) == signature
            found += 1
    assert found == 13


@by_id(ANSWERS)
def test_answers_come_with_a_docstring_or_names_to_fill_in(cell):
    release = without(cell.source, "SOLUTION")
    functions = [n for n in ast.parse(release).body if isinstance(n, ast.FunctionDef)]
    if functions:
        for function in functions:
            docstring = ast.get_docstring(function)
            assert "(N" in docstring or "(n" in docstring or "(K" in docstring
    else:
        assert "None" in release
    assert re.search(r"### BEGIN SOLUTION\n.*### END SOLUTION", cell.source, re.DOTALL)


def test_statements_to_judge_are_five_with_a_default_that_earns_nothing():
    judged = [c for c in ANSWERS if "reponses_" in c.source]
    assert len(judged) == 5
    for cell in judged:
        statement = CELLS[CELLS.index(cell) - 1].source
        assert re.findall(r"(?m)^- \*\*([a-z])\*\*", statement) == list("abcde")
        name = re.search(r"reponses_\w+", cell.source)[0]
        given, reference = re.findall(rf"{name} = (.*)", cell.source)
        assert set(ast.literal_eval(given).values()) == {None}
        assert set(ast.literal_eval(reference).values()) == {True, False}


# --- Visible checks ---------------------------------------------------------------------------


@by_id(TESTS)
def test_visible_checks_are_silent_and_say_expected_and_obtained(cell):
    tree = ast.parse(cell.visible)
    assert not isinstance(tree.body[-1], ast.Expr)
    called = {getattr(n.func, "id", "") for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert "print" not in called
    asserts = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    assert asserts
    for node in asserts:
        message = ast.unparse(node.msg)
        assert "attendu" in message
        assert f"{NBSP}:" in message or "\\xa0:" in message


@by_id(TESTS)
def test_visible_checks_use_no_engine_and_hidden_tests_come_first(cell):
    assert "nbjudge" not in cell.visible
    assert cell.hidden
    assert cell.source.startswith("### BEGIN HIDDEN TESTS\n")


@by_id(TESTS)
def test_visible_checks_use_no_name_of_another_check(cell):
    """Each is judged alone: a name of an earlier check is not there."""
    tree = ast.parse(cell.visible)
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    elsewhere = {
        n.id
        for other in TESTS
        for n in ast.walk(ast.parse(other.visible))
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    assert not {n.id for n in names} & elsewhere - stored


@by_id(TESTS)
def test_tolerances_have_a_stated_reason(cell):
    if "assert_close" in cell.hidden or "assert_predictions" in cell.hidden:
        comments = re.findall(r"(?m)^ *# (.*)$", cell.hidden)
        assert any(
            re.search(r"1e-|exact|tolérance|précision|pas de la grille", c) for c in comments
        )


# --- What students run ------------------------------------------------------------------------


def test_the_release_needs_numpy_and_matplotlib_only():
    sources = [c.source for c in read(RELEASE) if c.is_code]
    sources.append((RELEASE / "tp1_utils.py").read_text("utf-8"))
    imported = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert imported == {"os", "numpy", "matplotlib", "tp1_utils"}


def test_the_helper_module_is_the_same_everywhere():
    helper = (SOURCE / "tp1_utils.py").read_bytes()
    assert (RELEASE / "tp1_utils.py").read_bytes() == helper
    assert (SOLUTIONS / "tp1_utils.py").read_bytes() == helper


@by_id([c for c in CODE if c.is_given])
def test_given_cells_are_short_and_set_no_global_seed(cell):
    assert len(cell.source.splitlines()) <= 12
    assert "np.random.seed" not in cell.source


# --- Figures ----------------------------------------------------------------------------------


@by_id(FIGURES)
def test_every_figure_has_a_legend_that_says_what_to_see(cell):
    legend = CELLS[CELLS.index(cell) + 1]
    assert legend.id == cell.id.replace("given-figure", "legende")
    assert re.match(r"\*\*Figures? \d+( et \d+)?\.\*\* \*", legend.source)
    assert "On doit voir" in legend.source


def test_figures_are_numbered_in_order():
    text = "".join(c.source for c in PROSE if c.id.startswith("legende"))
    numbers = re.findall(r"\*\*Figures? (\d+)(?: et (\d+))?\.\*\*", text)
    assert [int(n) for pair in numbers for n in pair if n] == list(range(1, 11))


@pytest.fixture(scope="module")
def figures():
    """Run the solution notebook as a student does, in one namespace; keep its figures.

    Warnings are errors here, as everywhere in these tests.
    """
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context():
        patch.syspath_prepend(str(SOLUTIONS))
        patch.delenv("NBGRADER_EXECUTION", raising=False)
        patch.delitem(sys.modules, "tp1_utils", raising=False)
        mpl.use("agg", force=True)
        import matplotlib.pyplot as plt

        shown, here = {}, []
        patch.setattr(plt, "show", lambda: here.append(plt.gcf()))
        space, streams = {"__name__": "__main__"}, {}
        for cell in read(SOLUTIONS):
            if cell.is_code:
                out, err = io.StringIO(), io.StringIO()
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    exec(compile(cell.source, cell.id, "exec"), space)
                streams[cell.id] = out.getvalue(), err.getvalue()
                if here:
                    shown[cell.id] = here[:]
                    here.clear()
        for drawn in shown.values():
            for figure in drawn:
                figure.canvas.draw()
        yield shown, streams, space
        plt.close("all")
        sys.modules.pop("tp1_utils", None)


def axes_of(figures, cell_id, index=0):
    return figures[0][cell_id][index].axes


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


def test_the_solution_runs_from_top_to_bottom_and_nothing_goes_to_stderr(figures):
    shown, streams, _ = figures
    assert set(shown) == {c.id for c in FIGURES}
    assert {cell for cell, (out, _) in streams.items() if out} == {
        "given-figure-2-6",
        "given-draws-2-6",
    }
    assert not [cell for cell, (_, err) in streams.items() if err]


def test_every_axis_is_labelled_and_no_legend_covers_data(figures):
    for drawn in figures[0].values():
        for figure in drawn:
            renderer = figure.canvas.get_renderer()
            boxes = [ax.get_window_extent(renderer) for ax in figure.axes]
            assert all(ax.get_xlabel() for ax in figure.axes)
            assert all(ax.get_title() for ax in figure.axes if ax.get_subplotspec().is_first_row())
            assert all(ax.get_ylabel() for ax in figure.axes if ax.get_subplotspec().is_first_col())
            assert not any(ax.get_legend() for ax in figure.axes)
            for legend in figure.legends:
                extent = legend.get_window_extent(renderer)
                assert not any(extent.overlaps(box) for box in boxes)
                assert extent.x0 >= 0
                assert extent.x1 <= figure.bbox.width


def test_figure_1_shows_five_laws_with_six_lines_each(figures):
    axes = np.reshape(axes_of(figures, "given-figure-1-2"), (2, 5))
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


def test_figure_1_density_is_upright_and_peaks_at_the_posterior_mean(figures):
    _, _, space = figures
    top = np.reshape(axes_of(figures, "given-figure-1-2"), (2, 5))[0]
    for (_, mu, _), ax in zip(space["panels"], top, strict=True):
        density = ax.images[0].get_array()
        row, column = np.unravel_index(np.argmax(density), density.shape)
        w = np.linspace(-1, 1, density.shape[0])
        assert abs(w[column] - mu[0]) < 0.011
        assert abs(w[row] - mu[1]) < 0.011


def test_figure_1_lines_close_up_and_the_law_shrinks_as_the_legend_says(figures):
    _, _, space = figures
    bottom = np.reshape(axes_of(figures, "given-figure-1-2"), (2, 5))[1]
    spread = [
        np.std([line.get_ydata()[1] for line in ax.lines if line.get_linestyle() == "-"])
        for ax in bottom
    ]
    assert spread[0] > spread[1] > spread[3] > spread[4]
    areas = [np.linalg.det(Sigma) for _, _, Sigma in space["panels"]]
    assert (np.diff(areas) < 0).all()
    for _, _, Sigma in space["panels"][1:]:
        assert Sigma[0, 1] < 0
    # One point: a band, several times as long as it is wide.
    low, high = np.sqrt(np.linalg.eigvalsh(space["panels"][1][2]))
    assert high > 5 * low
    # The cross stays in the bulk of every law: within two standard deviations.
    for _, mu, Sigma in space["panels"]:
        away = mu - [-0.3, 0.5]
        assert away @ np.linalg.solve(Sigma, away) < 4


PREDICTIONS = {
    "given-figure-1-4a": ("x_train", "mean_test", "std_test"),
    "given-figure-1-6": ("x_train_hole", "mean_hole", "std_hole"),
    "given-figure-2-2": ("x_train_sin", "mean_poly", "std_poly"),
    "given-figure-2-4": ("x_train_sin", "mean_gauss", "std_gauss"),
}


@pytest.mark.parametrize("cell", PREDICTIONS)
def test_predictions_show_bands_at_one_two_three_deviations_and_the_variance(figures, cell):
    _, _, space = figures
    x_train, mean, std = (space[name] for name in PREDICTIONS[cell])
    left, right = axes_of(figures, cell)
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in left.collections]
    assert np.allclose(tops, [np.max(mean + k * std) for k in (3, 2, 1)])
    assert np.allclose(right.lines[-1].get_ydata(), std**2)
    (middle,) = dashed_verticals(right)
    assert np.allclose(middle.get_xdata(), np.mean(x_train))


def test_there_is_one_grey_zone_per_run_of_inputs(figures):
    _, _, space = figures
    x, hole = space["x_train"], space["x_train_hole"]
    assert np.allclose(zones(axes_of(figures, "given-figure-1-4a")[1]), [(x.min(), x.max())])
    expected = [(hole[hole < 0].min(), hole[hole < 0].max()), (hole[hole > 0].min(), hole.max())]
    assert np.allclose(zones(axes_of(figures, "given-figure-1-6")[1]), expected)


def test_the_polynomial_is_cut_on_the_left_and_logarithmic_on_the_right(figures):
    left, right = axes_of(figures, "given-figure-2-2")
    assert left.get_ylim() == (-4, 6)
    assert right.get_yscale() == "log"
    assert axes_of(figures, "given-figure-2-4")[0].get_ylim() == (-4, 6)
    assert axes_of(figures, "given-figure-2-4")[1].get_yscale() == "linear"
    _, _, space = figures
    ends = space["mean_poly"][[0, -1]]
    assert ((ends < -4) | (ends > 6)).all()
    variance = space["std_poly"] ** 2
    assert variance.max() > 1e5 * variance.min()


def test_the_detail_of_the_hole_shows_one_point_per_tested_input(figures):
    _, _, space = figures
    whole, detail = axes_of(figures, "given-figure-1-6", 1)
    assert detail.get_xlim() == (-4, 4)
    x = space["x_test_hole"]
    (points,) = [line for line in detail.lines if line.get_marker() == "o"]
    assert points.get_xdata().tolist() == x[np.abs(x) <= 4].tolist()
    assert whole.get_xlim()[0] == x.min()


def test_the_stacked_parts_add_up_to_the_variance(figures):
    _, _, space = figures
    (ax,) = axes_of(figures, "given-figure-1-4b")
    noise, total = (band.get_paths()[0].vertices[:, 1].max() for band in ax.collections[-2:])
    assert noise == pytest.approx(0.04)
    assert total == pytest.approx(np.max(space["std_test"] ** 2))
    # « qui l'emporte de loin sur le bruit au bord », « presque invisible dans la zone grise ».
    epistemic, x = space["epistemic_test"], space["x_test"]
    assert epistemic[[0, -1]].min() > 5 * 0.04
    assert epistemic[(x > 0.5) & (x < 1.5)].max() < 0.2 * 0.04


def test_features_go_from_dark_to_light_and_centres_from_edge_to_edge(figures):
    polynomial, gaussian = axes_of(figures, "given-figure-2-3")
    assert [len(ax.lines) for ax in (polynomial, gaussian)] == [10, 9]
    assert zones(gaussian) == [(0, 1)]
    for ax in (polynomial, gaussian):
        light = [sum(mpl.colors.to_rgb(line.get_color())) for line in ax.lines]
        assert (np.diff(light) > 0).all()
    peaks = [line.get_xdata()[np.argmax(line.get_ydata())] for line in gaussian.lines]
    assert peaks == pytest.approx(list(np.linspace(0, 1, 9)), abs=0.01)
    leaving = [line for line in polynomial.lines if line.get_ydata()[-1] > polynomial.get_ylim()[1]]
    assert len(leaving) == 9  # all but the constant


def test_evidences_cross_near_the_common_alpha_and_their_maxima_are_marked(figures):
    _, _, space = figures
    (ax,) = axes_of(figures, "given-figure-2-6")
    assert ax.get_xscale() == "log"
    polynomial, gaussian, common = ax.lines
    assert set(common.get_xdata()) == {0.05}
    for line in (polynomial, gaussian):
        assert line.get_markevery() == [int(np.argmax(line.get_ydata()))]
        assert ax.get_ylim()[0] < line.get_ydata().max() < ax.get_ylim()[1]
    gap = np.sign(polynomial.get_ydata() - gaussian.get_ydata())
    (crossing,) = np.flatnonzero(np.diff(gap))
    assert 0.02 < space["alphas"][crossing] < 0.12


def test_grading_draws_fewer_pixels_and_the_same_data(monkeypatch):
    monkeypatch.syspath_prepend(str(SOURCE))
    monkeypatch.delitem(sys.modules, "tp1_utils", raising=False)
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    import tp1_utils as quick

    monkeypatch.delenv("NBGRADER_EXECUTION")
    del sys.modules["tp1_utils"]
    import tp1_utils as usual

    del sys.modules["tp1_utils"]
    assert quick.RESOLUTION < usual.RESOLUTION
    x = np.linspace(0, 2, 5)
    pairs = [m.f_linear(x, 1, 0.2, np.random.default_rng(1)) for m in (quick, usual)]
    assert np.array_equal(*pairs)


@pytest.fixture
def helper(monkeypatch):
    monkeypatch.syspath_prepend(str(SOURCE))
    import tp1_utils

    yield tp1_utils
    sys.modules.pop("tp1_utils", None)


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


def test_figures_survive_what_wrong_answers_give_them(helper, monkeypatch):
    mpl.use("agg", force=True)
    monkeypatch.setattr(helper.plt, "show", lambda: helper.plt.gcf().canvas.draw())
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
    helper.plt.close("all")


# --- Typography -------------------------------------------------------------------------------


@by_id(PROSE)
def test_double_punctuation_is_set_off_by_non_breaking_spaces(cell):
    # English titles, in italics, keep English typography.
    text = re.sub(r"\*[A-Z][\w ]+: [A-Z][\w ]+\*", "", plain(cell.source))
    assert not re.findall(rf".{{0,20}}[^{NBSP}][:;!?»]", text)
    assert not re.findall(rf"«[^{NBSP}].{{0,20}}", text)


@by_id(PROSE)
def test_decimals_have_a_comma_in_prose_and_in_formulas(cell):
    text = re.sub(r"`[^`]*`", "", cell.source)
    for formula in re.findall(r"\$\$.*?\$\$|\$[^$]+\$", text, flags=re.DOTALL):
        assert not re.search(r"\d[.,]\d", formula), formula  # 0{,}5 is set as a decimal
    # Numbers of questions, of sections and of equations keep their point.
    named = r"(?:§|[ÉéE]quations?|[Qq]uestions?|\bet|,) \d\.\d+|\d\.\d(?=★? \|)"
    assert not re.findall(r".{0,20}\d\.\d.{0,20}", re.sub(named, "", plain(cell.source)))


@by_id(CELLS)
def test_students_are_addressed_as_vous(cell):
    visible = cell.visible if cell.is_code else cell.source
    assert not re.search(r"\b(tu|toi|ton|tes|écris|calcule-toi)\b", visible)


@by_id(CELLS)
def test_nothing_but_what_french_and_mathematics_need(cell):
    allowed = "éèêëàâùûüôîïçœæÉÈÀÇ«»—…×★αβ§ñ\u00a0\u202f"
    assert {c for c in cell.source if ord(c) > 127} <= set(allowed)
