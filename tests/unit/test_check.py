"""What must not reach students, and folders that must hold what source/ gives."""

import json

import pytest

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.check import _errors, _leaking_files, _leaks, _replaceable, differences

MARKERS = ("BEGIN SOLUTION", "HIDDEN TESTS", "nbjudge")


def cell(kind, source, release=None, hidden=()):
    return SourceCell(
        cell_id="c",
        kind=kind,
        cell_type="code",
        source=source,
        release_source=source if release is None else release,
        grade_id="q",
        hidden_lines=frozenset(hidden),
    )


ANSWER = cell(Kind.ANSWER, "def f(x):\n    return x ** 2 + 1", "def f(x):\n    ...")
TEST = cell(Kind.TEST, "assert f(1) == 2\nassert f(3) == 10  # hidden", hidden=[2])


def leaks(*sources, cells=(ANSWER, TEST)):
    released = json.dumps({"cells": [{"source": source} for source in sources]})
    return list(_leaks(tuple(cells), released, MARKERS))


def test_what_students_are_to_see_leaks_nothing():
    assert leaks("def f(x):\n    ...", "assert f(1) == 2") == []


@pytest.mark.parametrize("source", ["# BEGIN SOLUTION", ["x = 1\n", "import nbjudge"]])
def test_a_marker_is_found(source):
    assert [line for line in leaks(source) if line.startswith("it contains")]


def test_a_line_of_a_solution_is_found():
    assert leaks("Hint:\n  return x ** 2 + 1") == ["a line of q is there: « return x ** 2 + 1 »"]


def test_a_line_of_a_hidden_test_is_found():
    assert leaks("assert f(3) == 10  # hidden") == [
        "a line of q is there: « assert f(3) == 10  # hidden »"
    ]


def test_a_line_that_is_shown_elsewhere_on_purpose_is_no_leak():
    given = cell(Kind.GIVEN, "import numpy as np")
    answer = cell(Kind.ANSWER, "import numpy as np\nx = 1", "x = ...")
    assert leaks("import numpy as np", cells=(given, answer)) == []


def test_a_short_line_proves_nothing():
    answer = cell(Kind.ANSWER, "return x", "...")
    assert leaks("return x", cells=(answer,)) == []


def test_a_marker_in_a_file_beside_the_notebook_is_found():
    files = {"a.py": b"x = 1", "b.bin": b"\xff### BEGIN SOLUTION\xff"}
    assert list(_leaking_files(files, MARKERS)) == ["b.bin contains « BEGIN SOLUTION »"]


def test_errors_are_named_by_their_cells():
    document = {
        "cells": [
            {"id": "text"},
            {"id": "a", "outputs": [{"output_type": "stream"}]},
            {"id": "b", "outputs": [{"output_type": "error", "ename": "KeyError"}]},
        ]
    }
    assert list(_errors(document)) == [("b", "KeyError")]


def test_a_folder_is_compared_with_what_it_should_hold(tmp_path):
    for name, data in {
        "same.txt": b"1",
        "deep/other.txt": b"2",
        "more.txt": b"3",
        "__pycache__/x.pyc": b"",
        ".ipynb_checkpoints/n.ipynb": b"",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    files = {"same.txt": b"1", "deep/other.txt": b"4", "gone.txt": b"5"}
    assert list(differences(tmp_path, files)) == [
        "deep/other.txt differs (nbjudge build makes it again)",
        "gone.txt is missing",
        "more.txt should not be there",
    ]
    del files["gone.txt"]
    (tmp_path / "more.txt").unlink()
    (tmp_path / "deep" / "other.txt").write_bytes(b"4")
    assert list(differences(tmp_path, files)) == []


def replaceable(*cells):
    made = [
        SourceCell(
            cell_id=str(n),
            kind=kind,
            cell_type="code",
            source=source,
            release_source="",
            grade_id=f"q{n}",
            points=1.0,
        )
        for n, (kind, source) in enumerate(cells)
    ]
    return list(_replaceable(SourceNotebook(name="n", cells=tuple(made))))


ANSWERED = (Kind.ANSWER, "def f(x):\n    return x\n\n\nw = 2")


def test_a_test_of_what_a_given_cell_computes_from_answers_is_named():
    (said,) = replaceable(
        ANSWERED,
        (Kind.GIVEN, "n = 3\nacc = f(n)"),
        (Kind.TEST, "assert acc == 3\nassert n == 3"),
    )
    assert said.startswith("q2 uses acc, which a given cell computes from answers")
    assert "a cell of theirs that says acc = ... counts" in said


@pytest.mark.parametrize(
    "cells",
    [
        [(Kind.GIVEN, "n = 3"), (Kind.TEST, "assert f(n) == 3 and w == 2")],
        [(Kind.GIVEN, "acc = f(3)"), (Kind.TEST, "acc = f(3)\nassert acc == 3")],
        [(Kind.GIVEN, "def acc(): return f(3)"), (Kind.TEST, "assert acc() == 3")],
    ],
)
def test_what_is_the_students_own_or_made_by_the_test_is_not(cells):
    assert replaceable(ANSWERED, *cells) == []
