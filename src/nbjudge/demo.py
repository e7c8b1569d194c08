"""The course's sample class, graded from end to end in a folder of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from nbjudge.course import CONFIG, Course, load_course
from nbjudge.errors import ConfigurationError, HiddenTestError, MachineError, UnknownNameError
from nbjudge.marks import LEGEND, Line, columns, tables, to_csv
from nbjudge.produce import solution_version, student_version, write_folder
from nbjudge.sample import PREFIX, Sample, read_samples

if TYPE_CHECKING:
    from rich.console import Console

    from nbjudge.classroom import ClassReport

SAMPLES = Path("tests") / "submissions"


def run_demo(course: Course, output: Path | None, chosen: Sequence[str] = ()) -> None:
    """Build, submit, grade, write marks and feedback; say where to look.

    Parameters
    ----------
    course
        With sample submissions in ``tests/submissions/<assignment>/<group>/``.
    output
        Folder to make; by default ``demo`` in the course.
    chosen
        Only these assignments; all that have a sample class when empty.

    Raises
    ------
    ConfigurationError
        If the folder is there and was not made by this command, or there is no sample class.
    UnknownNameError
        If a chosen assignment has none.
    HiddenTestError
        If a sample submission gets other points than its description promises.
    MachineError
        If this computer could not grade one.
    """
    from rich.console import Console

    console = Console(highlight=False)
    folder = (output or course.root / "demo").resolve()
    named = [name for name in course.assignments() if (course.root / SAMPLES / name).is_dir()]
    if not named:
        raise ConfigurationError(
            f"Making the demonstration: there is no sample class in {course.root / SAMPLES}."
        )
    for name in chosen:
        if name not in named:
            raise UnknownNameError(
                f"Making the demonstration of {name}: there is no sample class in "
                f"{course.root / SAMPLES / name}. There is one of: {', '.join(named)}."
            )
    named = [name for name in named if not chosen or name in chosen]
    _make_folder(course, folder)
    made = load_course(folder)
    broken: list[str] = []
    for name in named:
        marks = folder / ("marks.csv" if len(named) == 1 else f"marks-{name}.csv")
        broken += _Demo(console, course, made, name, marks).run()
    if broken:
        raise HiddenTestError(
            "These sample submissions did not get what their description promises:\n"
            + "\n".join(f"  {line}" for line in broken)
        )


@dataclass(frozen=True)
class _Demo:
    """One assignment of it."""

    console: Console
    course: Course
    """Where the samples are."""
    made: Course
    """Its copy, where they are graded."""
    name: str
    marks: Path

    def run(self) -> list[str]:
        """Return a line for every sample that did not get what it promises."""
        samples = self._build()
        report, seconds, workers = self._grade(len(samples))
        self.marks.write_text(to_csv(report.assignment, report.marks), "utf-8")
        by_student = {row.student: row for row in report.marks}
        shown = [
            Line(sample.student.removeprefix(PREFIX), by_student.get(sample.student), sample.group)
            for sample in samples
        ]
        for table in tables(columns(report.assignment), shown, self.console.width, "sample"):
            self.console.print()
            self.console.print(table)
        self._say(
            f"[dim]{LEGEND} {len(samples)} submissions in {_duration(seconds)}, "
            f"{workers} at a time.[/]"
        )
        self._say_what_needs_attention(report)
        if report.failed:
            raise MachineError(
                "This computer could not grade:\n"
                + "\n".join(f"  {name}: {error}" for name, error in report.failed.items())
            )
        with self.console.status(f"Writing the feedback of {self.name}"):
            feedback = self._write_feedback()
        broken = [
            f"{sample.group}/{sample.student}: {', '.join(lines)}"
            for sample in samples
            if (lines := broken_promises(sample, {r.student: r.points for r in report.marks}))
        ]
        if not broken:
            self._say(
                f"[bold green]All {len(samples)} sample submissions of {self.name} have the marks "
                "they promise.[/]"
            )
        self._say_where_to_look(samples, feedback)
        return broken

    def _build(self) -> list[Sample]:
        """Make release and solutions, hand the samples in."""
        self._say(f"Building release/ and solutions/ of {self.name}, handing in the sample class.")
        assignment = self.made.compile(self.name)
        released = student_version(self.made, assignment)
        solved = solution_version(self.made, assignment)
        write_folder(self.made.folder("release") / self.name, released)
        write_folder(self.made.folder("solution") / self.name, solved)
        first = f"{assignment.notebooks[0].name}.ipynb"
        samples = read_samples(
            self.course.root / SAMPLES / self.name, assignment, released[first], solved[first]
        )
        submit(self.made, self.name, samples)
        # The group that promises most comes first.
        promised: dict[str, list[float]] = {}
        for sample in samples:
            promised.setdefault(sample.group, []).append(sum(sample.expected.values()))
        return sorted(samples, key=lambda s: (-mean(promised[s.group]), s.group))

    def _grade(self, total: int) -> tuple[ClassReport, float, int]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        from nbjudge.classroom import grade_class
        from nbjudge.parallel import Graded, default_workers

        started, workers = time.monotonic(), default_workers()
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        if not self.console.is_terminal:
            self._say(f"Proving the reference, then grading {total} submissions.")
        with bar:
            task = bar.add_task("proving the reference", total=total)

            def progress(graded: Graded, _total: int) -> None:
                student = graded.submission.student
                bar.update(task, advance=1, description=f"grading; {student} is done")

            report = grade_class(self.made, self.name, workers=workers, progress=progress)
        return report, time.monotonic() - started, workers

    def _write_feedback(self) -> Path:
        from nbjudge.feedback import write_feedback
        from nbjudge.parallel import default_workers

        return write_feedback(self.made, self.name, workers=default_workers())

    def _say_what_needs_attention(self, report: ClassReport) -> None:
        if report.unseen:
            self._say(
                f"Plain `nbgrader autograde` would not see {len(report.unseen)} of these files "
                f"(`nbjudge grade` does): {', '.join(report.unseen)}."
            )
        for warning in report.warnings:
            self.console.print(f"note: {warning}", markup=False)

    def _say_where_to_look(self, samples: Sequence[Sample], feedback: Path) -> None:
        assignment = self.made.compile(self.name)
        maxima = columns(assignment)
        # The page of one that earned a part of a question has most to show.
        partly = (
            sample
            for sample in samples
            if any(0 < points < maxima.get(q, 0) for q, points in sample.expected.items())
        )
        student = next(partly, samples[0]).student
        page = Path(student, self.name, assignment.notebooks[0].name)
        graded = self.made.folder("autograded")
        patches = self.course.root / SAMPLES / self.name
        root = near(self.made.root)
        places = {
            "Marks per question": near(self.marks),
            "Feedback, for students": f"{near(feedback / page)}.html",
            "Graded notebooks": f"{near(graded / page)}.ipynb",
            "What each sample does": f"{near(patches)}/<group>/<name>.py",
            "Why points were lost": f"nbjudge --course {root} explain {self.name} {student}",
            "In the browser": f"cd {root} && jupyter lab  (menu Nbgrader, Formgrader)",
        }
        for what, where in places.items():
            # Paths are for copying: never wrapped.
            self.console.print(f"{what + ':':<24}{where}", markup=False, soft_wrap=True)

    def _say(self, sentence: str) -> None:
        self.console.print(sentence)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def near(path: Path) -> str:
    """Return a path as one would type it here: relative, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


# The pieces that the tests of the sample class use too.


def submit(course: Course, name: str, samples: Sequence[Sample]) -> None:
    """Put sample submissions where a collection would."""
    for sample in samples:
        path = course.folder("submitted") / sample.student / name / sample.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
        for beside, data in sample.files.items():
            target = path.parent / beside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def broken_promises(sample: Sample, marks: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """Return what differs between the points a sample got and those it must get."""
    got = marks.get(sample.student)
    if got is None:
        return ["not graded"]
    broken = []
    for name, points in sample.expected.items():
        earned = got.get(name)
        if earned is None or abs(earned - points) > 1e-9:
            broken.append(f"{name} {earned} instead of {points:g}")
    return broken


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
