"""``nbjudge grade``."""

from __future__ import annotations

import sys
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbjudge.cli.common import LOOK, NOT_RUN, F, open_course, says_how_it_ended, shown, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from nbjudge.classroom import ClassReport
    from nbjudge.course import Course
    from nbjudge.parallel import Scheduler


def cluster_options(function: F) -> F:
    """Give a command ``--scheduler``, and the options of its TLS as one mapping."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        names = ("tls_ca", "tls_cert", "tls_key")
        return function(*args, tls={name: kwargs.pop(name) for name in names}, **kwargs)

    file = click.Path(path_type=Path, dir_okay=False, exists=True)
    wrapped = click.option("--tls-key", type=file, help="Key of that certificate.")(run)
    wrapped = click.option("--tls-cert", type=file, help="Certificate to show it.")(wrapped)
    wrapped = click.option("--tls-ca", type=file, help="Certificate of the authority.")(wrapped)
    return click.option(  # type: ignore[return-value]
        "--scheduler",
        metavar="ADDRESS",
        help="Grade on a Dask cluster: tls://HOST:PORT (docs/scaling.md).",
    )(wrapped)


def scheduler_of(
    console: Console, address: str | None, tls: dict[str, Path | None]
) -> Scheduler | None:
    """Return the cluster that the options name, if they do."""
    from nbjudge.parallel import Scheduler

    if address is None:
        if any(tls.values()):
            raise click.UsageError("--tls-ca, --tls-cert and --tls-key go with --scheduler.")
        return None

    def say(sentence: str) -> None:
        console.print(shown(f"note: {sentence}"), markup=False, highlight=False, soft_wrap=True)

    return Scheduler(
        address=address,
        tls_ca=tls["tls_ca"],
        tls_cert=tls["tls_cert"],
        tls_key=tls["tls_key"],
        say=say,
    )


@click.command()
@click.argument("assignment")
@click.option("--student", "students", multiple=True, help="Only this student (repeatable).")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default the cores.")
@cluster_options
@click.option("--force", is_flag=True, help="Grade again what did not change, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be graded, and why.")
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False), help="Also write marks."
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Also write a summary for programs; - is standard output.",
)
@click.option(
    "--reseed", is_flag=True, help="Draw a new course secret first: tests use new problems."
)
@click.pass_context
@says_how_it_ended
def grade(
    context: click.Context,
    assignment: str,
    students: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    tls: dict[str, Path | None],
    force: bool,
    dry_run: bool,
    csv_path: Path | None,
    json_path: Path | None,
    reseed: bool,
) -> None:
    """Grade the submissions of an ASSIGNMENT and show the marks per question.

    What did not change since it was graded is not executed again. Exit code: 0;
    1 if some submissions need a look (not graded, or a verdict of time, memory, a
    dead kernel, an unreadable file); 2 if it could not run; 130 after Ctrl-C.
    """
    from rich.console import Console

    from nbjudge import summary
    from nbjudge.parallel import default_workers

    started = time.monotonic()
    if dry_run and (reseed or csv_path):
        raise click.UsageError("--dry-run changes nothing: use it without --reseed and --csv.")
    course = open_course(context)
    # Programs read what is on standard output.
    console = Console(stderr=str(json_path) == "-")
    if dry_run:
        from nbjudge.classroom import plan_class

        tasks = plan_class(course, assignment, students=students, force=force)
        for line in summary.planned(tasks):
            console.print(shown(line), markup=False, highlight=False, soft_wrap=True)
        write_json(json_path, summary.planned_json(assignment, tasks))
        return
    if reseed:
        from nbjudge import secret

        secret.reseed(course.root)
    report = run_class(
        console,
        course,
        assignment,
        students,
        workers or default_workers(),
        scheduler=scheduler_of(console, scheduler, tls),
        force=force,
    )
    seconds = time.monotonic() - started
    for line in summary.sentences(report, seconds):
        console.print(shown(line), markup=False, highlight=False, soft_wrap=True)
    if csv_path is not None:
        from nbjudge.marks import to_csv

        csv_path.write_text(to_csv(report.assignment, report.marks), "utf-8")
        console.print(f"Marks: {csv_path}", markup=False, highlight=False, soft_wrap=True)
    write_json(json_path, summary.to_json(report, seconds))
    if summary.could_not_run(report):
        sys.exit(NOT_RUN)
    if summary.needs_a_look(report):
        sys.exit(LOOK)


def run_class(
    console: Console,
    course: Course,
    assignment: str,
    students: tuple[str, ...],
    workers: int,
    *,
    scheduler: Scheduler | None = None,
    force: bool = False,
) -> ClassReport:
    """Grade a class with its progress shown, print table and warnings, return the report."""
    from nbjudge.classroom import grade_class
    from nbjudge.progress import Progress

    with Progress(console, assignment) as progress:
        report = grade_class(
            course,
            assignment,
            students=students,
            workers=workers,
            scheduler=scheduler,
            force=force,
            progress=progress,
        )
    show_marks(console, report)
    return report


def show_marks(console: Any, report: ClassReport) -> None:
    """Print the marks per question, then what needs attention."""
    from nbjudge.marks import LEGEND, Line, columns, tables

    console.print(f"{report.assignment.name}: {len(report.marks)} submissions")
    lines = [Line(row.student, row) for row in report.marks]
    for table in tables(columns(report.assignment), lines, console.width):
        console.print(table)
    console.print(LEGEND)
    if any(row.provisional for row in report.marks):
        console.print("* provisional: something is still to be graded or reviewed in formgrader.")
    for warning in report.warnings:
        console.print(shown(f"note: {warning}"), markup=False)
    if report.unseen:
        console.print(
            shown("Plain `nbgrader autograde` would not have seen: " + ", ".join(report.unseen)),
            markup=False,
        )
    for student, error in report.failed.items():
        console.print(shown(f"not graded: {student}: {error}"), markup=False, style="bold")
