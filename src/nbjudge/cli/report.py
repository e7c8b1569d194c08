"""For the lecturers: ``report`` of a class, ``purge`` of a past one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from nbjudge.cli.common import chosen, open_course, says_errors, shown


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


@click.command()
@click.option("--year", "number", type=click.IntRange(2000, 2200), help="That began in September.")
@click.option(
    "--before", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="As 2026-08-31."
)
@click.option("--frozen", is_flag=True, help="Also marks frozen for juries, and contestations.")
@click.option("--yes", is_flag=True, help="Remove it; without this, only say what would be.")
@click.pass_context
@says_errors
def purge(
    context: click.Context,
    number: int | None,
    day: datetime | None,
    frozen: bool,
    yes: bool,
) -> None:
    """Remove the personal data of a past year, or of all before a DATE.

    Of every student whose last submission lies there: submissions, graded
    notebooks, feedback, records, rows of the gradebook; and tables of the class.
    What belongs to the course (source/, release/, solutions/, judge/) stays.
    """
    from nbjudge import purge as purging

    if (number is None) == (day is None):
        raise click.UsageError("Say what is to go: --year YEAR or --before DATE, one of them.")
    course = open_course(context)
    span = purging.year(number) if number is not None else purging.before(day or datetime.now())
    planned = purging.plan(course, span, frozen=frozen)
    for line in purging.sentences(planned):
        click.echo(shown(line))
    if planned.is_empty:
        click.echo("There is nothing to remove.")
    elif yes:
        purging.remove(planned)
        click.echo("Removed. Backups, and copies elsewhere (docs/personal-data.md), are yours.")
    else:
        click.echo("Nothing was removed. To remove what is listed: the same command with --yes.")
