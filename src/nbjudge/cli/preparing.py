"""Before a release: ``check``, ``flake``, ``build``, ``release``, ``reference``, ``demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbjudge.cli.common import FOUND, TEACHER, chosen, open_course, says_errors, write_json

if TYPE_CHECKING:
    from nbjudge.course import Course


@click.command()
@click.argument("assignments", nargs=-1)
@click.pass_context
@says_errors
def check(context: click.Context, assignments: tuple[str, ...]) -> None:
    """Prove ASSIGNMENTS (all by default) before they are released."""
    from nbjudge.check import check_assignment
    from nbjudge.parallel import default_workers
    from nbjudge.secret import course_secret

    course = open_course(context)
    secret = course_secret(course.root)
    faults = 0
    for name in chosen(course, assignments):
        click.echo(name)
        compiled = course.compile(name)
        for finding in check_assignment(course, compiled, secret, workers=default_workers()):
            failed = "note" if finding.is_remark else "FAIL"
            click.echo(f"  {failed if finding.fault else 'ok'}  {finding.what}")
            if finding.fault:
                faults += not finding.is_remark
                click.echo("        " + finding.fault.replace("\n", "\n        "))
    if faults:
        sys.exit(TEACHER)


@click.command()
@click.argument("assignment")
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Fresh seeds for each answer.",
)
@click.option("--group", "groups", multiple=True, help="Only samples of this group (repeatable).")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default the cores.")
@click.option("--seed", metavar="HEX", help="Judge as before: the seed that a report ends with.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Also write a report."
)
@click.pass_context
@says_errors
def flake(
    context: click.Context,
    assignment: str,
    runs: int,
    groups: tuple[str, ...],
    workers: int | None,
    seed: str | None,
    path: Path | None,
) -> None:
    """Judge the sample answers of ASSIGNMENT again, with fresh seeds.

    Each one is executed once. Exit code 1 if a right answer ever loses a point,
    or a wrong one gains one.
    """
    import secrets

    from rich.console import Console

    from nbjudge.flake import judge_again, sentences, table
    from nbjudge.parallel import default_workers
    from nbjudge.progress import Progress
    from nbjudge.secret import course_secret

    try:
        drawn = bytes.fromhex(seed) if seed else secrets.token_bytes(16)
    except ValueError:
        raise click.BadParameter("expected hexadecimal digits", param_hint="--seed") from None
    course = open_course(context)
    console = Console(width=None if sys.stdout.isatty() else 110)  # a file has no width
    with Progress(console, assignment) as progress:
        report = judge_again(
            course,
            assignment,
            secret=course_secret(course.root),
            seed=drawn,
            runs=runs,
            groups=groups,
            workers=workers or default_workers(),
            progress=progress,
        )
    write_json(path, report.to_json())
    console.print(table(report))
    for line in sentences(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not report.is_clean:
        sys.exit(FOUND)


@click.command()
@click.argument("assignments", nargs=-1)
@click.pass_context
@says_errors
def build(context: click.Context, assignments: tuple[str, ...]) -> None:
    """Make release/ and solutions/ of ASSIGNMENTS (all by default) again from source/."""
    course = open_course(context)
    for name in chosen(course, assignments):
        for folder in _build(course, name):
            click.echo(f"{folder}")


def _build(course: Course, name: str) -> list[Path]:
    from nbjudge.produce import solution_version, student_version, write_folder

    assignment = course.compile(name)
    folders = [course.folder("release") / name, course.folder("solution") / name]
    write_folder(folders[0], student_version(course, assignment))
    write_folder(folders[1], solution_version(course, assignment))
    return folders


@click.command()
@click.argument("assignment")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="By default dist/NAME.zip."
)
@click.pass_context
@says_errors
def release(context: click.Context, assignment: str, output: Path | None) -> None:
    """Write one zip of an ASSIGNMENT for students (Moodle), from release/ made anew."""
    from nbjudge.produce import student_version, write_zip

    course = open_course(context)
    _build(course, assignment)
    compiled = course.compile(assignment)
    readme = course.folder("release") / "README.md"
    target = output or course.root / "dist" / f"{assignment}.zip"
    write_zip(
        target,
        assignment,
        student_version(course, compiled),
        readme.read_bytes() if readme.is_file() else None,
    )
    click.echo(f"{target}")


@click.command()
@click.argument("assignment")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
@says_errors
def reference(context: click.Context, assignment: str, path: Path) -> None:
    """Write the reference of an ASSIGNMENT to a file, for tests that run in-process.

    It holds the solutions: never give it to students.
    """
    from nbjudge.world import dump_reference

    notebook = open_course(context).compile(assignment).notebooks[0]
    path.write_text(dump_reference(notebook.cells, notebook.name), "utf-8")
    click.echo(f"export NBJUDGE_REFERENCE={path}")


@click.command()
@click.argument("assignments", nargs=-1)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to make, by default demo/ in the course.",
)
@click.pass_context
@says_errors
def demo(context: click.Context, assignments: tuple[str, ...], output: Path | None) -> None:
    """Grade the sample class of ASSIGNMENTS from end to end in a folder of its own.

    By default of all that have one, in tests/submissions/.
    """
    from nbjudge.demo import run_demo

    run_demo(open_course(context), output, assignments)
