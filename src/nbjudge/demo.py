"""The course's sample class, graded from end to end in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from nbjudge.course import CONFIG, Course, load_course
from nbjudge.errors import ConfigurationError, HiddenTestError
from nbjudge.sample import Sample, read_samples

SAMPLES = Path("tests") / "submissions"


def run_demo(course: Course, output: Path | None) -> None:
    """Build, submit, grade, write marks and feedback; say where to look.

    Raises
    ------
    ConfigurationError
        If the folder is there and was not made by this command.
    HiddenTestError
        If a sample submission gets other points than its description promises.
    """
    from nbjudge.cli import run_class
    from nbjudge.feedback import write_feedback
    from nbjudge.marks import to_csv
    from nbjudge.parallel import default_workers
    from nbjudge.produce import solution_version, student_version, write_folder

    folder = output or course.root / "demo"
    _make_folder(course, folder)
    made = load_course(folder)
    for name in made.assignments():
        samples_folder = course.root / SAMPLES / name
        assignment = made.compile(name)
        released = student_version(made, assignment)
        write_folder(made.folder("release") / name, released)
        solved = solution_version(made, assignment)
        write_folder(made.folder("solution") / name, solved)
        if not samples_folder.is_dir():
            continue
        first = f"{assignment.notebooks[0].name}.ipynb"
        samples = read_samples(samples_folder, assignment, released[first], solved[first])
        submit(made, name, samples)
        report = run_class(made, name, (), default_workers())
        marks = folder / f"marks-{name}.csv"
        marks.write_text(to_csv(report.assignment, report.marks), "utf-8")
        click.echo(f"Writing the feedback of {name}.")
        feedback = write_feedback(made, name)
        wrong = [
            f"  {sample.student}: {', '.join(lines)}"
            for sample in samples
            if (
                lines := broken_promises(
                    sample, {row.student: dict(row.points) for row in report.marks}
                )
            )
        ]
        if wrong:
            raise HiddenTestError(
                "These sample submissions did not get what their description promises:\n"
                + "\n".join(wrong)
            )
        click.echo(f"All {len(samples)} sample submissions of {name} have the marks they promise.")
        click.echo(f"Marks:      {marks}")
        click.echo(f"Feedback:   {feedback}/<student>/{name}/{name}.html")
        click.echo(f"Graded:     {made.folder('autograded')}/<student>/{name}/")
    click.echo(f"Formgrader: cd {folder} && jupyter lab (menu Nbgrader, Formgrader)")


def submit(course: Course, name: str, samples: list[Sample]) -> None:
    """Put sample submissions where a collection would."""
    for sample in samples:
        path = course.folder("submitted") / sample.student / name / sample.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
        for beside, data in sample.files.items():
            (path.parent / beside).write_bytes(data)


def broken_promises(sample: Sample, marks: dict[str, dict[str, float]]) -> list[str]:
    """Return what differs between the points a sample got and those it must get."""
    got = marks.get(sample.student)
    if got is None:
        return ["not graded"]
    return [
        f"{name} {got.get(name)} instead of {points:g}"
        for name, points in sample.expected.items()
        if abs(got.get(name, -1.0) - points) > 1e-9
    ]


_MARK = ".made-by-nbjudge-demo"


def _make_folder(course: Course, folder: Path) -> None:
    if folder.exists():
        if not (folder / _MARK).exists():
            raise ConfigurationError(
                f"Making the demonstration: {folder} is there and was not made by this command. "
                "Name another folder with --output."
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("Made by `nbjudge demo`; it may be deleted.\n", "utf-8")
    shutil.copy2(course.root / CONFIG, folder / CONFIG)
    for name in ("source", "judge"):
        if (course.root / name).is_dir():
            shutil.copytree(course.root / name, folder / name)
