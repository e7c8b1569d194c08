"""After grading: ``feedback`` for students, ``explain`` for the grader."""

from __future__ import annotations

from typing import Any

import click

from nbjudge.cli.common import open_course, says_errors, shown


@click.command()
@click.argument("assignment")
@click.option("--student", default="*", help="Only this student.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default the cores.")
@click.pass_context
@says_errors
def feedback(context: click.Context, assignment: str, student: str, workers: int | None) -> None:
    """Write the feedback of an ASSIGNMENT (what `nbgrader generate_feedback --force` does)."""
    from nbjudge.feedback import write_feedback
    from nbjudge.parallel import default_workers

    course = open_course(context)
    folder = write_feedback(course, assignment, student, workers=workers or default_workers())
    click.echo(f"{folder}")


@click.command()
@click.argument("assignment")
@click.argument("student")
@click.pass_context
@says_errors
def explain(context: click.Context, assignment: str, student: str) -> None:
    """Say why STUDENT lost points in ASSIGNMENT: for the grader, with hidden details."""
    from nbjudge.records import read_record

    course = open_course(context)
    for notebook in course.compile(assignment).notebooks:
        record = read_record(course.root, student, assignment, notebook.name)
        click.echo(f"{student}: {assignment}/{notebook.name}")
        for line in (*record["notes"], *record["log"]):
            click.echo(shown(f"  {line}"))
        for verdict in record["verdicts"]:
            _explain_verdict(verdict)


def _explain_verdict(verdict: dict[str, Any]) -> None:
    points = "to be graded by hand" if verdict["points"] is None else f"{verdict['points']:g}"
    click.echo(f"  {verdict['grade_id']}: {points} / {verdict['max_points']:g} {verdict['status']}")
    for part in ({"what": "", **verdict}, *verdict["parts"]):
        lost = part["points"] is not None and part["points"] < part["max_points"]
        if lost and part["message"]:
            click.echo(shown(f"    {part['what'] + ': ' if part['what'] else ''}{part['message']}"))
        if lost and part["detail"]:
            click.echo(shown("      " + part["detail"].replace("\n", "\n      ")))
