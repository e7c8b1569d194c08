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


def _list(title: str, lines: Iterable[str]) -> None:
    found = [line for line in lines if line]
    if found:
        click.echo(f"{title}:")
    for line in found:
        click.echo(shown(f"  {line}"))
