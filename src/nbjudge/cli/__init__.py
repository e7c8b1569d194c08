"""The command line: ``nbjudge grade``, ``check``, ``release``, ``doctor`` and the others.

Each module here holds the commands of one occasion. Imports stand in the commands: ``--help`` must
not wait for nbgrader.
"""

from __future__ import annotations

from pathlib import Path

import click

import nbjudge
from nbjudge.cli import answering, grading, machine, marking, moodle, otter, preparing, report


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nbjudge.__version__, prog_name="nbjudge")
@click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The course's folder; by default the one you are in, or one above.",
)
@click.pass_context
def main(context: click.Context, folder: Path) -> None:
    """Grade nbgrader courses in sealed kernels, with tests that stay outside."""
    context.obj = folder


for command in (
    grading.grade,
    preparing.check,
    preparing.flake,
    preparing.build,
    preparing.release,
    preparing.reference,
    preparing.demo,
    answering.feedback,
    answering.explain,
    marking.extensions,
    marking.marks,
    marking.regrade,
    report.report,
    report.purge,
    moodle.moodle,
    moodle.solutions,
    otter.otter,
    machine.doctor,
):
    main.add_command(command)
