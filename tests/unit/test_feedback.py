"""What a student is told: points, reasons, their own words; nothing that is hidden."""

from types import SimpleNamespace

import pytest
from nbformat import from_dict

from nbjudge import feedback, i18n
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.feedback import Graded, labels, page, summary


def source_cell(name, kind, cell_type="code", source="", release="", points=0.0):
    return SourceCell(
        cell_id=name,
        kind=kind,
        cell_type=cell_type,
        source=source,
        release_source=release or source,
        grade_id=None if kind is Kind.TEXT else name,
        points=points,
    )


SOURCE = SourceNotebook(
    name="nb",
    cells=(
        source_cell("title", Kind.TEXT, "markdown", "# TP 1: *les* carrés\n\nBienvenue."),
        source_cell("q", Kind.TEXT, "markdown", "## Question 1 (2 points) : le carré\n\n<i>x</i>"),
        source_cell("setup", Kind.GIVEN, source="import numpy"),
        source_cell("f", Kind.ANSWER, source="def f(x):\n    return x**2", release="# f"),
        source_cell("t", Kind.TEST, source="visible()\nsecret_42()", release="visible()", points=2),
        source_cell("e", Kind.MANUAL, "markdown", "Modèle.", "Répondez ici.", points=1),
        source_cell("w", Kind.ANSWER, "markdown", "", ""),
    ),
)
PASSED = {"status": "passed", "points": 2.0, "max_points": 2.0, "message": "", "parts": []}
WAITING = {
    "status": "manual", "points": None, "max_points": 1.0,
    "message": "To be graded by hand.", "parts": [],
}  # fmt: skip


def part(what, points, maximum, message=""):
    return {"what": what, "points": points, "max_points": maximum, "message": message}


def graded_cell(name, *, score=None, verdict=None, comment=None, source=None, outputs=(), **extra):
    (origin,) = [cell for cell in SOURCE.cells if cell.cell_id == name]
    meta = {}
    if origin.grade_id:
        meta["nbgrader"] = {
            "grade_id": name,
            "grade": origin.kind in (Kind.TEST, Kind.MANUAL) or name == "w",
            "solution": origin.is_students,
            "task": False,
        }
        if origin.points:
            meta["nbgrader"] |= {"score": score, "points": origin.points}
        if comment:
            meta["nbgrader"]["comment"] = comment
    if verdict:
        meta["nbjudge"] = verdict
    cell = {
        "id": name, "cell_type": origin.cell_type, "metadata": meta | extra,
        "source": origin.source if source is None else source,
    }  # fmt: skip
    if origin.cell_type == "code":
        cell["outputs"] = list(outputs)
    return cell


def extra_cell(source, cell_type="code", outputs=()):
    cell = {"id": "extra-9", "cell_type": cell_type, "metadata": {}, "source": source}
    return cell | ({"outputs": list(outputs)} if cell_type == "code" else {})


def graded(*cells, **fields):
    fields = {"by_hand": frozenset(), "source": SOURCE, "score": 2.0, "max_score": 3.0} | fields
    return Graded(
        assignment="tp1",
        student="lea",
        name="nb",
        cells=[from_dict(cell) for cell in cells],
        **fields,
    )


def entry(*, score, verdict, by_hand=(), name="t"):
    (made,) = summary(
        graded(graded_cell(name, score=score, verdict=verdict), by_hand=frozenset(by_hand))
    )
    return made


def test_what_to_look_at_again_begins_where_most_points_were_lost():
    lost = {"full": 0.0, "a little": 0.25, "everything": 3.0, "half": 1.0}
    entries = [
        {"id": name, "lost": points, "state": "part" if points else "full"}
        for name, points in lost.items()
    ] + [{"id": "unread", "lost": 4.0, "state": "wait"}]
    again = feedback._to_look_at_again(entries)
    assert [entry["id"] for entry in again] == ["everything", "half", "a little"]
    many = [{"id": str(n), "lost": 1.0, "state": "none"} for n in range(9)]
    assert [entry["id"] for entry in feedback._to_look_at_again(many)] == list("01234")
    assert page(graded(graded_cell("t", score=2.0, verdict=PASSED)))["again"] == []


@pytest.fixture
def french():
    i18n.use_language("fr")
    yield
    i18n.use_language("en")


# The table.


def test_a_question_has_its_title_points_and_state():
    made = entry(score=2.0, verdict=PASSED)
    assert made["name_html"] == "Question 1a"
    assert made["topic_html"] == "Le carré"
    assert (made["score"], made["points"], made["state"]) == ("2", "2", "full")
    assert (made["message"], made["parts"]) == ("", [])


@pytest.mark.parametrize(
    ("score", "state"), [(0.0, "none"), (0.5, "part"), (2.0, "full"), (2.5, "full")]
)
def test_the_state_follows_the_points(score, state):
    assert entry(score=score, verdict=PASSED | {"points": score})["state"] == state


def test_parts_do_not_say_again_what_stands_before_them():
    verdict = PASSED | {
        "points": 0.5,
        "message": "The kernel stopped.",
        "parts": [
            part("the mean", 0.5, 0.5),
            part("the spread", 0.0, 1.0, "The spread: the sign is reversed."),
            part("the rest", 0.0, 0.25, "not reached, an earlier check failed"),
            part("the end", 0.0, 0.25, "The kernel stopped."),
            part("the name", 0.0, 0.25, "x_min is not defined."),
        ],
    }
    made = entry(score=0.5, verdict=verdict)
    assert made["message"] == "The kernel stopped."
    assert [(p["what"], p["score"], p["state"], p["message"]) for p in made["parts"]] == [
        ("The mean", "0.5", "full", ""),
        ("The spread", "0", "none", "The sign is reversed."),
        ("The rest", "0", "none", "Not reached, an earlier check failed."),
        ("The end", "0", "none", ""),
        ("The name", "0", "none", "x_min is not defined."),
    ]


@pytest.mark.usefixtures("french")
def test_parts_and_numbers_are_french_in_a_french_course():
    message = "La moyenne\N{NO-BREAK SPACE}: le signe est inversé."
    verdict = PASSED | {"points": 0.5, "parts": [part("la moyenne", 0.5, 2.0, message)]}
    made = entry(score=0.5, verdict=verdict)
    assert made["score"] == "0,5"
    assert made["parts"][0]["message"] == "Le signe est inversé."


def test_a_complaint_that_cost_nothing_says_so():
    made = entry(score=2.0, verdict=PASSED | {"message": "A visible check does not hold: x"})
    assert made["message"] == "This takes no point away. A visible check does not hold: x"


def test_points_of_a_person_come_without_the_words_of_the_tests():
    verdict = PASSED | {"points": 0.0, "message": "Wrong.", "parts": [part("x", 0, 2, "Wrong.")]}
    made = entry(score=1.5, verdict=verdict)
    assert (made["score"], made["state"]) == ("1.5", "part")
    assert (made["message"], made["parts"]) == ("Points given by a grader.", [])


def test_what_waits_for_a_person_has_no_points_yet():
    made = entry(score=0.0, verdict=WAITING, by_hand={"e"}, name="e")
    assert (made["score"], made["state"]) == ("–", "wait")
    assert made["message"] == "To be graded by hand."


@pytest.mark.parametrize("score", [0.0, 0.75])
def test_what_a_person_has_graded_does_not_wait(score):
    made = entry(score=score, verdict=WAITING, name="e")
    assert made["score"] == f"{score:g}"
    assert made["message"] == "Points given by a grader."


def test_a_cell_graded_without_nbjudge_is_there_with_its_points():
    made = entry(score=1.0, verdict=None)
    assert (made["score"], made["state"], made["message"]) == ("1", "part", "")


def test_an_answer_that_is_read_and_not_graded_is_no_question():
    assert summary(graded(graded_cell("w"), graded_cell("setup"))) == []


def test_a_question_that_is_gone_from_the_source_keeps_its_id_as_a_name():
    (made,) = summary(graded(graded_cell("t", score=2.0, verdict=PASSED), source=None))
    assert made["name_html"] == "t"


# The page.


def shown(*cells, **fields):
    return page(graded(*cells, **fields))["cells"]


def test_the_page_says_who_what_and_how_much():
    made = page(
        graded(
            graded_cell("t", score=2.0, verdict=PASSED),
            by_hand=frozenset({"e"}),
            late_penalty=0.25,
            score=1.75,
            notes=["the file is damaged.", "x_min ended."],
        )
    )
    assert made["heading"] == "TP 1: les carrés"
    assert (made["assignment"], made["student"], made["language"]) == ("tp1", "lea", "en")
    assert (made["total"], made["maximum"], made["percent"]) == ("1.75", "3", 58)
    assert made["late_penalty"] == "0.25"
    assert made["provisional"]
    assert made["notes"] == ["The file is damaged.", "x_min ended."]


def test_without_a_penalty_there_is_none_and_nothing_is_divided_by_zero():
    made = page(graded(score=0.0, max_score=0.0, source=None))
    assert (made["late_penalty"], made["percent"], made["heading"]) == ("", 0, "tp1 · nb")
    assert page(graded(score=5.0))["percent"] == 100


def test_a_test_shows_its_visible_part_and_no_output():
    output = {"output_type": "stream", "name": "stdout", "text": "secret_42"}
    (made,) = shown(graded_cell("t", score=2.0, verdict=PASSED, outputs=[output]))
    assert made["role"] == "test"
    assert "visible" in made["html"]
    assert "secret" not in str(made)
    assert made["verdict"]["anchor"] == "question-1"


def test_a_test_that_is_gone_from_the_source_shows_nothing():
    (made,) = shown(graded_cell("t", score=2.0, verdict=PASSED), source=None)
    assert made["html"] == ""


def test_the_instructors_text_is_the_sources_whatever_the_graded_file_holds():
    (made,) = shown(graded_cell("q", source="<script>alert(1)</script>"))
    assert made["role"] == "text"
    assert "<i>x</i>" in made["html"]
    assert "script" not in made["html"]


def test_without_its_source_no_text_is_trusted():
    (made,) = shown(graded_cell("q", source="<script>alert(1)</script>"), source=None)
    assert "<script" not in made["html"]


def test_an_answer_is_the_students_and_named_by_its_question():
    (made,) = shown(graded_cell("f", source="def f(x): return x*x"))
    assert (made["role"], made["title_html"]) == ("answer", "Question 1a")
    assert "return" in made["html"]
    assert "**" not in made["html"]


def test_a_written_answer_is_shown_with_the_comment():
    (made,) = shown(
        graded_cell(
            "e", score=1.0, verdict=WAITING, source="*Oui* <b>x</b>", comment="**Bien** <u>"
        )
    )
    assert made["html"] == "<p><em>Oui</em> &lt;b&gt;x&lt;/b&gt;</p>\n"
    assert made["comment_html"] == "<p><strong>Bien</strong> &lt;u&gt;</p>\n"
    assert made["verdict"]["message"] == "Points given by a grader."


def test_the_break_that_makes_text_inert_is_not_copied_from_the_page():
    (made,) = shown(graded_cell("e", score=1.0, source="a <\u2063b> c"))
    assert made["html"] == "<p>a &lt;b&gt; c</p>\n"


def test_added_cells_and_given_code_are_told_apart():
    roles = [cell["role"] for cell in shown(graded_cell("setup"), extra_cell("x = 1"))]
    assert roles == ["given", "extra"]
    (raw,) = shown(extra_cell("<script>alert(1)</script>", "raw"))
    assert "<script" not in raw["html"]


def test_a_cell_with_nothing_to_show_is_left_out():
    assert shown(extra_cell("  "), graded_cell("w", source="")) == []


def test_remarks_stand_beside_their_cell():
    (made,) = shown(graded_cell("f", source="x", nbjudge_notes=["A line was not run."]))
    assert made["remarks"] == ["A line was not run."]


def test_that_there_is_no_answer_is_a_remark_and_no_comment():
    (made,) = shown(graded_cell("f", source="# f", comment="No response."))
    assert (made["remarks"], made["comment_html"]) == (["No response."], "")


def test_a_book_of_answers_is_cut():
    cells = [extra_cell("x" * 200_000), extra_cell("y" * 200_000), extra_cell("z" * 10)]
    first, second, third = (cell["html"] for cell in shown(*cells))
    assert first.partition("<pre>")[2].count("x") == 200_000
    assert second.count("y") == 100_000
    assert third.count("z") == 0
    assert "[…]" in second


# Outputs.


def outputs(*raw):
    return shown(extra_cell("x", outputs=raw))[0]["outputs"]


def test_streams_are_text_as_a_terminal_ends_with_it():
    text = "\x1b[31mred\x1b[0m\n 10%|#\r 50%|##\r100%|###\nwin\r\n\x1b]8;;https://a\x07link\x07\n\n"
    made = outputs({"output_type": "stream", "name": "stderr", "text": text})
    assert made == [{"kind": "error", "text": "red\n100%|###\nwin\nlink"}]


def test_pictures_come_before_text():
    data = {"text/plain": "<Figure>", "image/png": "iVBO\nRw0=\n", "text/html": "<b>"}
    assert outputs({"output_type": "display_data", "data": data, "metadata": {}}) == [
        {"kind": "picture", "url": "data:image/png;base64,iVBORw0="}
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<script>alert(1)</script>"},
        {"image/svg+xml": "<svg onload='alert(1)'/>"},
        {"application/javascript": "alert(1)"},
        {"image/png": '" onload="alert(1)'},
        {"text/markdown": "x"},
        {"text/latex": "$x$"},
        {},
    ],
)
def test_any_other_output_is_not_shown(data):
    assert outputs({"output_type": "display_data", "data": data, "metadata": {}}) == []


def test_an_error_shows_the_notebooks_own_frames_and_no_installed_file():
    trace = [
        "\x1b[31m---------------\x1b[39m",
        "\x1b[31mValueError\x1b[39m      Traceback (most recent call last)",
        "\x1b[36mCell\x1b[39m \x1b[32mIn[2]\x1b[39m\x1b[32m, line 1\x1b[39m\n----> 1 f(0)",
        "File \x1b[32m/usr/lib/python3/numpy/linalg.py:12\x1b[39m, in inv(a)\n     12 raise",
        "ValueError: singular",
    ]
    made = outputs(
        {"output_type": "error", "ename": "ValueError", "evalue": "singular", "traceback": trace}
    )
    assert made == [
        {"kind": "error", "text": "Cell In[2], line 1\n----> 1 f(0)\n\nValueError: singular"}
    ]


# Words, folders.


def test_labels_are_complete_in_both_languages():
    english = labels()
    i18n.use_language("fr")
    try:
        french = labels()
    finally:
        i18n.use_language("en")
    assert english.keys() == french.keys()
    assert all(french.values())
    # Names that a dictionary has itself would be its methods in the template.
    assert not set(english) & set(dir({}))


def test_our_template_is_found_before_nbgraders():
    ours, theirs = feedback.template_folders()
    assert ours.endswith("nbjudge/templates")
    assert theirs.endswith("formgrader/templates")


def test_feedback_of_what_is_not_graded_says_what_to_run(tmp_path):
    from traitlets.config import Config

    course = SimpleNamespace(config=Config(), root=tmp_path, folder=lambda step: tmp_path / step)
    with pytest.raises(feedback.ConfigurationError, match="nbjudge grade tp1"):
        feedback.write_feedback(course, "tp1")
