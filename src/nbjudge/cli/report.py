"""For the lecturers: ``report`` of a class."""

from __future__ import annotations

from pathlib import Path

import click

from nbjudge.cli.common import chosen, open_course, says_errors


@click.command()
@click.argument("assignments", nargs=-1)
@click.option("--names", is_flag=True, help="Name the students: the page is then personal data.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The file to write.",
)
@click.option("--no-similar", is_flag=True, help="Compare no submissions.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default the cores.")
@click.pass_context
@says_errors
def report(
    context: click.Context,
    assignments: tuple[str, ...],
    names: bool,
    output: Path,
    no_similar: bool,
    workers: int | None,
) -> None:
    """Write one page on the class of ASSIGNMENTS (all by default), for lecturers.

    How marks lie, how well questions and hidden checks tell who knows, what went
    wrong most often, what took long, who needs a look and why, which submissions
    are alike. Students have pseudonyms.
    """
    from nbjudge.parallel import default_workers
    from nbjudge.records import write_whole
    from nbjudge.report.page import Options
    from nbjudge.report.page import report as make

    course = open_course(context)
    page = make(
        course,
        chosen(course, assignments),
        Options(names=names, compare=not no_similar, workers=workers or default_workers()),
        say=lambda sentence: click.echo(sentence, err=True),
    )
    try:
        write_whole(output, page)
    except OSError as error:
        raise click.FileError(str(output), error.strerror or str(error)) from error
    click.echo(f"{output}" + ("  (with names: not for students)" if names else ""))
