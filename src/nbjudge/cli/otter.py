"""For otter-grader and Gradescope: ``otter``."""

from __future__ import annotations

from pathlib import Path

import click

from nbjudge.cli.common import open_course, says_errors


@click.command()
@click.argument("assignment")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for both zips; by default dist/ in the course.",
)
@click.option(
    "--sealed",
    is_flag=True,
    help="The autograder refuses to run without a sandbox: for machines of your own.",
)
@click.option(
    "--names", is_flag=True, help="Leave names of students in the autograder's sentences."
)
@click.pass_context
@says_errors
def otter(
    context: click.Context, assignment: str, output: Path | None, sealed: bool, names: bool
) -> None:
    """Write an ASSIGNMENT for otter-grader and Gradescope.

    Two zips: the students' version with grader.check, and the autograder, which
    holds solutions and hidden tests. docs/otter.md says what protects them there.
    """
    from nbjudge.otter.autograder import write_otter
    from nbjudge.secret import course_secret

    course = open_course(context)
    written = write_otter(
        course,
        assignment,
        output or course.root / "dist",
        course_secret(course.root),
        unsealed=not sealed,
        names=names,
    )
    click.echo(f"{written.student}: for students")
    click.echo(f"{written.autograder}: for Gradescope's autograder only; it holds the solutions")
    if not sealed:
        click.echo("note: on Gradescope, students' code runs without a sandbox: docs/otter.md.")
    if written.by_hand:
        click.echo(f"note: to be graded by hand on Gradescope: {', '.join(written.by_hand)}.")
