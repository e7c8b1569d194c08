"""Moodle and dates: ``moodle collect``, ``moodle return``, ``solutions``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from nbjudge.cli.common import open_course, says_errors, shown

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group()
def moodle() -> None:
    """Take submissions from Moodle, give marks and feedback back to it.

    By the files that Moodle's own pages give and take: docs/moodle.md.
    """


@moodle.command()
@click.argument("assignment")
@click.argument("zips", nargs=-1, required=True, type=_FILE)
@click.option(
    "--worksheet",
    "worksheets",
    multiple=True,
    type=_FILE,
    help="Grading worksheet (CSV) with times and teams; one for all, or one per zip.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_context
@says_errors
def collect(
    context: click.Context,
    assignment: str,
    zips: tuple[Path, ...],
    worksheets: tuple[Path, ...],
    dry_run: bool,
) -> None:
    """Put the uploads in ZIPS (« Download all submissions ») into submitted/.

    Of each student the last valid upload before the deadline counts; the others
    are kept in .nbjudge/moodle/. Several zips go from the oldest to the newest.
    """
    from nbjudge.moodle.collect import collect as collect_zips

    report = collect_zips(open_course(context), assignment, zips, worksheets, dry_run=dry_run)
    would = " (nothing was written)" if dry_run else ""
    click.echo(
        f"{assignment}: {len(report.new)} new, {len(report.replaced)} replaced, "
        f"{len(report.unchanged)} unchanged{would}"
    )
    _list("replaced, the ones before are kept", [", ".join(report.replaced)])
    _list("late", report.late)
    _list("look at", report.notes)
    _list(f"nothing handed in ({len(report.missing)})", [", ".join(report.missing)])
    for warning in report.warnings:
        click.echo(shown(f"note: {warning}"))


@moodle.command("return")
@click.argument("assignment")
@click.argument("worksheet", type=_FILE)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for worksheet and zip; by default dist/ in the course.",
)
@click.option("--overwrite", is_flag=True, help="Write over cells that hold another mark.")
@click.option(
    "--provisional", is_flag=True, help="Also send marks that a person is still to look at."
)
@click.option(
    "--split",
    metavar="MB",
    type=click.IntRange(min=1),
    help="Feedback in zips of at most MB megabytes, as your Moodle takes them.",
)
@click.pass_context
@says_errors
def give_back(
    context: click.Context,
    assignment: str,
    worksheet: Path,
    output: Path | None,
    overwrite: bool,
    provisional: bool,
    split: int | None,
) -> None:
    """Fill the downloaded WORKSHEET with marks, and pack the feedback.

    The filled one goes to « Upload grading worksheet », the zip to « Upload
    multiple feedback files in a zip ».
    """
    from nbjudge.moodle.giveback import give_back as fill

    course = open_course(context)
    done = fill(
        course,
        assignment,
        worksheet,
        output or course.root / "dist",
        overwrite=overwrite,
        provisional=provisional,
        most_bytes=None if split is None else split * 1_000_000,
    )
    click.echo(f"{done.worksheet}: {done.filled} marks written, {done.unchanged} as before")
    for path in done.feedback:
        click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    click.echo(f"{done.pages} pages of feedback")
    _list("overwritten", done.overwritten)
    _list("left, the worksheet has another mark (--overwrite)", done.differing)
    _list("held back (--provisional sends them)", done.held)
    _list("without a mark, left as they are", done.unmarked)
    _list("have a mark and are not in the worksheet", done.elsewhere)
    _list("look at", done.notes)


@click.command()
@click.argument("assignment")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="By default dist/NAME-solutions.zip.",
)
@click.option("--force", is_flag=True, help="Although students have time left; say why.")
@click.option("--reason", metavar="TEXT", help="Why; it is logged with your name.")
@click.pass_context
@says_errors
def solutions(
    context: click.Context, assignment: str, output: Path | None, force: bool, reason: str | None
) -> None:
    """Write one zip with the solutions of an ASSIGNMENT, made anew from source/.

    Refused until the due date, grace and the last extension have passed.
    """
    from nbjudge.moodle.solutions import publish

    if force != bool(reason and reason.strip()):
        raise click.UsageError("--force and --reason TEXT go together.")
    course = open_course(context)
    click.echo(f"{publish(course, assignment, output, before_time=reason)}")


def _list(title: str, lines: Iterable[str]) -> None:
    found = [line for line in lines if line]
    if found:
        click.echo(f"{title}:")
    for line in found:
        click.echo(shown(f"  {line}"))
