"""Whatever is handed in ends with a mark for each question and a sentence; the class is graded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import small_course as sc

from nbjudge.classroom import ClassReport, grade_class

pytestmark = pytest.mark.slow

UPLOAD_BYTES = 2 * 1024 * 1024


def cells() -> list[sc.Cell]:
    return [
        sc.text("# Numbers"),
        *sc.p2(),
        sc.answer(
            "half", "def half(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION"
        ),
        sc.check("test_half", "assert half(2) == 1\nassert half(5) == 2.5", 2),
        sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 1),
    ]


ANSWERS = {
    "double": "def double(x):  # deux fois, évidemment\n    return x + x",
    "half": "def half(x):\n    return 0.5 * x",
    "essay": "Peut-être.",
}
FULL, NONE = (1.0, 2.0, None), (0.0, 0.0, 0.0)
"""Automatic points of test_double, test_half, essay."""


@dataclass(frozen=True)
class Case:
    """One submission: the notebook as handed in, or what makes its folder."""

    points: tuple[float | None, ...]
    sentence: str
    """Part of what the student reads, in a remark or beside a question."""
    data: Callable[[bytes], bytes] | None = None
    edit: Callable[[dict[str, Any]], None] | None = None
    folder: Callable[[Path, bytes], None] | None = None

    def submit(self, made: sc.SmallCourse, student: str) -> None:
        folder = made.submit(student, {"n": ANSWERS})
        path = folder / "n.ipynb"
        right = path.read_bytes()
        if self.data is not None:
            path.write_bytes(self.data(right))
        elif self.edit is not None:
            notebook = json.loads(right)
            self.edit(notebook)
            path.write_text(json.dumps(notebook), "utf-8")
        elif self.folder is not None:
            path.unlink()
            self.folder(path, right)


def checks(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for c in notebook["cells"] if str(grade_id(c)).startswith("test_")]


def grade_id(cell: dict[str, Any]) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def cell_of(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in notebook["cells"] if grade_id(c) == name)


def nbformat3(data: bytes) -> bytes:
    import nbformat

    old = nbformat.convert(nbformat.reads(data.decode(), 4), 3)
    return json.dumps(old).encode()


def nbformat2(data: bytes) -> bytes:
    old = []
    for cell in json.loads(data)["cells"]:
        if cell["cell_type"] == "code":
            rest = {
                "input": cell["source"],
                "language": "python",
                "outputs": [],
                "collapsed": False,
            }
        else:
            rest = {"source": cell["source"]}
        old.append({"cell_type": cell["cell_type"], **rest})
    document = {"metadata": {"name": ""}, "nbformat": 2, "worksheets": [{"cells": old}]}
    return json.dumps(document).encode()


def set_metadata(value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(notebook: dict[str, Any]) -> None:
        for cell in notebook["cells"]:
            cell["metadata"]["nbgrader"] = value

    return edit


def update_metadata(**values: Any) -> Callable[[dict[str, Any]], None]:
    def edit(notebook: dict[str, Any]) -> None:
        for cell in notebook["cells"]:
            if "nbgrader" in cell["metadata"]:
                cell["metadata"]["nbgrader"] |= values

    return edit


def same_grade_id(notebook: dict[str, Any]) -> None:
    cell_of(notebook, "half")["metadata"]["nbgrader"]["grade_id"] = "double"
    cell_of(notebook, "test_half")["metadata"]["nbgrader"]["grade_id"] = "test_double"


def paste_everything(notebook: dict[str, Any]) -> None:
    notebook["cells"] += [dict(cell, id=f"pasted-{cell['id']}") for cell in notebook["cells"]]


def delete_tests(notebook: dict[str, Any]) -> None:
    gone = checks(notebook)
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in gone]


def retype(*names: str) -> Callable[[dict[str, Any]], None]:
    def edit(notebook: dict[str, Any]) -> None:
        for name in names:
            cell = cell_of(notebook, name)
            cell["cell_type"] = "markdown"
            del cell["outputs"], cell["execution_count"]

    return edit


def cheat(notebook: dict[str, Any]) -> None:
    """Empty the tests, raise their points, paste one more, print a score; half is wrong."""
    cell_of(notebook, "half")["source"] = "def half(x):\n    return 0"
    for cell in checks(notebook):
        cell["source"] = "100"
        cell["metadata"]["nbgrader"]["points"] = 100
        cell["metadata"]["tags"] = ["skip-execution", "nbjudge-inside"]
    notebook["cells"].append(dict(cell_of(notebook, "test_half"), id="another"))


def delete_answer(notebook: dict[str, Any]) -> None:
    notebook["cells"].remove(cell_of(notebook, "half"))


def strange_values(notebook: dict[str, Any]) -> None:
    notebook["cells"] = [1, None, [], {"cell_type": "code", "source": 5}, {"cell_type": "code"}]


CASES = {
    "right": Case(FULL, "To be graded by hand"),
    "not_json": Case(NONE, "not a notebook", data=lambda _: "Je n'ai pas réussi.".encode()),
    "json_of_something_else": Case(NONE, "not a notebook", data=lambda _: b'{"a": [1, 2]}'),
    "deep_json": Case(NONE, "not a notebook", data=lambda _: b"[" * 200_000),
    "truncated": Case(
        (1.0, 0.0, 0.0),
        "damaged",
        data=lambda right: right[: right.index(b"def half")],
    ),
    "byte_order_mark": Case(FULL, "", data=lambda right: b"\xef\xbb\xbf" + right),
    "latin1": Case(FULL, "not in UTF-8", data=lambda right: right.decode().encode("latin-1")),
    "utf16": Case(FULL, "", data=lambda right: right.decode().encode("utf-16")),
    "lone_surrogate": Case(FULL, "", data=lambda right: right.replace(b"Peut", rb"\ud800Peut")),
    "empty": Case(NONE, "empty", data=lambda _: b""),
    "login_page": Case(NONE, "web page", data=lambda _: b"<!DOCTYPE html><title>Log in</title>"),
    "zip_archive": Case(NONE, "ZIP archive", data=lambda _: b"PK\x03\x04" + bytes(50)),
    "pdf": Case(NONE, "PDF", data=lambda _: b"%PDF-1.7\n"),
    "script": Case(NONE, "Python script", data=lambda _: b"import numpy as np\n"),
    "nbformat3": Case(FULL, "old format", data=nbformat3),
    "nbformat2": Case(FULL, "old format", data=nbformat2),
    "too_large": Case(NONE, "larger than", data=lambda right: right + b" " * UPLOAD_BYTES),
    "newer_schema": Case(FULL, "", edit=update_metadata(schema_version=99)),
    "points_are_text": Case(FULL, "", edit=update_metadata(points="many", grade="maybe")),
    "metadata_is_text": Case(FULL, "", edit=set_metadata("nbgrader")),
    "metadata_is_a_list": Case(FULL, "", edit=set_metadata([{"grade_id": "half"}])),
    "grade_id_twice": Case(FULL, "2 times", edit=same_grade_id),
    "strange_values": Case(NONE, "missing from the file", edit=strange_values),
    "pasted_twice": Case(FULL, "2 times", edit=paste_everything),
    "tests_deleted": Case(FULL, "", edit=delete_tests),
    "tests_retyped": Case(FULL, "", edit=retype("test_double", "test_half")),
    "answer_retyped": Case(FULL, "run as code", edit=retype("half")),
    "answer_deleted": Case((1.0, 0.0, None), "missing from the file: half", edit=delete_answer),
    "cheat": Case((1.0, 0.0, None), "0 / 2 points", edit=cheat),
    "renamed": Case(
        FULL,
        "« n (1).ipynb » was taken as n.ipynb",
        folder=lambda path, right: path.with_name("n (1).ipynb").write_bytes(right),
    ),
    "two_files": Case(
        FULL,
        "« n final.ipynb » was taken as n.ipynb",
        folder=lambda path, right: (
            path.write_bytes(b""),
            path.with_name("n final.ipynb").write_bytes(right),
        ),
    ),
    "draft_beside": Case(
        FULL,
        "were not graded: draft.ipynb",
        folder=lambda path, right: (
            path.write_bytes(right),
            path.with_name("draft.ipynb").write_bytes(right.replace(b"0.5", b"2")),
        ),
    ),
    "unrecognisable": Case(
        NONE,
        "« thing.ipynb » was taken as n.ipynb",
        folder=lambda path, _: path.with_name("thing.ipynb").write_bytes(b"\x00\x01\x02"),
    ),
    "link": Case(NONE, "is not a file", folder=lambda path, _: path.symlink_to("/etc/passwd")),
    "pipe": Case(NONE, "is not a file", folder=lambda path, _: os.mkfifo(path)),
    "folder": Case(NONE, "is not a file", folder=lambda path, _: path.mkdir()),
}


@pytest.fixture(scope="module")
def class_(tmp_path_factory: pytest.TempPathFactory) -> sc.SmallCourse:
    made = sc.make_course(
        tmp_path_factory.mktemp("broken") / "course",
        notebooks={"n": cells()},
        options="prove=False,",
        config=f'c.NbJudge.limits["upload_bytes"] = {UPLOAD_BYTES}',
        gradebook=True,
    )
    for name, case in CASES.items():
        case.submit(made, name)
    # A file that students should never see, through a link beside a good notebook.
    secret = made.root / "secret.txt"
    secret.write_text("the teacher's secret\n", "utf-8")
    (made.root / "submitted" / "right" / sc.NAME / "notes.txt").symlink_to(secret)
    return made


@pytest.fixture(scope="module")
def by_nbgrader(class_: sc.SmallCourse) -> dict[str, Any]:
    """Return gradebook and files after ``nbgrader autograde``, and take them away."""
    sc.plain_autograde(class_)
    return _taken(class_, "theirs")


@pytest.fixture(scope="module")
def report(class_: sc.SmallCourse, by_nbgrader: dict[str, Any]) -> ClassReport:
    return grade_class(class_.course, sc.NAME, workers=2)


@pytest.fixture(scope="module")
def by_nbjudge(class_: sc.SmallCourse, report: ClassReport) -> dict[str, Any]:
    return _taken(class_, "ours")


def _taken(made: sc.SmallCourse, name: str) -> dict[str, Any]:
    state = {
        "gradebook": sc.gradebook_of(made),
        "files": sc.files_below(made.root / "autograded"),
    }
    (made.root / "autograded").rename(made.root / name)
    (made.root / "gradebook.db").rename(made.root / f"{name}.db")
    return state


def points(state: dict[str, Any], student: str) -> tuple[float | None, ...]:
    rows = state["gradebook"][student]
    return tuple(rows[f"n: {name}"][0] for name in ("test_double", "test_half", "essay"))


def what_is_read(state: dict[str, Any], student: str) -> str:
    """Return all sentences of a graded notebook."""
    document = json.loads(state["files"][f"{student}/{sc.NAME}/n.ipynb"])
    lines = list(document["metadata"]["nbjudge"]["notes"])
    for cell in document["cells"]:
        lines.append(cell["metadata"].get("nbjudge", {}).get("message", ""))
        for output in cell.get("outputs", ()):
            lines += output.get("text", ())
    return "\n".join(lines)


def test_everybody_is_graded(report: ClassReport) -> None:
    assert report.failed == {}
    assert report.graded == sorted(CASES)


@pytest.mark.parametrize("student", CASES)
def test_each_file_earns_what_it_deserves(by_nbjudge: dict[str, Any], student: str) -> None:
    assert points(by_nbjudge, student) == CASES[student].points


@pytest.mark.parametrize("student", CASES)
def test_each_file_gets_its_sentence(by_nbjudge: dict[str, Any], student: str) -> None:
    assert CASES[student].sentence in what_is_read(by_nbjudge, student)


@pytest.mark.parametrize("student", CASES)
def test_each_question_that_lost_points_says_why(by_nbjudge: dict[str, Any], student: str) -> None:
    document = json.loads(by_nbjudge["files"][f"{student}/{sc.NAME}/n.ipynb"])
    verdicts = [c["metadata"]["nbjudge"] for c in document["cells"] if "nbjudge" in c["metadata"]]
    assert [verdict["max_points"] for verdict in verdicts] == [1.0, 2.0, 1.0]
    assert all(v["message"] for v in verdicts if v["points"] != v["max_points"])


@pytest.mark.parametrize("student", CASES)
def test_plain_nbgrader_gives_the_same(
    by_nbgrader: dict[str, Any], by_nbjudge: dict[str, Any], student: str
) -> None:
    assert by_nbgrader["gradebook"][student] == by_nbjudge["gradebook"][student]
    name = f"{student}/{sc.NAME}/n.ipynb"
    assert by_nbgrader["files"][name] == by_nbjudge["files"][name]


def test_plain_nbgrader_would_have_seen_them_all(report: ClassReport) -> None:
    assert report.unseen == []


def test_nothing_is_read_through_a_link(
    by_nbgrader: dict[str, Any], by_nbjudge: dict[str, Any]
) -> None:
    for state in (by_nbgrader, by_nbjudge):
        names = [name for name in state["files"] if name.startswith("right/")]
        assert names == [f"right/{sc.NAME}/n.ipynb"]
        everything = b"".join(state["files"].values())
        assert b"root:" not in everything
        assert b"secret" not in everything
