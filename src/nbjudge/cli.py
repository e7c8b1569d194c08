"""The command line: ``nbjudge grade``, ``check``, ``release``, ``doctor`` and the others.

Imports stand in the commands: ``--help`` must not wait for nbgrader.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import nbjudge
from nbjudge.errors import MachineError, NbJudgeError

if TYPE_CHECKING:
    from rich.console import Console

    from nbjudge.classroom import ClassReport
    from nbjudge.course import Course
    from nbjudge.parallel import Scheduler

F = TypeVar("F", bound=Callable[..., Any])

FOUND, TEACHER, MACHINE = 1, 2, 3
"""Exit codes: what was looked for was found; the course's author must act; this computer or its
administrator must."""
LOOK, NOT_RUN, STOPPED = 1, 2, 130
"""Those of ``grade``: some submissions need a look; it could not run; Ctrl-C."""


def _says_errors(function: F) -> F:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except NbJudgeError as error:
            click.echo(f"nbjudge: {error}", err=True)
            sys.exit(MACHINE if isinstance(error, MachineError) else TEACHER)

    return run  # type: ignore[return-value]


def _says_how_it_ended(function: F) -> F:
    """End a long run with a sentence, whether it could not run or was stopped."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with _one_interrupt():
                return function(*args, **kwargs)
        except (NbJudgeError, OSError) as error:
            click.echo(f"nbjudge: {error}", err=True)
            sys.exit(NOT_RUN)
        except KeyboardInterrupt:
            click.echo(
                "nbjudge: stopped. What was stored stays; the same command goes on from there.",
                err=True,
            )
            sys.exit(STOPPED)

    return run  # type: ignore[return-value]


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C stop the run; those of an impatient hand would stop its clearing up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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


def _course(context: click.Context) -> Course:
    from nbjudge.course import find_root, load_course

    return load_course(find_root(context.obj))


def _chosen(course: Course, names: tuple[str, ...]) -> list[str]:
    from nbjudge.errors import UnknownNameError

    known = course.assignments()
    if not known:
        raise UnknownNameError(f"There is no assignment in {course.folder('source')}.")
    return list(names) or known


def _cluster_options(function: F) -> F:
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


def _scheduler(
    console: Console, address: str | None, tls: dict[str, Path | None]
) -> Scheduler | None:
    from nbjudge.parallel import Scheduler

    if address is None:
        if any(tls.values()):
            raise click.UsageError("--tls-ca, --tls-cert and --tls-key go with --scheduler.")
        return None

    def say(sentence: str) -> None:
        console.print(_shown(f"note: {sentence}"), markup=False, highlight=False, soft_wrap=True)

    return Scheduler(
        address=address,
        tls_ca=tls["tls_ca"],
        tls_cert=tls["tls_cert"],
        tls_key=tls["tls_key"],
        say=say,
    )


@main.command()
@click.argument("assignment")
@click.option("--student", "students", multiple=True, help="Only this student (repeatable).")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default the cores.")
@_cluster_options
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
@_says_how_it_ended
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
    course = _course(context)
    # Programs read what is on standard output.
    console = Console(stderr=str(json_path) == "-")
    if dry_run:
        from nbjudge.classroom import plan_class

        tasks = plan_class(course, assignment, students=students, force=force)
        for line in summary.planned(tasks):
            console.print(_shown(line), markup=False, highlight=False, soft_wrap=True)
        _write_json(json_path, summary.planned_json(assignment, tasks))
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
        scheduler=_scheduler(console, scheduler, tls),
        force=force,
    )
    seconds = time.monotonic() - started
    for line in summary.sentences(report, seconds):
        console.print(_shown(line), markup=False, highlight=False, soft_wrap=True)
    if csv_path is not None:
        from nbjudge.marks import to_csv

        csv_path.write_text(to_csv(report.assignment, report.marks), "utf-8")
        console.print(f"Marks: {csv_path}", markup=False, highlight=False, soft_wrap=True)
    _write_json(json_path, summary.to_json(report, seconds))
    if summary.could_not_run(report):
        sys.exit(NOT_RUN)
    if summary.needs_a_look(report):
        sys.exit(LOOK)


def _write_json(path: Path | None, data: dict[str, Any]) -> None:
    import json

    if path is None:
        return
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if str(path) == "-":
        # Names may hold what a terminal's encoding has not.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        path.write_text(text, "utf-8")


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
        console.print(_shown(f"note: {warning}"), markup=False)
    if report.unseen:
        console.print(
            _shown("Plain `nbgrader autograde` would not have seen: " + ", ".join(report.unseen)),
            markup=False,
        )
    for student, error in report.failed.items():
        console.print(_shown(f"not graded: {student}: {error}"), markup=False, style="bold")


def _shown(text: str) -> str:
    """Return a text with students' words in it as a terminal may show it: no control characters."""
    from nbjudge.inert import printable

    return printable(text, len(text))


@main.command()
@click.argument("assignments", nargs=-1)
@click.pass_context
@_says_errors
def check(context: click.Context, assignments: tuple[str, ...]) -> None:
    """Prove ASSIGNMENTS (all by default) before they are released."""
    from nbjudge.check import check_assignment
    from nbjudge.parallel import default_workers
    from nbjudge.secret import course_secret

    course = _course(context)
    secret = course_secret(course.root)
    faults = 0
    for name in _chosen(course, assignments):
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


@main.command()
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
@_says_errors
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
    import json
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
    course = _course(context)
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
    if path is not None:
        text = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", "utf-8")
    console.print(table(report))
    for line in sentences(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not report.is_clean:
        sys.exit(FOUND)


@main.command()
@click.argument("assignments", nargs=-1)
@click.pass_context
@_says_errors
def build(context: click.Context, assignments: tuple[str, ...]) -> None:
    """Make release/ and solutions/ of ASSIGNMENTS (all by default) again from source/."""
    course = _course(context)
    for name in _chosen(course, assignments):
        for folder in _build(course, name):
            click.echo(f"{folder}")


def _build(course: Course, name: str) -> list[Path]:
    from nbjudge.produce import solution_version, student_version, write_folder

    assignment = course.compile(name)
    folders = [course.folder("release") / name, course.folder("solution") / name]
    write_folder(folders[0], student_version(course, assignment))
    write_folder(folders[1], solution_version(course, assignment))
    return folders


@main.command()
@click.argument("assignment")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="By default dist/NAME.zip."
)
@click.pass_context
@_says_errors
def release(context: click.Context, assignment: str, output: Path | None) -> None:
    """Write one zip of an ASSIGNMENT for students (Moodle), from release/ made anew."""
    from nbjudge.produce import student_version, write_zip

    course = _course(context)
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


@main.command()
@click.argument("assignment")
@click.option("--student", default="*", help="Only this student.")
@click.pass_context
@_says_errors
def feedback(context: click.Context, assignment: str, student: str) -> None:
    """Write the feedback of an ASSIGNMENT (what `nbgrader generate_feedback --force` does)."""
    from nbjudge.feedback import write_feedback

    course = _course(context)
    click.echo(f"{write_feedback(course, assignment, student)}")


@main.command()
@click.argument("assignment")
@click.argument("student")
@click.pass_context
@_says_errors
def explain(context: click.Context, assignment: str, student: str) -> None:
    """Say why STUDENT lost points in ASSIGNMENT: for the grader, with hidden details."""
    from nbjudge.records import read_record

    course = _course(context)
    for notebook in course.compile(assignment).notebooks:
        record = read_record(course.root, student, assignment, notebook.name)
        click.echo(f"{student}: {assignment}/{notebook.name}")
        for line in (*record["notes"], *record["log"]):
            click.echo(_shown(f"  {line}"))
        for verdict in record["verdicts"]:
            _explain_verdict(verdict)


def _explain_verdict(verdict: dict[str, Any]) -> None:
    points = "to be graded by hand" if verdict["points"] is None else f"{verdict['points']:g}"
    click.echo(f"  {verdict['grade_id']}: {points} / {verdict['max_points']:g} {verdict['status']}")
    for part in ({"what": "", **verdict}, *verdict["parts"]):
        lost = part["points"] is not None and part["points"] < part["max_points"]
        if lost and part["message"]:
            click.echo(
                _shown(f"    {part['what'] + ': ' if part['what'] else ''}{part['message']}")
            )
        if lost and part["detail"]:
            click.echo(_shown("      " + part["detail"].replace("\n", "\n      ")))


@main.command()
@click.argument("assignment")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
@_says_errors
def reference(context: click.Context, assignment: str, path: Path) -> None:
    """Write the reference of an ASSIGNMENT to a file, for tests that run in-process.

    It holds the solutions: never give it to students.
    """
    from nbjudge.world import dump_reference

    notebook = _course(context).compile(assignment).notebooks[0]
    path.write_text(dump_reference(notebook.cells, notebook.name), "utf-8")
    click.echo(f"export NBJUDGE_REFERENCE={path}")


@main.command()
@_says_errors
def doctor() -> None:
    """Say what this machine offers: the sandbox, or what stands in its way."""
    from nbjudge.doctor import examine

    found = examine()
    for fact in found.facts:
        click.echo(fact)
    if found.healthy:
        click.echo("The sandbox works: a sealed kernel has started and answered.")
        return
    if found.fault:
        click.echo(f"The sandbox works, but no kernel starts in it: {found.fault}")
    else:
        click.echo(f"The sandbox does not work: {found.diagnosis.cause}")
        click.echo(f"What to do: {found.diagnosis.way_out}")
    sys.exit(MACHINE)


@main.command()
@click.argument("assignments", nargs=-1)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to make, by default demo/ in the course.",
)
@click.pass_context
@_says_errors
def demo(context: click.Context, assignments: tuple[str, ...], output: Path | None) -> None:
    """Grade the sample class of ASSIGNMENTS from end to end in a folder of its own.

    By default of all that have one, in tests/submissions/.
    """
    from nbjudge.demo import run_demo

    run_demo(_course(context), output, assignments)
