"""Which submissions are alike: answers only, and nothing of what everybody was given."""

import json
import random

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.report import similar as module
from nbjudge.report.similar import Answers, answers_of, boilerplate_of, similar


def own(seed):
    """An answer like nobody else's."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    lines = ["def answer(x):"]
    operators = ["+", "-", "*", "/", "**", "%", "//", "@"]
    for _line in range(12):
        terms = [
            rng.choice(["x[{}]", "len(x[{}:])", "abs(x)-{}", "max(x,{})"]).format(rng.randrange(99))
            for _term in range(4)
        ]
        body = terms[0] + "".join(rng.choice(operators) + term for term in terms[1:])
        lines.append(f"    total = {body}")
    return "\n".join([*lines, "    return total"])


REFERENCE = own("the reference")


def renamed(source):
    return (
        source.replace("total", "somme")
        .replace("answer", "reponse")
        .replace("    return", "    # voilà\n    return")
    )


def by(student, *sources):
    return Answers(student=student, cells={f"q{n}": s for n, s in enumerate(sources, 1)})


CLASS = [by(f"s{number:02d}", own(number), REFERENCE) for number in range(20)]


def test_a_class_that_wrote_for_itself_has_no_pairs():
    found = similar(CLASS, [REFERENCE])
    assert found.submissions == 20
    assert list(found.pairs) == []


def test_a_copy_with_other_names_is_found_and_said_where():
    copied = by("zz", renamed(own(3)), "def other(a):\n    return [b for b in a if b]")
    (pair,) = similar([*CLASS, copied], [REFERENCE]).pairs
    assert (pair.first, pair.second) == (("s03",), ("zz",))
    assert pair.share_first > 0.95
    assert pair.share > 0.95
    assert pair.shared > 300
    assert pair.cells == ("q1",)


def test_answers_that_are_equal_but_for_names_are_one_group():
    copied = [by(name, renamed(own(3)), REFERENCE) for name in ("yy", "zz")]
    (pair,) = similar([*CLASS, *copied], [REFERENCE]).pairs
    assert (pair.first, pair.second) == (("s03", "yy", "zz"), ())


def test_a_group_larger_than_what_counts_as_common_is_still_found():
    copied = [by(f"z{number:02d}", own(99)) for number in range(30)]
    (pair,) = similar([*CLASS, *copied], [REFERENCE]).pairs
    assert len(pair.first) == 30


def test_the_reference_and_the_release_are_nobodys_own():
    alike = [by("a", REFERENCE), by("b", renamed(REFERENCE)), by("c", REFERENCE + "# moi\n")]
    assert list(similar(alike, [REFERENCE]).pairs) == []
    # And are found where they are not known to be.
    assert len(similar(alike, []).pairs) == 1


def test_what_much_of_the_class_wrote_is_what_the_question_asks_for():
    usual = own(1000)
    everybody = [by(f"s{number:02d}", usual, own(number)) for number in range(20)]
    assert list(similar(everybody, []).pairs) == []


def test_a_short_answer_that_two_wrote_is_no_finding():
    short = "def f(x):\n    return x.mean() + x.std() / len(x)"
    assert list(similar([by("a", short, own(1)), by("b", short, own(2))], []).pairs) == []


def test_the_result_is_the_same_each_time_and_in_any_order():
    answers = [*CLASS, by("zz", renamed(own(3))), by("yy", own(4) + "\n" + own(5))]
    first = similar(answers, [REFERENCE])
    random.Random(0).shuffle(answers)  # noqa: S311 - no secret
    assert similar(answers, [REFERENCE]) == first
    assert len(first.pairs) == 3


def test_processes_read_the_same(monkeypatch):
    answers = [*CLASS, by("zz", renamed(own(3)))]
    alone = similar(answers, [REFERENCE])
    monkeypatch.setattr(module, "_FEW", 0)
    assert similar(answers, [REFERENCE], workers=2) == alone


def test_what_was_not_compared_is_said(monkeypatch):
    monkeypatch.setattr(module, "MOST", 15)
    monkeypatch.setattr(module, "COMPARED", 2)
    monkeypatch.setattr(module, "SHOWN", 1)
    copies = [by(f"a{number}", own(3) + f"\nx = {own(number)!r}") for number in range(4)]
    found = similar([*copies, *CLASS], [REFERENCE])
    assert found.left_out == 9
    assert found.candidates > found.compared == 2
    assert len(found.pairs) == 1
    assert found.more >= 1


def test_without_the_library_nothing_is_compared_and_it_says_why(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "copydetect", None)
    found = similar(CLASS, [])
    assert "copydetect" in found.unavailable
    assert list(found.pairs) == []


@pytest.mark.parametrize("source", ["def f(:\n  \x00", "'" * 999, "é" * 50, "%%bash\nls", "\n \n"])
def test_code_that_is_none_is_read_all_the_same(source):
    assert similar([by("a", source), by("b", source, own(1)), *CLASS], []).submissions >= 21


# From graded notebooks.


def cell(name, kind, release, source, cell_type="code"):
    return SourceCell(
        cell_id=name, kind=kind, cell_type=cell_type, source=source, release_source=release,
        grade_id=name,
    )  # fmt: skip


ASSIGNMENT = Assignment(
    name="tp1",
    notebooks=(
        SourceNotebook(
            name="nb",
            cells=(
                cell("given", Kind.GIVEN, "import numpy", "import numpy"),
                cell("q1", Kind.ANSWER, "raise NotImplementedError", "x = 1"),
                cell("q2", Kind.ANSWER, "raise NotImplementedError", "y = 2"),
                cell("text", Kind.MANUAL, "Répondez.", "Parce que.", "markdown"),
                cell("t", Kind.TEST, "assert x", "assert x\nassert hidden_check(x)"),
            ),
        ),
    ),
)


def test_answers_are_the_code_that_the_student_wrote(tmp_path):
    cells = [
        {"id": "given", "cell_type": "code", "source": "import numpy", "metadata": {}},
        {"id": "q1", "cell_type": "code", "source": ["x = 1\n", "z = 3"], "metadata": {}},
        {"id": "q2", "cell_type": "code", "source": "raise NotImplementedError\n", "metadata": {}},
        {"id": "text", "cell_type": "markdown", "source": "Je pense.", "metadata": {}},
        {"id": "t", "cell_type": "code", "source": "assert hidden_check(x)", "metadata": {}},
        {"id": "extra-1", "cell_type": "code", "source": "print(x)", "metadata": {}},
    ]
    (tmp_path / "nb.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    assert answers_of(tmp_path, "ada", ASSIGNMENT) == Answers(
        student="ada", cells={"q1": "x = 1\nz = 3"}
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [1, null]}'])
def test_a_graded_notebook_that_cannot_be_read_has_no_answers(tmp_path, content):
    (tmp_path / "nb.ipynb").write_text(content, "utf-8")
    assert answers_of(tmp_path, "ada", ASSIGNMENT).cells == {}
    assert answers_of(tmp_path / "none", "ada", ASSIGNMENT).cells == {}


def test_release_and_reference_are_boilerplate_with_the_hidden_tests():
    given = boilerplate_of(ASSIGNMENT.notebooks)
    assert {"import numpy", "x = 1", "raise NotImplementedError"} <= set(given)
    assert "Parce que." not in given
