"""What every TP's notebook keeps to, and a run of its solutions: shared by the tests of the TPs.

A rule is a function of a :class:`Notebook` whose name says it; ``RULES`` lists them all.
"""

import ast
import contextlib
import functools
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

ROOT = Path(__file__).parents[2]
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


class Notebook:
    """One TP: its source cells, and where its other versions are."""

    def __init__(self, name, *, imports, figures, letters=""):
        self.name = name
        self.imports = set(imports)
        """Modules that students need, besides the TP's own helper module."""
        self.figures = figures
        """Number of the last figure."""
        self.letters = letters
        """Greek letters and signs that its text needs besides those of French."""
        self.source = ROOT / "source" / name
        self.release = ROOT / "release" / name
        self.solutions = ROOT / "solutions" / name
        self.cells = self.read(self.source)
        self.code = [c for c in self.cells if c.is_code]
        self.prose = [c for c in self.cells if not c.is_code]
        self.tests = [c for c in self.cells if c.is_test]
        self.parts = [c for c in self.tests if re.search(r"[a-e]$", c.id)]
        self.answers = [c for c in self.code if c.is_answer]
        self.judged = [c for c in self.answers if "reponses_" in c.source]
        self.drawing = [
            c
            for c in self.code
            if c.is_given and re.search(r"^(?:[\w, ]+ = )?plot_", c.source, re.M)
        ]
        self.by_id = {c.id: c for c in self.cells}
        # A rule over cells says nothing about a notebook without any.
        assert self.prose
        assert self.tests
        assert self.parts
        assert self.answers
        assert self.judged
        assert self.drawing

    def read(self, folder):
        data = json.loads((folder / f"{self.name}.ipynb").read_text("utf-8"))
        return [Cell(cell) for cell in data["cells"]]

    def before(self, cell, steps=1):
        return self.cells[self.cells.index(cell) - steps]

    def statement(self, test):
        """The cell that says what the answer before a test must do."""
        return self.before(test, 2).source

    def points(self):
        """Points of each question, by its number."""
        total = Counter()
        for cell in self.tests:
            question = ".".join(re.match(r"test-q(\d)-(\d)", cell.id).groups())
            total[question] += cell.points
        return dict(total)


def block(name):
    return rf"(?ms)^[ ]*### BEGIN {name}\n(.*?)^[ ]*### END {name}\n?"


def without(source, name):
    return re.sub(block(name), "", source)


def plain(text):
    """Prose without code, mathematics and tables' rules."""
    text = re.sub(r"(?m)^\|[-:| ]+\|$", "", text)
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", "X", text, flags=re.DOTALL)


def number(text):
    return float(text.replace(",", "."))


def french(value, digits):
    return f"{value:.{digits}f}".replace(".", ",")


# --- The form of the notebook -----------------------------------------------------------------


def cell_ids_are_unique_and_follow_from_grade_ids(notebook):
    ids = [c.id for c in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert ids == [c.grade_id.replace("_", "-") for c in notebook.cells]


def source_holds_no_output_and_no_stray_metadata(notebook):
    for cell in notebook.cells:
        assert set(cell.data["metadata"]) == {"nbgrader"}, cell
        if cell.is_code:
            assert cell.data["outputs"] == [], cell
            assert cell.data["execution_count"] is None, cell


def only_answers_are_unlocked(notebook):
    assert [c for c in notebook.cells if c.locked is c.is_answer] == []


def release_and_solutions_have_the_same_cells_in_the_same_order(notebook):
    ids = [c.id for c in notebook.cells]
    assert [c.id for c in notebook.read(notebook.release)] == ids
    assert [c.id for c in notebook.read(notebook.solutions)] == ids


def there_is_one_title_and_sections_and_questions_are_numbered(notebook):
    headings = [h for c in notebook.prose for h in re.findall(r"(?m)^(#+) (.*)$", c.source)]
    (title,) = (title for level, title in headings if level == "#")
    assert title.startswith(f"{notebook.name.upper()}{NBSP}— ")
    sections = [title for level, title in headings if level == "##"]
    assert [s.split(".")[0] for s in sections] == [str(n + 1) for n in range(len(sections))]
    assert [s.split(". ")[1] for s in sections[-2:]] == ["À retenir", "Pour aller plus loin"]
    questions = [t.split()[1] for level, t in headings if level == "###" and "Question" in t]
    assert questions == list(notebook.points())


def every_answer_is_preceded_by_its_statement_and_followed_by_its_check(notebook):
    for position, cell in enumerate(notebook.cells):
        if cell in notebook.answers:
            assert notebook.cells[position - 1].id.startswith("enonce-"), cell
            follower = notebook.cells[position + 1]
            assert follower.is_test, cell
            assert follower.id == f"test-{cell.id}"
        elif cell.is_answer and cell.id != "declaration":
            assert notebook.cells[position - 1].id.startswith("enonce-texte-"), cell
            assert cell.points == 0, cell


# --- Points -----------------------------------------------------------------------------------


def points_add_up_to_twenty(notebook):
    assert sum(notebook.points().values()) == 20


def the_table_of_points_is_that_of_the_test_cells(notebook):
    lines = notebook.by_id["titre"].source.splitlines()
    rows = [line.strip("| ").split("|") for line in lines if "|" in line]
    names, values = [[entry.strip() for entry in rows[k][1:]] for k in (0, 2)]
    assert {n.rstrip("★"): number(v) for n, v in zip(names, values, strict=True)} == (
        notebook.points()
    )
    starred = {n.rstrip("★") for n in names if n.endswith("★")}
    titles = " ".join(c.source for c in notebook.prose)
    assert starred == set(re.findall(r"### Question (\d\.\d) ★", titles))


def each_question_announces_its_points(notebook):
    heading = r"### Question (\d\.\d)(?: ★)? \(([\d,]+) points?\)"
    found = {name: number(p) for c in notebook.prose for name, p in re.findall(heading, c.source)}
    assert found == notebook.points()


def each_part_announces_its_points(notebook):
    for cell in notebook.parts:
        announced = re.findall(r"\*\*[a-e]\. [^*]+\*\* \(([\d,]+) point", notebook.statement(cell))
        assert [number(p) for p in announced] == [cell.points], cell


def credits_add_up_and_are_written_in_the_statement(notebook):
    for cell in notebook.tests:
        calls = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Call)]
        shares = [n.args[0].value for n in calls if getattr(n.func, "id", "") == "credit"]
        assert sum(shares) == cell.points, cell
        if len(shares) > 1:
            statement = notebook.statement(cell)
            scale = re.search(r"\*Notation.*?\*$", statement, re.DOTALL | re.M)
            # Two halves may be said where each is asked.
            scale = scale or re.search(r"\([^()]*0,5[^()]*\)", statement)
            assert scale, cell
            written = {number(n) for n in re.findall(r"\b\d(?:,\d+)?\b", scale[0])}
            assert set(shares) <= written, cell


def interpretation_is_at_most_a_fifth_and_free_text_is_worth_nothing(notebook):
    judged = [c for c in notebook.tests if "reponses_" in c.source]
    assert 0 < sum(c.points for c in judged) <= 4
    texts = [c for c in notebook.prose if c.is_answer]
    assert len(texts) == len(judged) + 1  # one beside each, and the declaration
    assert {c.points for c in texts} == {0}


# --- Statements and answers -------------------------------------------------------------------


def defined(cell):
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name: node for node in ast.walk(cell.tree) if isinstance(node, kinds)}


def promises(notebook):
    """Functions, classes and methods that statements ask for: answer, name, signature or base."""
    asked = re.compile(
        r"[ÉéE]crivez (?:ensuite )?`(\w+)\(([^`]*)\)`|^- `(\w+)\((self[^`]*)\)`", re.M
    )
    for cell in notebook.answers:
        for function, arguments, method, its_own in asked.findall(notebook.before(cell).source):
            yield cell, function or method, arguments or its_own


def functions_and_classes_promised_exist_with_that_signature(notebook):
    promised = list(promises(notebook))
    assert len(promised) > 5
    for cell, name, signature in promised:
        node = defined(cell)[name]
        is_class = isinstance(node, ast.ClassDef)
        written = ast.unparse(node.bases[0]) if is_class else ast.unparse(node.args)
        assert written == signature, cell


def answers_come_with_a_docstring_or_names_to_fill_in(notebook):
    for cell in notebook.answers:
        documented = defined(cell)
        outer = [node for node in cell.tree.body if getattr(node, "name", "") in documented]
        for node in outer:
            assert re.search(r"\([NnKMB3],", ast.get_docstring(node) or ""), cell
        assert documented or "None" in without(cell.source, "SOLUTION"), cell
        assert re.search(r"### BEGIN SOLUTION\n.*### END SOLUTION", cell.source, re.DOTALL), cell


def statements_to_judge_are_five_with_a_default_that_earns_nothing(notebook):
    for cell in notebook.judged:
        statement = notebook.before(cell).source
        assert re.findall(r"(?m)^- \*\*([a-z])\*\*", statement) == list("abcde"), cell
        name = re.search(r"reponses_\w+", cell.source)[0]
        given, reference = re.findall(rf"{name} = (.*)", cell.source)
        assert set(ast.literal_eval(given).values()) == {None}, cell
        assert set(ast.literal_eval(reference).values()) == {True, False}, cell


# --- Visible checks ---------------------------------------------------------------------------


def visible_checks_are_silent_and_say_expected_and_obtained(notebook):
    for cell in notebook.tests:
        tree = ast.parse(cell.visible)
        assert not isinstance(tree.body[-1], ast.Expr), cell
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        assert "print" not in {getattr(n.func, "id", "") for n in calls}, cell
        asserts = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
        assert asserts, cell
        for node in asserts:
            message = ast.unparse(node.msg)
            assert "attendu" in message, cell
            assert f"{NBSP}:" in message or "\\xa0:" in message, cell


def visible_checks_use_no_engine_and_hidden_tests_come_first(notebook):
    for cell in notebook.tests:
        assert "nbjudge" not in cell.visible, cell
        assert cell.hidden, cell
        assert cell.source.startswith("### BEGIN HIDDEN TESTS\n"), cell


def visible_checks_use_no_name_of_another_check(notebook):
    """Each is judged alone: a name of an earlier check is not there."""
    names = {
        cell: [n for n in ast.walk(ast.parse(cell.visible)) if isinstance(n, ast.Name)]
        for cell in notebook.tests
    }
    stored = {cell: {n.id for n in found if isinstance(n.ctx, ast.Store)} for cell, found in
              names.items()}  # fmt: skip
    elsewhere = set().union(*stored.values())
    for cell, found in names.items():
        assert not {n.id for n in found} & elsewhere - stored[cell], cell


def tolerances_have_a_stated_reason(notebook):
    for cell in notebook.tests:
        if re.search(r"assert_(?!true|shape|equal)\w+\(", cell.hidden):
            comments = re.findall(r"(?m)^ *# (.*)$", cell.hidden)
            reason = r"1e-|exact|tolérance|précision|pas de la grille"
            assert any(re.search(reason, c) for c in comments), cell


# --- What students run ------------------------------------------------------------------------


def the_release_needs_no_more_than_promised(notebook):
    helper = f"{notebook.name}_utils"
    sources = [c.source for c in notebook.read(notebook.release) if c.is_code]
    sources.append((notebook.release / f"{helper}.py").read_text("utf-8"))
    imported = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert imported == notebook.imports | {helper}


def the_helper_module_is_the_same_everywhere(notebook):
    name = f"{notebook.name}_utils.py"
    helper = (notebook.source / name).read_bytes()
    assert (notebook.release / name).read_bytes() == helper
    assert (notebook.solutions / name).read_bytes() == helper


def given_cells_are_short_and_do_not_seed_numpys_global_generator(notebook):
    given = [c for c in notebook.code if c.is_given]
    assert [c for c in given if len(c.source.splitlines()) > 12] == []
    assert [c for c in given if "np.random.seed" in c.source] == []


# --- Figures ----------------------------------------------------------------------------------


def every_figure_has_a_legend_that_says_what_to_see(notebook):
    for cell in notebook.drawing:
        legend = notebook.cells[notebook.cells.index(cell) + 1]
        assert legend.id == cell.id.replace("given-figure", "legende")
        assert re.match(r"\*\*Figures? \d+( et \d+)?\.\*\* \*", legend.source), legend
        assert "On doit voir" in legend.source, legend


def figures_are_numbered_in_order(notebook):
    text = "".join(c.source for c in notebook.prose if c.id.startswith("legende"))
    numbers = re.findall(r"\*\*Figures? (\d+)(?: et (\d+))?\.\*\*", text)
    expected = list(range(1, notebook.figures + 1))
    assert [int(n) for pair in numbers for n in pair if n] == expected


# --- Typography -------------------------------------------------------------------------------


def double_punctuation_is_set_off_by_non_breaking_spaces(notebook):
    for cell in notebook.prose:
        # English titles keep English typography.
        text = re.sub(r"\*[A-Z][\w ]+: [A-Z][\w ]+\*", "", plain(cell.source))
        assert not re.findall(rf".{{0,20}}[^{NBSP}][:;!?»]", text), cell
        assert not re.findall(rf"«[^{NBSP}].{{0,20}}", text), cell


def decimals_have_a_comma_in_prose_and_in_formulas(notebook):
    # Numbers of questions, of sections and of equations keep their point.
    named = r"(?:§|[ÉéE]quations?|[Qq]uestions?|\bet|\bà|,)\s\d+\.\d+|\d\.\d(?=★? \|)"
    for cell in notebook.prose:
        text = re.sub(r"`[^`]*`", "", cell.source)
        for formula in re.findall(r"\$\$.*?\$\$|\$[^$]+\$", text, flags=re.DOTALL):
            assert not re.search(r"\d[.,]\d", formula), formula  # 0{,}5 is set as a decimal
        found = re.findall(r".{0,20}\d\.\d.{0,20}", re.sub(named, "", plain(cell.source)))
        assert [f for f in found if "étiquettes, 0.0 ou 1.0" not in f] == [], cell


def students_are_addressed_as_vous(notebook):
    for cell in notebook.cells:
        visible = cell.visible if cell.is_code else cell.source
        assert not re.search(r"\b(tu|toi|ton|tes|écris|calcule-toi)\b", visible), cell


def there_is_nothing_but_what_french_and_mathematics_need(notebook):
    allowed = set("éèêëàâùûüôîïçœæÉÈÊÀÇ«»—…×★§ñ\u00a0\u202f" + notebook.letters)
    found = {c for cell in notebook.cells for c in cell.source if ord(c) > 127}
    assert found <= allowed


RULES = [
    cell_ids_are_unique_and_follow_from_grade_ids,
    source_holds_no_output_and_no_stray_metadata,
    only_answers_are_unlocked,
    release_and_solutions_have_the_same_cells_in_the_same_order,
    there_is_one_title_and_sections_and_questions_are_numbered,
    every_answer_is_preceded_by_its_statement_and_followed_by_its_check,
    points_add_up_to_twenty,
    the_table_of_points_is_that_of_the_test_cells,
    each_question_announces_its_points,
    each_part_announces_its_points,
    credits_add_up_and_are_written_in_the_statement,
    interpretation_is_at_most_a_fifth_and_free_text_is_worth_nothing,
    functions_and_classes_promised_exist_with_that_signature,
    answers_come_with_a_docstring_or_names_to_fill_in,
    statements_to_judge_are_five_with_a_default_that_earns_nothing,
    visible_checks_are_silent_and_say_expected_and_obtained,
    visible_checks_use_no_engine_and_hidden_tests_come_first,
    visible_checks_use_no_name_of_another_check,
    tolerances_have_a_stated_reason,
    the_release_needs_no_more_than_promised,
    the_helper_module_is_the_same_everywhere,
    given_cells_are_short_and_do_not_seed_numpys_global_generator,
    every_figure_has_a_legend_that_says_what_to_see,
    figures_are_numbered_in_order,
    double_punctuation_is_set_off_by_non_breaking_spaces,
    decimals_have_a_comma_in_prose_and_in_formulas,
    students_are_addressed_as_vous,
    there_is_nothing_but_what_french_and_mathematics_need,
]


# --- A run of the solutions -------------------------------------------------------------------


class Run:
    """The solutions executed from top to bottom as a student does."""

    def __init__(self):
        self.figures = {}
        """By cell: the figures that it showed."""
        self.streams = {}
        """By cell: what it wrote to stdout and stderr."""
        self.space = {"__name__": "__main__"}

    def __getattr__(self, name):
        try:
            return self.space[name]
        except KeyError:
            raise AttributeError(name) from None

    def axes(self, cell_id, index=0):
        return self.figures[cell_id][index].axes


@functools.lru_cache(maxsize=1)
def executed(name):
    """Run a TP's solutions once for all the tests of a process.

    Warnings are errors here, as everywhere in these tests.
    """
    run = Run()
    folder = ROOT / "solutions" / name
    cells = json.loads((folder / f"{name}.ipynb").read_text("utf-8"))["cells"]
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context():
        patch.syspath_prepend(str(folder))
        patch.delenv("NBGRADER_EXECUTION", raising=False)
        patch.delitem(sys.modules, f"{name}_utils", raising=False)
        mpl.use("agg", force=True)
        import matplotlib.pyplot as plt

        here = []
        patch.setattr(plt, "show", lambda: here.append(plt.gcf()))
        for cell in (Cell(c) for c in cells):
            if not cell.is_code:
                continue
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                exec(compile(cell.source, cell.id, "exec"), run.space)
            run.streams[cell.id] = out.getvalue(), err.getvalue()
            if here:
                run.figures[cell.id] = here[:]
                here.clear()
        plt.close("all")
        for figure in (figure for shown in run.figures.values() for figure in shown):
            # Closing a figure takes its canvas away.
            FigureCanvasAgg(figure).draw()
        sys.modules.pop(f"{name}_utils", None)
    return run


def axes_are_labelled_and_no_legend_covers_data(run):
    """What every figure of a run keeps to; the scale of a map is an axis too."""
    assert run.figures
    for figure in (figure for shown in run.figures.values() for figure in shown):
        renderer = figure.canvas.get_renderer()
        boxes = [ax.get_window_extent(renderer) for ax in figure.axes]
        panels = [ax for ax in figure.axes if ax.get_subplotspec() is not None]
        assert panels
        assert all(ax.get_xlabel() for ax in panels)
        assert all(ax.get_title() for ax in panels if ax.get_subplotspec().is_first_row())
        assert all(ax.get_ylabel() for ax in panels if ax.get_subplotspec().is_first_col())
        assert all(ax.get_ylabel() for ax in figure.axes if ax not in panels)
        assert not any(ax.get_legend() for ax in figure.axes)
        assert all(ax.title.get_window_extent(renderer).y1 <= figure.bbox.height for ax in panels)
        for legend in figure.legends:
            extent = legend.get_window_extent(renderer)
            assert not any(extent.overlaps(box) for box in boxes)
            assert extent.x0 >= 0
            assert extent.x1 <= figure.bbox.width
