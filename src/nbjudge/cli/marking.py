"""From points to marks: ``marks``, ``extensions``; a mark that is contested: ``regrade``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbjudge.cli.common import LOOK, open_course, says_how_it_ended, shown

if TYPE_CHECKING:
    from rich.console import Console

    from nbjudge.course import Course
    from nbjudge.marking.class_marks import ClassMarks

_TABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
_OUTPUT = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("assignments", nargs=-1, metavar="[TP]...")
@click.option("--exam", type=_TABLE, help="Marks of the exam: exam.csv.")
@click.option(
    "--second-session", type=_TABLE, help="Marks of the second one; they replace the exam's."
)
@click.option("--explain", "who", metavar="ID", help="Every number in the sum of one student.")
@click.option("--csv", "csv_path", type=_OUTPUT, help="Also write a table.")
@click.option("--french", is_flag=True, help="CSV with BOM, semicolons, decimal commas.")
@click.option("--xlsx", "xlsx_path", type=_OUTPUT, help="Also write an Excel workbook.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Also write everything, exactly; - is standard output.",
)
@click.option(
    "--freeze",
    "label",
    is_flag=False,
    flag_value="",
    metavar="[LABEL]",
    help="Write down the state for a jury, for good: --freeze=jury.",
)
@click.option("--diff", "frozen", metavar="FROZEN", help="Whose mark moved since (or: last).")
@click.option("--verify", "check", is_flag=True, help="See that no frozen state was altered.")
@click.pass_context
@says_how_it_ended
def marks(
    context: click.Context,
    assignments: tuple[str, ...],
    exam: Path | None,
    second_session: Path | None,
    who: str | None,
    csv_path: Path | None,
    french: bool,
    xlsx_path: Path | None,
    json_path: Path | None,
    label: str | None,
    frozen: str | None,
    check: bool,
) -> None:
    """Make the marks on 20 of each TP (by default all), and the final mark.

    The rules are those of nbjudge.configure_marks in nbgrader_config.py, the class is
    that of students.csv (docs/marks.md). Nothing is graded. Exit code: 0; 1 if something
    needs a look (nobody of that name in the roll, nothing handed in, not graded,
    provisional; with --diff: a mark moved); 2 if it could not run.
    """
    _refuse_nonsense(locals())
    course = open_course(context)
    if check:
        _verify(course)
        return
    if frozen is not None:
        _diff(course, frozen, exam, second_session)
        return
    from rich.console import Console

    from nbjudge.marking.class_marks import class_marks

    if label is not None and label in course.assignments():
        raise click.UsageError(
            f"--freeze {label} would call the state so; write --freeze= (or --freeze=LABEL) before "
            "names of TPs."
        )
    _refuse_to_lose(course, [csv_path, xlsx_path, json_path], [exam, second_session])
    made = class_marks(course, assignments, exam=exam, second_session=second_session)
    # Programs read what is on standard output.
    console = Console(stderr=str(json_path) == "-", highlight=False)
    if who is not None:
        _explain(console, course, made, who)
        return
    _show(console, made)
    _write(console, made, csv_path, xlsx_path, json_path, french=french)
    if label is not None:
        from nbjudge.marking.freeze import freeze

        state = freeze(course, made, label, french=french)
        _say(
            console,
            [f"Frozen: {state.folder}", f"Its digest, for the minutes: sha256 {state.digest}"],
        )
    if made.problems:
        sys.exit(LOOK)


def _refuse_nonsense(options: dict[str, Any]) -> None:
    """Refuse options that do not go together, before anything is read."""
    given = {name for name, value in options.items() if value not in (None, False, ())}
    given -= {"context"}
    if options["label"] is not None:
        given.add("label")
    if "second_session" in given and not given & {"exam", "frozen"}:
        raise click.UsageError("--second-session replaces marks of the exam: give --exam, too.")
    writing = {"csv_path", "xlsx_path", "json_path", "label"}
    if "frozen" in given and given & ({"assignments", "who", "check"} | writing):
        raise click.UsageError(
            "--diff compares the TPs of the frozen state; it goes with --exam and "
            "--second-session only."
        )
    if "who" in given and given & (writing | {"check"}):
        raise click.UsageError("--explain is about one student: it writes no files.")
    if "check" in given and given - {"check"}:
        raise click.UsageError("--verify looks at every frozen state: give it alone.")
    if "french" in given and not given & writing:
        raise click.UsageError("--french says how --csv, --xlsx or --freeze write.")


def _refuse_to_lose(
    course: Course, outputs: Iterable[Path | None], tables: Iterable[Path | None]
) -> None:
    """Refuse to write over what is read, over a frozen state, or twice over the same file."""
    from nbjudge.marking.roll import ROLL

    taken = {path.resolve() for path in (course.root / ROLL, *tables) if path is not None}
    kept = (course.root / ".nbjudge").resolve()
    for path in outputs:
        if path is None or str(path) == "-":
            continue
        if path.resolve() in taken or kept in path.resolve().parents:
            raise click.UsageError(f"{path} would be lost: write the marks to another file.")
        taken.add(path.resolve())


def _say(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(shown(line), markup=False, soft_wrap=True)


def _show(console: Console, made: ClassMarks) -> None:
    from nbjudge.marking import screen

    console.print(screen.table(made))
    _say(console, screen.legend(made))
    _say(console, screen.look_at(made))


def _explain(console: Console, course: Course, made: ClassMarks, who: str) -> None:
    from nbjudge.marking.contestation import regrades_of
    from nbjudge.marking.explain import explained

    one = made.find(who)
    _say(console, explained(made, one, regrades_of(course, one.student.id)))


def _write(
    console: Console,
    made: ClassMarks,
    csv_path: Path | None,
    xlsx_path: Path | None,
    json_path: Path | None,
    *,
    french: bool,
) -> None:
    """Write what was asked for: all is made before the first file is written."""
    from nbjudge.marking.document import to_document, to_text
    from nbjudge.marking.export import to_csv, to_xlsx
    from nbjudge.records import write_whole

    files: dict[Path, bytes] = {}
    if csv_path is not None:
        files[csv_path] = to_csv(made, french=french)
    if xlsx_path is not None:
        files[xlsx_path] = to_xlsx(made, french=french)
    if json_path is not None:
        files[json_path] = to_text(to_document(made)).encode()
    for path, data in files.items():
        if str(path) == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            continue
        # Marks are for nobody else on this machine.
        write_whole(path, data)
        _say(console, [f"Written: {path}"])


def _verify(course: Course) -> None:
    from nbjudge.marking.freeze import verify

    wrong = verify(course)
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        sys.exit(LOOK)
    click.echo("Every frozen state is as it was written.")


def _diff(course: Course, name: str, exam: Path | None, second_session: Path | None) -> None:
    from nbjudge.errors import UnknownNameError
    from nbjudge.marking.class_marks import class_marks
    from nbjudge.marking.diff import moves, rules_changed
    from nbjudge.marking.document import exams_of, to_document
    from nbjudge.marking.freeze import read_frozen

    state = read_frozen(course, name)
    old = state.document
    if second_session is not None and exam is None:
        raise UnknownNameError("--second-session replaces marks of the exam: give --exam, too.")
    made = class_marks(
        course,
        list(old["assignments"]),
        exam=exam,
        second_session=second_session,
        exams=exams_of(old) if exam is None else None,
    )
    new = to_document(made)
    click.echo(f"Since {state.name} ({old['frozen']['when']}):")
    for sentence in rules_changed(old, new):
        click.echo(f"  {sentence}")
    found = moves(old, new)
    for move in found:
        name = f" ({move.name})" if move.name else ""
        why = f": {'; '.join(move.why)}" if move.why else ""
        click.echo(shown(f"  {move.student}{name}: {move.what}: {move.old} to {move.new}{why}"))
    students = len({move.student for move in found})
    click.echo(f"{len(found)} marks of {students} students moved." if found else "No mark moved.")
    if found:
        sys.exit(LOOK)


@click.command()
@click.argument("assignments", nargs=-1, metavar="[TP]...")
@click.pass_context
@says_how_it_ended
def extensions(context: click.Context, assignments: tuple[str, ...]) -> None:
    """Grant the extensions of students.csv in the gradebook, for nbgrader's late penalties.

    The next `nbjudge grade TP` computes penalties again, and executes nothing for it.
    """
    from nbjudge.marking.extensions import grant_extensions

    found = grant_extensions(open_course(context), assignments)
    for one in found:
        click.echo(shown(f"{one.student}: {one.assignment}: {one.now} (before: {one.before})"))
    click.echo(f"{len(found)} extensions granted.")


@click.command()
@click.argument("assignment", metavar="TP")
@click.option("--student", required=True, metavar="ID", help="Whose submission.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the log.")
@click.option("--dry-run", is_flag=True, help="Store nothing, log nothing.")
@click.pass_context
@says_how_it_ended
def regrade(
    context: click.Context, assignment: str, student: str, reason: str, dry_run: bool
) -> None:
    """Grade the submission of a student to a TP again, and log who asked why.

    With the seeds of the first time; what has changed since (tests, nbjudge, libraries)
    is said. Shows old and new points of each question. Points given by hand stay, and are
    flagged for review. Exit code: 0; 1 if a mark moved; 2 if it could not run.
    """
    from nbjudge.marking import contestation

    course = open_course(context)
    made = contestation.regrade(course, assignment, student, reason, dry_run=dry_run)
    click.echo(shown(f"{student}: {assignment}"))
    for line in contestation.lines(made):
        click.echo(shown(line))
    for warning in made.warnings:
        click.echo(shown(f"note: {warning}"))
    if made.stored:
        click.echo(f"Logged: {course.root / contestation.LOG}")
    if made.moved:
        sys.exit(LOOK)
