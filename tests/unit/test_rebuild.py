"""The notebook that runs is the instructor's, with the student's answers in it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.limits import MIB, Limits
from nbjudge.rebuild import MAX_EXTRA_CELLS, rebuild, recognise, same

LIMITS = Limits(upload_bytes=8 * MIB)

STUB = "raise NotImplementedError()  # VOTRE RÉPONSE ICI"


def origin(name, kind, source, release=None, cell_type="code", grade_id="same", **more):
    return SourceCell(
        cell_id=f"id-{name}",
        kind=kind,
        cell_type=cell_type,
        source=source,
        release_source=source if release is None else release,
        grade_id=name if grade_id == "same" else grade_id,
        **more,
    )


TITLE = origin("title", Kind.TEXT, "# TP", cell_type="markdown", grade_id=None)
GIVEN = origin("given", Kind.GIVEN, "import math\nn = 3", grade_id=None)
Q1 = origin("q1", Kind.ANSWER, "def f(x):\n    return x", f"def f(x):\n    {STUB}")
T1 = origin("t1", Kind.TEST, "assert f(1) == 1\nassert f(2) == 2\nsecret",
            "assert f(1) == 1\nassert f(2) == 2", points=2.0, locked=True)  # fmt: skip
LOCKED = origin("locked", Kind.GIVEN, "data = [1, 2]", locked=True)
Q2 = origin("q2", Kind.ANSWER, "mu = 1.5\nvar = 2", f"mu = None\nvar = None\n{STUB}")
T2 = origin("t2", Kind.TEST, "assert mu > 0", points=1.0)
M1 = origin("m1", Kind.MANUAL, "Parce que.", "*Votre réponse ici.*", "markdown", points=3.0)
END = origin("end", Kind.TEXT, "Fin.", cell_type="markdown", grade_id=None)
SOURCE = SourceNotebook(name="tp1", cells=(TITLE, GIVEN, Q1, T1, LOCKED, Q2, T2, M1, END))

ANSWERS = {"q1": "def f(x):\n    return 2 * x", "q2": "mu = 7\nvar = 8", "m1": "Ma raison."}


def uploaded(cell, source=None, **more):
    """A cell as the release gave it, with the answer or any other source in it."""
    metadata = {}
    if cell.grade_id:
        metadata["nbgrader"] = {
            "grade_id": cell.grade_id, "grade": cell.kind is Kind.TEST, "points": cell.points,
            "solution": cell.is_students, "locked": cell.locked, "schema_version": 3,
        }  # fmt: skip
    if source is None:
        source = ANSWERS.get(cell.grade_id, cell.release_source)
    data = {"cell_type": cell.cell_type, "id": cell.cell_id, "metadata": metadata, "source": source}
    return data | more


def own(source, cell_type="code"):
    return {"cell_type": cell_type, "metadata": {}, "source": source}


def handed_in(cells=None, **document):
    cells = [uploaded(c) for c in SOURCE.cells] if cells is None else cells
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | document
    return rebuild(json.dumps(data).encode(), SOURCE, LIMITS)


def changed(**by_name):
    """The full upload, with other cells in the place of some; a list may hold none or many."""
    cells = []
    for cell in SOURCE.cells:
        name = cell.cell_id.removeprefix("id-")
        new = by_name.get(name, uploaded(cell))
        cells += new if isinstance(new, list) else [new]
    return cells


def names(rebuilt):
    """Origins in order; own cells by their first line, behind a +."""
    return [
        c.origin.cell_id.removeprefix("id-") if c.origin else "+" + c.source.split("\n")[0]
        for c in rebuilt.cells
    ]


def answer(rebuilt, name):
    (found,) = [c for c in rebuilt.cells if c.origin and c.origin.cell_id == f"id-{name}"]
    return found


ALL = ["title", "given", "q1", "t1", "locked", "q2", "t2", "m1", "end"]


def is_complete(rebuilt):
    """The instructor's cells are all there, once, in order, and only answers differ."""
    assert rebuilt.readable
    assert [n for n in names(rebuilt) if not n.startswith("+")] == ALL
    for cell in rebuilt.cells:
        if cell.origin is not None:
            assert cell.cell_type == cell.origin.cell_type
            if not cell.origin.is_students:
                assert cell.source == cell.origin.release_source
                assert not cell.answered
    return True


def test_an_honest_upload_gives_its_answers_and_no_word():
    rebuilt = handed_in()
    assert is_complete(rebuilt)
    assert names(rebuilt) == ALL
    for name, text in ANSWERS.items():
        assert answer(rebuilt, name).source == text
        assert answer(rebuilt, name).answered
        assert not answer(rebuilt, name).missing
    assert rebuilt.notes == rebuilt.log == ()


def test_an_untouched_release_answers_nothing():
    rebuilt = handed_in([uploaded(c, c.release_source) for c in SOURCE.cells])
    assert is_complete(rebuilt)
    assert not any(c.answered or c.missing for c in rebuilt.cells)


@pytest.mark.parametrize("source", ["", " \n\t", Q1.release_source + "  \n\n"])
def test_an_empty_answer_or_one_with_other_white_space_is_none(source):
    rebuilt = handed_in(changed(q1=uploaded(Q1, source)))
    assert not answer(rebuilt, "q1").answered
    assert not answer(rebuilt, "q1").missing


# What of an upload counts for nothing.


def test_tags_points_locks_and_types_of_the_upload_count_for_nothing():
    cells = []
    for cell in SOURCE.cells:
        data = uploaded(cell)
        data["metadata"]["tags"] = ["skip-execution", "nbjudge-inside", "raises-exception"]
        data["metadata"]["deletable"] = data["metadata"]["editable"] = True
        if cell.grade_id:
            data["metadata"]["nbgrader"] |= {
                "points": 1000, "grade": True, "locked": False, "solution": True, "task": True,
                "schema_version": 99, "checksum": "x", "cell_type": "raw",
            }  # fmt: skip
        cells.append(data)
    kernelspec = {"name": "evil", "display_name": "Evil", "language": "bash"}
    rebuilt = handed_in(cells, metadata={"kernelspec": kernelspec, "language_info": {"name": "R"}})
    assert rebuilt == handed_in()


@pytest.mark.parametrize("text", ["pass", "", "assert True", T1.release_source + "\nassert True",
                                  "assert f(1) == 1"])  # fmt: skip
def test_an_edited_test_is_replaced_by_the_instructors(text):
    rebuilt = handed_in(changed(t1=uploaded(T1, text)))
    assert is_complete(rebuilt)
    assert answer(rebuilt, "t1").source == T1.release_source


def test_a_test_turned_into_text_is_code_again():
    for kind in ("markdown", "raw"):
        assert names(handed_in(changed(t1=uploaded(T1, cell_type=kind)))) == ALL


def test_an_edited_given_cell_runs_after_the_instructors():
    rebuilt = handed_in(changed(given=uploaded(GIVEN, "import math, os\nn = 3")))
    assert is_complete(rebuilt)
    assert names(rebuilt)[1:3] == ["given", "+import math, os"]


def test_an_edited_text_of_the_instructor_is_the_instructors():
    assert names(handed_in(changed(title=uploaded(TITLE, "# Moi")))) == ALL


def test_pasted_tests_run_once():
    copies = [uploaded(T1), own(T1.release_source), uploaded(T1, T1.release_source + "\n")]
    assert names(handed_in(changed(t1=copies))) == ALL


def test_cells_deleted_by_the_student_are_there_again():
    rebuilt = handed_in(changed(title=[], given=[], t1=[], locked=[], t2=[], end=[]))
    assert is_complete(rebuilt)
    assert names(rebuilt) == ALL
    assert answer(rebuilt, "q2").source == ANSWERS["q2"]


def test_reordered_cells_are_in_order_again():
    rebuilt = handed_in([uploaded(c) for c in reversed(SOURCE.cells)])
    assert is_complete(rebuilt)
    assert names(rebuilt) == ALL
    assert answer(rebuilt, "q1").source == ANSWERS["q1"]


# The student's own cells.


def test_own_cells_stay_where_they_were():
    cells = changed(
        title=[own("first"), uploaded(TITLE)],
        q1=[own("before = 1"), uploaded(Q1), own("after = 1"), own("note", "markdown")],
        end=[uploaded(END), own("last", "raw")],
    )
    rebuilt = handed_in(cells)
    assert is_complete(rebuilt)
    assert names(rebuilt) == [
        "+first", "title", "given", "+before = 1", "q1", "+after = 1", "+note", "t1", "locked",
        "q2", "t2", "m1", "end", "+last",
    ]  # fmt: skip
    assert [c.cell_type for c in rebuilt.cells if c.origin is None] == [
        "code", "code", "code", "markdown", "raw",
    ]  # fmt: skip


def test_empty_own_cells_are_dropped():
    assert names(handed_in(changed(q1=[own(""), uploaded(Q1), own(" \n")]))) == ALL


def test_too_many_own_cells_are_cut_with_a_word():
    rebuilt = handed_in(changed(end=[own(f"x = {i}") for i in range(MAX_EXTRA_CELLS + 3)]))
    assert len(rebuilt.cells) == len(ALL) + MAX_EXTRA_CELLS
    assert any(str(MAX_EXTRA_CELLS) in note for note in rebuilt.notes)


# Answers that are not where they should be.


def test_a_deleted_answer_is_said_to_be_missing():
    rebuilt = handed_in(changed(q1=[], m1=[]))
    assert is_complete(rebuilt)
    for name, cell in (("q1", Q1), ("m1", M1)):
        assert answer(rebuilt, name).missing
        assert not answer(rebuilt, name).answered
        assert answer(rebuilt, name).source == cell.release_source
    assert rebuilt.notes == ("Cells for answers are missing from the file: q1, m1.",)


def test_an_answer_split_in_two_runs_in_the_order_of_its_parts():
    # Jupyter gives both halves the same metadata.
    halves = [uploaded(Q1, "def g(x):\n    return 2"), uploaded(Q1, "def f(x):\n    return g(x)")]
    rebuilt = handed_in(changed(q1=halves))
    assert is_complete(rebuilt)
    assert names(rebuilt)[2:4] == ["+def g(x):", "q1"]
    assert answer(rebuilt, "q1").source == halves[1]["source"]
    assert any("q1 is there 2 times" in note for note in rebuilt.notes)


def test_of_two_answers_the_last_one_is_the_last_to_run():
    copies = [uploaded(Q1, "def f(x): return 1"), own("k = 1"), uploaded(Q1, "def f(x): return 2")]
    rebuilt = handed_in(changed(q1=copies))
    assert names(rebuilt)[1:5] == ["given", "+def f(x): return 1", "+k = 1", "q1"]
    assert answer(rebuilt, "q1").source == "def f(x): return 2"


@pytest.mark.parametrize("late", ["", Q1.release_source])
def test_a_later_copy_that_says_nothing_does_not_take_the_answer_away(late):
    rebuilt = handed_in(changed(end=[uploaded(END), uploaded(Q1, late)]))
    assert names(rebuilt) == ALL
    assert answer(rebuilt, "q1").source == ANSWERS["q1"]
    assert rebuilt.notes == ()


def test_an_answer_turned_into_text_runs_as_code():
    for kind in ("markdown", "raw"):
        rebuilt = handed_in(changed(q1=uploaded(Q1, cell_type=kind)))
        assert is_complete(rebuilt)
        assert answer(rebuilt, "q1").source == ANSWERS["q1"]
        assert any("q1 had been changed to a text cell" in note for note in rebuilt.notes)


def test_a_written_answer_turned_into_code_is_shown_as_text():
    rebuilt = handed_in(changed(m1=uploaded(M1, cell_type="code")))
    assert is_complete(rebuilt)
    assert answer(rebuilt, "m1").source == ANSWERS["m1"]


def stripped(cell, source=None, *, keep_id=False):
    """A cell whose metadata a tool has thrown away."""
    data = uploaded(cell, source)
    data["metadata"] = {"id": "abcDEF123"}
    if not keep_id:
        del data["id"]
    return data


def test_answers_are_found_by_the_ids_of_their_cells():
    rebuilt = handed_in([stripped(c, keep_id=True) for c in SOURCE.cells])
    assert is_complete(rebuilt)
    assert names(rebuilt) == ALL
    assert [answer(rebuilt, n).source for n in ANSWERS] == list(ANSWERS.values())
    assert rebuilt.notes == ()


def test_answers_without_any_metadata_are_found_by_names_and_place():
    rebuilt = handed_in([stripped(c) for c in SOURCE.cells])
    assert is_complete(rebuilt)
    assert names(rebuilt) == ALL
    assert [answer(rebuilt, n).source for n in ANSWERS] == list(ANSWERS.values())
    assert all(answer(rebuilt, n).answered for n in ANSWERS)
    assert rebuilt.notes == (
        "q1: the answer was found by the names that it defines.",
        "q2: the answer was found by the names that it defines.",
        "m1: the answer was found by its place.",
    )


def test_an_answer_that_binds_other_names_is_found_by_its_place():
    cells = [stripped(c, "x = 3" if c is Q2 else None) for c in SOURCE.cells]
    rebuilt = handed_in(cells)
    assert names(rebuilt) == ALL
    assert answer(rebuilt, "q2").source == "x = 3"


def test_the_answer_that_binds_most_is_matched_first():
    both = SourceNotebook(
        name="tp",
        cells=(
            origin("one", Kind.ANSWER, "", f"def f():\n    {STUB}"),
            origin("two", Kind.ANSWER, "", f"def f():\n    {STUB}\ndef g():\n    {STUB}"),
        ),
    )
    cells = [own("def f(): return 1"), own("def f(): return 2\ndef g(): return f()")]
    rebuilt = rebuild(json.dumps({"cells": cells}).encode(), both, LIMITS)
    assert [c.source for c in rebuilt.cells] == [c["source"] for c in cells]
    assert [c.origin.grade_id for c in rebuilt.cells] == ["one", "two"]


def test_the_stub_of_an_answer_merged_into_another_does_not_undo_it():
    merged = ANSWERS["q1"] + "\n" + ANSWERS["q2"]
    rebuilt = handed_in(changed(q1=uploaded(Q1, merged), q2=[]))
    assert is_complete(rebuilt)
    assert answer(rebuilt, "q1").source == merged
    assert answer(rebuilt, "q2").source == ""
    assert answer(rebuilt, "q2").missing
    assert rebuilt.notes == ("Cells for answers are missing from the file: q2.",)


def test_an_answer_whose_stub_is_no_python_is_found_by_the_names_of_the_solution():
    unfinished = SourceNotebook(
        name="tp",
        cells=(
            origin("a", Kind.ANSWER, "def f(x):\n    return x\nhelper = 1", "def f(x):\n    # ici"),
            origin("b", Kind.ANSWER, "mu = 3", "mu = # ici"),
        ),
    )
    cells = [own("mu = 4"), own("x = 1"), own("def f(y): return y")]
    rebuilt = rebuild(json.dumps({"cells": cells}).encode(), unfinished, LIMITS)
    assert [c.source for c in rebuilt.cells if c.answered] == ["def f(y): return y", "mu = 4"]


def test_answers_merged_without_metadata_are_not_undone_either():
    merged = ANSWERS["q1"] + "\n" + ANSWERS["q2"]
    cells = [stripped(c, merged if c is Q1 else None) for c in SOURCE.cells if c is not Q2]
    rebuilt = handed_in(cells)
    assert merged in [answer(rebuilt, "q1").source, answer(rebuilt, "q2").source]
    assert "raise" not in answer(rebuilt, "q1").source + answer(rebuilt, "q2").source


def test_a_grade_id_that_nobody_gave_is_an_own_cell():
    cell = uploaded(Q1, "hack = 1")
    cell["metadata"]["nbgrader"]["grade_id"] = "q99"
    cell["id"] = "unknown"
    rebuilt = handed_in(changed(end=[uploaded(END), cell]))
    assert is_complete(rebuilt)
    assert names(rebuilt)[-1] == "+hack = 1"


def test_leftovers_in_answers_and_own_cells_are_said_once():
    install = "!pip install x\n"
    rebuilt = handed_in(changed(q1=[own(install + "y = 1"), uploaded(Q1, install + ANSWERS["q1"])]))
    assert answer(rebuilt, "q1").source.endswith(ANSWERS["q1"])
    assert answer(rebuilt, "q1").repairs
    assert len(rebuilt.notes) == 1


def test_leftovers_in_a_text_are_text():
    rebuilt = handed_in(changed(m1=uploaded(M1, "!pip install x"), end=own("x.cuda()", "markdown")))
    assert answer(rebuilt, "m1").source == "!pip install x"
    assert rebuilt.cells[-2].source == "x.cuda()" or rebuilt.cells[-1].source == "x.cuda()"
    assert rebuilt.notes == ()


# Broken files: the reading is tested with the upload; here, that every one ends well.


@pytest.mark.parametrize(
    "data", [b"", b"not json", b"<html>", b"{}", b"[1]", b"\xff\xfe\x00", b"PK\x03\x04"]
)
def test_a_file_that_cannot_be_read_shows_the_release_and_says_why(data):
    rebuilt = rebuild(data, SOURCE, LIMITS)
    assert not rebuilt.readable
    assert names(rebuilt) == ALL
    assert len(rebuilt.notes) == 1
    for cell in rebuilt.cells:
        assert cell.source == cell.origin.release_source
        assert cell.missing == cell.origin.is_students
        assert not cell.answered


def test_a_truncated_file_keeps_the_answers_before_the_cut():
    data = json.dumps({"cells": [uploaded(c) for c in SOURCE.cells]}).encode()
    rebuilt = rebuild(data[: data.index(b"id-q2")], SOURCE, LIMITS)
    assert is_complete(rebuilt)
    assert answer(rebuilt, "q1").source == ANSWERS["q1"]
    assert answer(rebuilt, "q2").missing
    assert "damaged" in rebuilt.notes[0]
    assert rebuilt.notes[1] == "Cells for answers are missing from the file: q2, m1."


def test_an_old_notebook_keeps_its_answers():
    cells = [uploaded(c) for c in SOURCE.cells]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    data = {"nbformat": 3, "worksheets": [{"cells": cells}]}
    rebuilt = rebuild(json.dumps(data).encode(), SOURCE, LIMITS)
    assert is_complete(rebuilt)
    assert [answer(rebuilt, n).source for n in ANSWERS] == list(ANSWERS.values())


def test_a_source_that_is_a_list_is_the_same_answer():
    rebuilt = handed_in(changed(q1=uploaded(Q1, ["def f(x):\n", "    return 2 * x"])))
    assert rebuilt == handed_in()


def test_code_nested_without_end_is_an_answer_like_any_other():
    for text in ("(" * 5000, "x = " + "-" * 50_000 + "1", "a" + ".b" * 50_000, "x=" + "1+" * 9999,
                 "files.upload()\ny = files.upload(" + "1+" * 3000 + "1)"):  # fmt: skip
        rebuilt = handed_in(changed(q1=uploaded(Q1, text), t1=[], given=[own(text)]))
        assert is_complete(rebuilt)
        assert answer(rebuilt, "q1").answered


scraps = st.one_of(
    st.sampled_from(SOURCE.cells).map(uploaded),
    st.sampled_from(SOURCE.cells).map(stripped),
    st.sampled_from(SOURCE.cells).map(lambda c: uploaded(c, "x = 1")),
    st.sampled_from(SOURCE.cells).map(lambda c: uploaded(c, cell_type="markdown")),
    st.sampled_from(["", "x = 1", "def f(x): return 3", "mu = 1", "%%bash\nls"]).map(own),
    st.sampled_from(["", "texte"]).map(lambda text: own(text, "markdown")),
)


@given(st.lists(scraps, max_size=15))
@settings(deadline=None)
def test_whatever_is_handed_in_the_instructors_cells_run_once_and_in_order(cells):
    rebuilt = handed_in(cells)
    assert is_complete(rebuilt)
    texts = {cell["source"] for cell in cells} | {""}
    for cell in rebuilt.cells:
        if cell.origin is None:
            assert cell.source in texts
        elif cell.origin.is_students:
            assert cell.source in texts | {cell.origin.release_source}
            assert not (cell.missing and cell.answered)


def test_the_same_text_is_the_same_whatever_white_space_ends_its_lines():
    assert same("a \nb\t\n\n", "\na\nb")
    assert not same("a\n b", "a\nb")


# Which notebook a file is a copy of.

OTHER = SourceNotebook(
    name="tp2",
    cells=(origin("q8", Kind.ANSWER, "z = 1", "z = None"), origin("t8", Kind.TEST, "assert z")),
)


def whose(cells, *notebooks):
    return recognise(json.dumps({"cells": cells}).encode(), notebooks or (OTHER, SOURCE), LIMITS)


def test_a_file_is_recognised_by_what_it_holds():
    assert whose([uploaded(c) for c in SOURCE.cells]) == "tp1"
    assert whose([uploaded(c) for c in OTHER.cells]) == "tp2"
    assert whose([stripped(c, keep_id=True) for c in SOURCE.cells]) == "tp1"
    assert whose([stripped(c, c.release_source) for c in SOURCE.cells]) == "tp1"
    assert whose([uploaded(c) for c in (Q1, T1, T2)]) == "tp1"


def test_a_file_that_could_be_any_is_not_recognised():
    assert whose([]) is None
    assert whose([own("x = 1")]) is None
    assert whose([uploaded(Q1), uploaded(T1)]) is None  # less than half
    assert whose([uploaded(c) for c in SOURCE.cells], SOURCE, SOURCE) is None
    assert recognise(b"<html>", (SOURCE,), LIMITS) is None
    assert recognise(b"", (SOURCE,), LIMITS) is None
