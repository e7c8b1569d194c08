"""The graded notebook: valid, whole for the instructor, marked with verdicts."""

from dataclasses import replace

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from nbjudge import i18n
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.document import build_document, document_id, verdict_text
from nbjudge.rebuild import RunCell
from nbjudge.verdict import Part, Status, Verdict


def source_cell(name, kind, cell_type, source, release_source, **more):
    """Return an instructor's cell; all but text has a grade id, which follows from its name."""
    return SourceCell(
        cell_id=name,
        kind=kind,
        cell_type=cell_type,
        source=source,
        release_source=release_source,
        grade_id=None if kind is Kind.TEXT else name.replace("-", "_"),
        **more,
    )


TEXT = source_cell("intro", Kind.TEXT, "markdown", "<b>Hi</b>", "Hi")
ANSWER = source_cell("q1", Kind.ANSWER, "code", "def f():\n    return 42", "def f(): ...")
TEST = source_cell(
    "test-q1",
    Kind.TEST,
    "code",
    "assert f() > 0\nassert f() == 42",
    "assert f() > 0",
    points=2.0,
    locked=True,
    hidden_lines=frozenset({2}),
)
ESSAY = source_cell("essay", Kind.MANUAL, "markdown", "Because.", "Answer here.", points=1.0)
NOTE = source_cell("note", Kind.ANSWER, "markdown", "", "")
TASK = source_cell("task", Kind.TASK, "markdown", "Do it.", "Do it.", points=3.0, locked=True)
CELLS = (TEXT, ANSWER, TEST, ESSAY, NOTE, TASK)
SOURCE = SourceNotebook(
    name="nb", cells=CELLS, kernelspec={"name": "python3", "display_name": "Python 3"}
)
FAILED = Verdict(
    grade_id="test_q1",
    status=Status.PARTIAL,
    points=0.5,
    max_points=2.0,
    message="Something is wrong.",
    detail="expected 42, got 41",
    parts=(
        Part(what="the sign", points=0.5, max_points=0.5),
        Part(what="the size", points=0.0, max_points=1.5, message="The size: too small."),
    ),
)


def run(origin, source="", cell_type="code", repairs=()):
    return RunCell(
        origin=origin,
        cell_type=origin.cell_type if origin else cell_type,
        source=source or (origin.release_source if origin else ""),
        repairs=repairs,
    )


def built(*cells, outputs=None, verdicts=(), notes=(), source=SOURCE):
    return build_document(
        source,
        cells or tuple(run(cell) for cell in CELLS),
        outputs or {},
        {},
        {verdict.grade_id: verdict for verdict in verdicts},
        notes,
    )


def cell_of(document, name):
    (found,) = [cell for cell in document["cells"] if cell["id"] == name]
    return found


def test_it_is_a_valid_notebook_for_jupyter_and_nbgrader():
    document = built(
        *(run(cell) for cell in CELLS), run(None, "x = 1"), run(None, "raw", "raw"),
        run(None, "?", "heading"), verdicts=[FAILED], notes=["A note."],
    )  # fmt: skip
    made = nbformat.from_dict(document)
    nbformat.validate(made)
    MetadataValidator().validate_nb(made)
    assert document["metadata"]["nbjudge"] == {"notes": ["A note."]}
    assert document["metadata"]["kernelspec"] == {"name": "python3", "display_name": "Python 3"}


def test_a_test_cell_is_whole_and_ends_with_its_verdict():
    seen = {"output_type": "stream", "name": "stdout", "text": "seen\n"}
    cell = cell_of(built(outputs={2: [seen]}, verdicts=[FAILED]), "test-q1")
    assert cell["source"] == TEST.source
    assert cell["outputs"][0] == seen
    assert cell["outputs"][1]["text"] == (
        "0.5 / 2 points\nSomething is wrong.\n"
        "- the sign: 0.5 / 0.5\n- the size: 0 / 1.5. The size: too small.\n"
    )


def test_a_sentence_with_a_students_words_in_it_is_inert():
    verdict = replace(FAILED, message="f raised \x1b]0;x\x07\ud800", parts=())
    cell = cell_of(built(verdicts=[verdict]), "test-q1")
    assert cell["outputs"][-1]["text"] == "0.5 / 2 points\nf raised \ufffd]0;x\x07\ufffd\n"


def test_the_verdict_is_kept_as_data_without_details():
    data = cell_of(built(verdicts=[FAILED]), "test-q1")["metadata"]["nbjudge"]
    assert data["status"] == "partial"
    assert (data["points"], data["max_points"]) == (0.5, 2.0)
    assert data["parts"][1] == {
        "what": "the size",
        "points": 0.0,
        "max_points": 1.5,
        "message": "The size: too small.",
    }
    assert "42" not in str(data)


def test_an_answer_is_the_students_and_its_outputs_are_inert():
    outputs = {
        1: [{"output_type": "display_data", "data": {"text/html": "<b>", "text/plain": "x"}}]
    }
    cell = cell_of(
        built(
            *(run(c, "def f(): return 1" if c is ANSWER else "") for c in CELLS), outputs=outputs
        ),
        "q1",
    )
    assert cell["source"] == "def f(): return 1"
    assert cell["outputs"] == [
        {"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}
    ]
    assert "nbjudge" not in cell["metadata"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("q1", {"grade": False, "solution": True, "task": False, "locked": False}),
        ("test-q1", {"grade": True, "solution": False, "locked": True, "points": 2.0}),
        ("essay", {"grade": True, "solution": True, "points": 1.0}),
        ("note", {"grade": True, "solution": True, "points": 0.0}),
        ("task", {"grade": False, "solution": False, "task": True, "points": 3.0}),
    ],
)
def test_nbgraders_metadata_is_the_instructors(name, expected):
    data = cell_of(built(), name)["metadata"]["nbgrader"]
    assert expected.items() <= data.items()
    assert ("points" in data) == ("points" in expected)


def test_text_of_students_is_inert_and_text_of_the_instructor_is_not_touched():
    document = built(
        run(TEXT, "<b>Hi</b>"), run(ESSAY, "<b>x</b>"), run(None, "<i>y</i>", "markdown")
    )
    texts = [cell["source"] for cell in document["cells"]]
    assert texts == ["<b>Hi</b>", "<\u2063b>x<\u2063/b>", "<\u2063i>y<\u2063/i>"]


def test_no_added_cell_can_pass_for_one_of_the_instructors():
    taken = source_cell("extra-0", Kind.TEXT, "markdown", "", "")
    source = SourceNotebook(name="nb", cells=(taken,))
    document = built(run(None, "a"), run(taken, "b"), run(None, "c"), source=source)
    names = [cell["id"] for cell in document["cells"]]
    assert names[1] == "extra-0"
    assert len(set(names)) == 3


@pytest.mark.parametrize("wild", ["a b", "é", "x" * 80, "", "a/b"])
def test_ids_are_those_of_the_format(wild):
    source = source_cell(wild, Kind.TEXT, "markdown", "", "")
    document = built(
        run(source), run(None, "x"), source=SourceNotebook(name="nb", cells=(source, source))
    )
    assert document["cells"][0]["id"] == document_id(wild)
    nbformat.validate(nbformat.from_dict(document))


def test_repairs_are_told_beside_the_cell():
    document = built(run(ANSWER, "x", repairs=("A line was not run.",)), run(TEST))
    notes = [cell["metadata"].get("nbjudge_notes") for cell in document["cells"]]
    assert notes == [["A line was not run."], None]


def test_a_verdict_that_waits_says_so():
    waiting = Verdict(grade_id="essay", status=Status.MANUAL, points=None, max_points=1.5)
    assert verdict_text(waiting) == "To be graded by hand, out of 1.5."
    i18n.use_language("fr")
    try:
        assert verdict_text(waiting) == "À corriger à la main, sur 1,5."
        assert verdict_text(FAILED).splitlines()[0] == "Points\N{NO-BREAK SPACE}: 0,5 / 2"
    finally:
        i18n.use_language("en")
