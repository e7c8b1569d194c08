"""Five small courses as instructors write them who have never heard of nbjudge.

Each module holds questions in one style.  A question has the instructor's solution, another right
answer and a wrong one; its test must give the first two all the points and the last none, outside
as in stock nbgrader.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import small_course as sc


@dataclass(frozen=True)
class Question:
    """One question: cells before it, its answer cell, cells between, its test cells."""

    name: str
    solution: str
    right: str
    wrong: str
    tests: Sequence[str]
    given: str = ""
    after: str = ""
    tags: Sequence[str] = ()

    def answers(self) -> dict[str, str]:
        """Return the two answers by name."""
        return {"right": clean(self.right), "wrong": clean(self.wrong)}


def clean(source: str) -> str:
    """Return a source without the indentation of this file."""
    return textwrap.dedent(source).strip("\n")


def cells_of(
    imports: str, questions: Sequence[Question], tags: dict[str, Sequence[str]] | None = None
) -> list[sc.Cell]:
    """Return the cells of a source notebook.

    Parameters
    ----------
    imports
        The first given cell.
    questions
        In their order.
    tags
        Further tags of test cells, by grade_id.
    """
    made: list[sc.Cell] = [sc.given(clean(imports))]
    for question in questions:
        if question.given:
            made.append(sc.given(clean(question.given)))
        solution = f"### BEGIN SOLUTION\n{clean(question.solution)}\n### END SOLUTION"
        made.append(sc.answer(question.name, solution))
        if question.after:
            made.append(sc.given(clean(question.after)))
        for number, source in enumerate(question.tests, start=1):
            name = f"test_{question.name}_{number}"
            hidden = f"### BEGIN HIDDEN TESTS\n{clean(source)}\n### END HIDDEN TESTS"
            found = [*question.tags, *(tags or {}).get(name, ())]
            made.append(sc.check(name, hidden, 1, tags=found))
    return made


def answers_of(questions: Sequence[Question], which: str) -> dict[str, str]:
    """Return every answer of one kind (``right`` or ``wrong``) by grade_id."""
    return {question.name: question.answers()[which] for question in questions}


def points_of(questions: Sequence[Question], points: float) -> dict[str, float]:
    """Return the points of every test cell, if each earns the same."""
    return {
        f"test_{question.name}_{number}": points
        for question in questions
        for number in range(1, len(question.tests) + 1)
    }
