"""From source/ to an assignment: kinds of cells, files, and what is refused with a sentence."""

import json
from dataclasses import replace

import pytest
from traitlets.config import Config

from nbjudge.assignment import Kind
from nbjudge.compile import Sources, compile_assignment, markers
from nbjudge.configuration import configure
from nbjudge.errors import NotebookError, UnknownNameError
from nbjudge.settings import Settings


def cell(kind, source, **marks):
    made = {"cell_type": kind, "metadata": {}, "source": source}
    tags = marks.pop("tags", None)
    if marks:
        data = {"grade": False, "solution": False, "locked": False, "task": False}
        made["metadata"]["nbgrader"] = data | {"schema_version": 3} | marks
    if tags:
        made["metadata"]["tags"] = tags
    return made


def answer(name="f", source="### BEGIN SOLUTION\nf = 1\n### END SOLUTION", **more):
    return cell("code", source, grade_id=name, solution=True, **more)


def check(name="test_f", source="assert f == 1", points=1, **more):
    return cell("code", source, grade_id=name, grade=True, locked=True, points=points, **more)


def text(source, **marks):
    return cell("markdown", source, **marks)


def notebook(*cells, minor=5, **metadata):
    made = []
    for number, one in enumerate(cells):
        full = dict(one)
        if minor >= 5:
            full.setdefault("id", f"c{number}")
        if one["cell_type"] == "code":
            full |= {"outputs": [], "execution_count": None}
        made.append(full)
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source" / "tp"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def read(source):
    """Write a notebook of these cells, compile the assignment."""

    def compiled(*cells, config=None, settings=None, ignore=None, **options):
        if cells:
            made = notebook(*cells, **options)
            (source / "n.ipynb").write_text(json.dumps(made), "utf-8")
        root = source.parent.parent
        sources = Sources(source=source, judge=root / "judge" / source.name, root=root)
        if ignore is not None:
            sources = replace(sources, ignore=ignore)
        return compile_assignment(source.name, sources, settings or Settings(), config=config)

    return compiled


def kinds(assignment):
    return [c.kind for c in assignment.notebooks[0].cells]


def test_each_cell_is_told_by_what_nbgrader_says_of_it(read):
    manual = {"grade": True, "solution": True}
    assignment = read(
        text("# Title"),
        cell("code", "import math"),
        cell("code", "given = 1", grade_id="given", locked=True),
        answer(),
        check(),
        text("why?", grade_id="essay", points=2, **manual),
        text("anything?", grade_id="free", points=0, **manual),
        cell("code", "plot()", grade_id="figure", points=3, **manual),
        cell("code", "extra()", grade_id="bonus", points=0, **manual),
        text("do", grade_id="task", task=True, locked=True, points=4),
    )
    assert kinds(assignment) == [
        Kind.TEXT,
        Kind.GIVEN,
        Kind.GIVEN,
        Kind.ANSWER,
        Kind.TEST,
        Kind.MANUAL,
        Kind.ANSWER,
        Kind.MANUAL,
        Kind.ANSWER,
        Kind.TASK,
    ]
    only = assignment.notebooks[0]
    assert {c.grade_id: c.points for c in only.graded} == {
        "test_f": 1,
        "essay": 2,
        "figure": 3,
        "task": 4,
    }
    # nbgrader's gradebook keeps a place for extra credit.
    assert [c.grade_id for c in only.cells if c.in_gradebook] == [
        "test_f",
        "essay",
        "free",
        "figure",
        "bonus",
    ]


def test_solutions_hidden_tests_and_marking_schemes_stay_on_our_side(read):
    hidden = "visible = 1\n### BEGIN HIDDEN TESTS\nassert f == 1\n### END HIDDEN TESTS\nvisible = 2"
    scheme = "do\n### BEGIN MARK SCHEME\n1 point\n### END MARK SCHEME"
    assignment = read(
        answer(),
        check(source=hidden),
        text(scheme, grade_id="task", task=True, locked=True, points=1),
    )
    first, second, third = assignment.notebooks[0].cells
    assert first.source.splitlines()[1] == "f = 1"
    assert first.release_source == "# YOUR CODE HERE\nraise NotImplementedError()"
    assert second.release_source == "visible = 1\nvisible = 2"
    assert second.hidden_lines == {2, 3, 4}
    assert third.release_source.strip() == "do"
    assert "1 point" in third.source


def test_the_courses_own_markers_and_stubs_are_followed(read):
    config = Config()
    configure(config, language="fr")
    config.ClearSolutions.begin_solution_delimeter = "DEBUT"
    config.ClearSolutions.end_solution_delimeter = "FIN"
    config.ClearHiddenTests.begin_test_delimeter = "CACHE"
    config.ClearHiddenTests.end_test_delimeter = "VISIBLE"
    assignment = read(
        answer(source="# DEBUT\nf = 1\n# FIN"),
        check(source="# CACHE\nassert f == 1\n# VISIBLE"),
        config=config,
    )
    first, second = assignment.notebooks[0].cells
    assert first.release_source == '# À COMPLÉTER\nraise NotImplementedError("À compléter")'
    assert second.release_source == ""
    assert second.hidden_lines == {1, 2, 3}
    assert {"DEBUT", "FIN", "CACHE", "VISIBLE"} < set(markers(config))


@pytest.mark.parametrize(
    ("course", "tags", "expected"),
    [
        ("outside", None, "outside"),
        ("inside", None, "inside"),
        ("outside", ["nbjudge-inside"], "inside"),
        ("inside", ["nbjudge-outside", "mine"], "outside"),
    ],
)
def test_a_test_runs_where_its_tag_or_the_course_says(read, course, tags, expected):
    assignment = read(check(tags=tags), settings=Settings(tests=course))
    assert assignment.notebooks[0].cells[0].mode == expected


def test_files_beside_the_notebook_are_students_and_those_in_judge_are_not(read, source):
    (source / "data" / "deep").mkdir(parents=True)
    (source / "data" / "deep" / "x.csv").write_bytes(b"1")
    (source / "helper.py").write_bytes(b"a = 1")
    for litter in (".ipynb_checkpoints/n-checkpoint.ipynb", "__pycache__/h.pyc", ".DS_Store"):
        (source / litter).parent.mkdir(exist_ok=True)
        (source / litter).write_bytes(b"")
    (source / "data" / "other.ipynb").write_bytes(b"{}")
    judge = source.parent.parent / "judge" / "tp"
    judge.mkdir(parents=True)
    (judge / "hidden.py").write_bytes(b"b = 2")
    assignment = read(answer())
    assert dict(assignment.files) == {"data/deep/x.csv": b"1", "helper.py": b"a = 1"}
    assert dict(assignment.judge_files) == {"hidden.py": b"b = 2"}
    assert [n.name for n in assignment.notebooks] == ["n"]
    assert "helper.py" not in read(ignore=("helper.*",)).files


def test_the_version_changes_with_all_that_judging_uses(read, source):
    first = read(answer(), check()).version
    assert read(answer(), check()).version == first
    assert read(answer(), check(points=2)).version != first
    assert read(answer(), check(source="assert f == 2")).version != first
    (source / "helper.py").write_bytes(b"a = 1")
    assert read(answer(), check()).version != first
    (source / "helper.py").unlink()
    (source / ".DS_Store").write_bytes(b"litter")
    assert read(answer(), check()).version == first


def test_a_notebook_without_cell_ids_gets_the_same_ones_each_time(read):
    first, second = (read(answer(), check(), minor=4) for _ in range(2))
    assert [c.cell_id for c in first.notebooks[0].cells] == ["cell-0", "cell-1"]
    assert first.version == second.version


def test_header_and_footer_are_found_from_the_courses_folder(read, source, monkeypatch, tmp_path):
    course = source.parent.parent
    head = notebook(text("Read this first."))
    (course / "header.ipynb").write_text(json.dumps(head), "utf-8")
    config = Config()
    config.IncludeHeaderFooter.header = "header.ipynb"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    answered = answer() | {"id": "mine"}
    assert kinds(read(answered, config=config)) == [Kind.TEXT, Kind.ANSWER]


@pytest.mark.parametrize("minor", [4, 5])
def test_a_header_of_an_older_format_does_not_stand_in_the_way(read, source, minor):
    head = notebook(text("One."), text("Two."), minor=4)
    (source.parent.parent / "header.ipynb").write_text(json.dumps(head), "utf-8")
    config = Config()
    config.IncludeHeaderFooter.header = "header.ipynb"
    assignment = read(answer(), check(), config=config, minor=minor)
    assert len({c.cell_id for c in assignment.notebooks[0].cells}) == 4
    assert read(answer(), check(), config=config, minor=minor).version == assignment.version


def test_a_missing_header_is_said(read):
    config = Config()
    config.IncludeHeaderFooter.footer = "nowhere.ipynb"
    with pytest.raises(NotebookError, match=r"IncludeHeaderFooter stopped: .*nowhere\.ipynb"):
        read(answer(), config=config)


def test_files_that_students_hand_in_changed_are_known(read, source):
    (source / "results.csv").write_bytes(b"1")
    config = Config()
    config.Autograde.exclude_overwriting = {"tp": ["results.csv", "unknown.py"], "other": ["x"]}
    assert read(answer(), check(), config=config).editable == {"results.csv"}


def test_a_module_that_students_change_cannot_be_judged_from_outside(read, source):
    (source / "tools.py").write_bytes(b"a = 1")
    config = Config()
    config.Autograde.exclude_overwriting = {"tp": ["tools.py"]}
    with pytest.raises(NotebookError, match=r"tools\.py.*'test_f'.*nbjudge-inside"):
        read(answer(), check(), config=config)
    inside = read(answer(), check(tags=["nbjudge-inside"]), config=config)
    assert inside.editable == {"tools.py"}


REFUSED = {
    "a marker without its end": (
        [answer(source="### BEGIN SOLUTION\nf = 1")],
        "ClearSolutions stopped.*every BEGIN has its END",
    ),
    "a hidden test outside tests": (
        [cell("code", "### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS")],
        "ClearHiddenTests stopped",
    ),
    "the same grade_id twice": ([answer("f"), check("f")], "(?i)duplicate grade.id: f"),
    "a task with the name of another": (
        [
            text("a", grade_id="t", task=True, points=1),
            text("b", grade_id="t", task=True, points=1),
        ],
        "two cells have the grade_id 't'",
    ),
    "a written answer in a raw cell": (
        [cell("raw", "x", grade_id="r", grade=True, solution=True, points=1)],
        "'r' is a raw cell",
    ),
    "points below zero": ([check(points=-1)], "-1"),
    "both tags": ([check(tags=["nbjudge-inside", "nbjudge-outside"])], "'test_f'.*both tags"),
    "the same cell id twice": (
        [answer() | {"id": "same"}, check() | {"id": "same"}],
        "cell 1 has the id 'same', and so has another",
    ),
    "a cell without an id": ([answer() | {"id": None}], "cell 1 has no id"),
    "metadata of a later nbgrader": ([answer(schema_version=99)], "(?i)schema"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_notebook_that_cannot_be_used_is_refused_by_name(read, what):
    cells, said = REFUSED[what]
    with pytest.raises(NotebookError, match=said) as refused:
        read(*cells)
    assert "tp/n.ipynb" in str(refused.value)


def test_a_file_that_is_no_notebook_is_refused_by_name(read, source):
    (source / "n.ipynb").write_text("not JSON", "utf-8")
    with pytest.raises(NotebookError, match=r"tp/n\.ipynb"):
        read()


def test_an_unknown_assignment_names_those_that_there_are(read, source, tmp_path):
    read(answer())
    (source.parent / "empty").mkdir()
    sources = Sources(source=source.parent / "tp9", judge=tmp_path / "judge", root=tmp_path)
    with pytest.raises(UnknownNameError, match=r"'tp9'.*Assignments here: tp\."):
        compile_assignment("tp9", sources, Settings())


@pytest.mark.parametrize("name", ["../tp", "tp/.", "", "."])
def test_a_path_is_no_name_of_an_assignment(read, source, name, tmp_path):
    read(answer())
    sources = Sources(source=source.parent / name, judge=tmp_path / "judge", root=tmp_path)
    with pytest.raises((UnknownNameError, NotebookError)):
        compile_assignment(name, sources, Settings())


def test_a_folder_without_a_notebook_is_said(read):
    with pytest.raises(NotebookError, match="holds no notebook"):
        read()
