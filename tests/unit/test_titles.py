"""Questions are called what the instructor's headings call them."""

import pytest

from nbjudge import i18n
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.titles import cell_names, titles


def text(source):
    return (Kind.TEXT, "markdown", source, None, 0.0)


def check(name):
    return (Kind.TEST, "code", "assert True", name, 1.0)


def answer(name):
    return (Kind.ANSWER, "code", "def f(): pass", name, 0.0)


def written(name):
    return (Kind.ANSWER, "markdown", "## Not a heading of the instructor's", name, 0.0)


def given(name=None):
    return (Kind.GIVEN, "code", "x = 1", name, 0.0)


def notebook(*cells):
    return SourceNotebook(
        name="n",
        cells=tuple(
            SourceCell(
                cell_id=name or f"c{position}",
                kind=kind,
                cell_type=cell_type,
                source=source,
                release_source=source,
                grade_id=name,
                points=points,
            )
            for position, (kind, cell_type, source, name, points) in enumerate(cells)
        ),
    )


def shown(*cells):
    made = titles(notebook(*cells))
    return {name: (title.name, title.topic) for name, title in made.items()}


@pytest.mark.parametrize(
    ("heading", "name", "topic"),
    [
        (
            "### Question 1 ★ (1 point)\N{NO-BREAK SPACE}: fonctions",
            "Question 1 ★",
            "Fonctions",
        ),
        ("### Question 1.5 (2,5 points) : pourquoi", "Question 1.5", "Pourquoi"),
        ("## Part A (6 points)", "Part A", ""),
        ("## Exercise 2 [10 pts] — Sorting ##", "Exercise 2", "Sorting"),
        ("## Ratio: $\\frac12$", "Ratio", "$\\frac12$"),
        ("## A very long sentence that is a heading of its own: really", None, ""),
        ("## Loss at t=1:2", "Loss at t=1:2", ""),
        ("## Score (out of ten)", "Score (out of ten)", ""),
    ],
)
def test_a_heading_gives_name_and_topic_without_the_points(heading, name, topic):
    whole = heading.strip("# ")
    assert shown(text(heading), check("t")) == {"t": (name or whole, topic)}


def test_the_nearest_heading_counts():
    cells = [text("# TP\n\n## One\n\n## Two"), check("a"), text("No heading."), check("b")]
    assert shown(*cells, text("### Three"), check("c")) == {
        "a": ("Two (a)", ""),
        "b": ("Two (b)", ""),
        "c": ("Three", ""),
    }


def test_questions_that_share_a_heading_have_letters():
    made = shown(text("## Question 1.4 ★ : prédire"), *(check(f"t{i}") for i in range(3)))
    names = [name for name, _ in made.values()]
    assert names == ["Question 1.4a ★", "Question 1.4b ★", "Question 1.4c ★"]
    assert {topic for _, topic in made.values()} == {"Prédire"}


def test_more_questions_than_letters_have_numbers():
    made = shown(text("## Part 2"), *(check(f"t{i}") for i in range(27)))
    assert made["t26"] == ("Part 2 (27)", "")
    assert len({name for name, _ in made.values()}) == 27


def test_parts_that_the_text_announces_have_its_letters_and_words():
    made = shown(
        text("## Question 3 : la variance\n\n**a. Calculer** (1 point). Écrivez `f`."),
        check("a"),
        text("**c) Expliquer.** Pourquoi ?"),
        check("c"),
    )
    assert made == {"a": ("Question 3a", "Calculer"), "c": ("Question 3c", "Expliquer")}


def test_parts_announced_for_some_only_are_not_believed():
    announced = text("**a. Encore**")
    made = shown(text("## Q 3"), check("x"), announced, check("y"), check("z"))
    assert [name for name, _ in made.values()] == ["Q 3a", "Q 3b", "Q 3c"]


def test_code_in_a_fence_is_no_heading():
    assert shown(text("## Real\n\n```\n# a comment\n```"), check("t")) == {"t": ("Real", "")}


def test_markers_of_what_is_hidden_are_no_headings():
    whole = "## Task 1\n\nDo it.\n\n### BEGIN MARK SCHEME\n1 point\n### END MARK SCHEME"
    task = SourceCell(
        cell_id="t",
        kind=Kind.TASK,
        cell_type="markdown",
        source=whole,
        release_source="## Task 1\n\nDo it.",
        grade_id="t",
        points=1.0,
    )
    assert titles(SourceNotebook(name="n", cells=(task,)))["t"].name == "Task 1"


def test_a_students_text_names_nothing():
    assert shown(text("## Real"), written("w"), check("t"))["t"] == ("Real", "")


def test_the_title_of_the_document_names_no_question():
    assert shown(text("# Problem set"), check("q1_4a")) == {"q1_4a": ("Question 1.4a", "")}
    both = shown(text("# One"), check("a"), text("# Two"), check("b"))
    assert both == {"a": ("One", ""), "b": ("Two", "")}


@pytest.mark.parametrize(
    ("grade_id", "name"),
    [
        ("test_q1_4a", "Question 1.4a"),
        ("test-q2", "Question 2"),
        ("Exercice_3", "Question 3"),
        ("cell-0f34aa12bc56", "Question 1"),
        ("tests_mean_of_squares", "Mean of squares"),
        ("correct_squares", "Correct squares"),
    ],
)
def test_without_a_heading_the_grade_id_is_made_readable(grade_id, name):
    assert shown(check(grade_id)) == {grade_id: (name, "")}


def test_an_answer_has_the_name_of_the_test_that_follows():
    made = shown(
        text("## Question 1"),
        answer("a1"),
        check("t1"),
        answer("a2"),
        check("t2"),
        written("comment"),
        text("## Question 2"),
        answer("a3"),
        text("## Question 3"),
        check("t3"),
    )
    assert made["a1"] == made["t1"] == ("Question 1a", "")
    assert made["a2"] == made["t2"] == ("Question 1b", "")
    assert made["comment"] == ("Question 1", "")
    assert made["a3"] == ("Question 2", "")


def test_a_sentence_calls_cells_by_their_question():
    made = cell_names(
        notebook(
            given("setup"),
            answer("lost"),
            text("## Q 1 : a"),
            given("data"),
            answer("f"),
            check("t"),
            given("figure"),
            text("## `Q` **2**"),
            check("u"),
        )
    )
    assert made["setup"] == "setup"
    assert made["lost"] == "lost"
    assert made["data"] == made["figure"] == "Given code (Q 1)"
    assert made["f"] == made["t"] == "Q 1"
    assert made["u"] == "Q 2"


def test_names_that_are_made_up_are_in_the_language_in_use():
    i18n.use_language("fr")
    try:
        assert cell_names(notebook(text("## Q 1"), given("g")))["g"] == "Code fourni (Q 1)"
    finally:
        i18n.use_language("en")
