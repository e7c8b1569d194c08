"""Grading a whole class from a course folder: read, prove, grade in parallel, store."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import NbJudgeError, UnknownNameError
from nbjudge.marks import Row, rows
from nbjudge.parallel import Graded, grade_many
from nbjudge.produce import write_folder
from nbjudge.proof import ensure_proved
from nbjudge.records import write_record
from nbjudge.secret import course_secret
from nbjudge.store import Store
from nbjudge.submissions import Submission, read_submission, students_with


@dataclass
class ClassReport:
    """What grading a class came to."""

    assignment: Assignment
    marks: list[Row] = field(default_factory=list)
    graded: list[str] = field(default_factory=list)
    failed: dict[str, NbJudgeError] = field(default_factory=dict)
    """Students whose submission this machine could not grade, and why."""
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Students whose files plain nbgrader would not have graded."""


def grade_class(
    course: Course,
    name: str,
    *,
    students: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[Graded, int], None] | None = None,
) -> ClassReport:
    """Grade the submissions of an assignment; store marks, graded notebooks, records.

    Parameters
    ----------
    course
        Where everything lies.
    name
        The assignment.
    students
        Only these; all when empty.
    workers
        Processes.
    progress
        Called after each submission with it and the number of submissions.

    Raises
    ------
    UnknownNameError
        If there is no such assignment, student or submission.
    HiddenTestError
        If the reference itself does not earn full marks.
    MachineError
        If this computer cannot grade.
    """
    settings = course.settings
    i18n.use_language(settings.language)
    assignment = course.compile(name)
    submitted = course.folder("submitted")
    present = students_with(submitted, name)
    unknown = sorted(set(students) - set(present))
    if unknown or not present:
        missing = unknown[0] if unknown else "<student>"
        raise UnknownNameError(
            f"Grading {name}: there is no folder {submitted}/{missing}/{name}."
            f" Submissions are there of: {', '.join(present[:20]) or 'nobody'}."
        )
    chosen = [student for student in present if not students or student in students]
    secret = course_secret(course.root)
    ensure_proved(course.root, assignment, settings, secret)
    report = ClassReport(assignment)
    submissions = [
        read_submission(submitted / student / name, student, assignment, settings.limits)
        for student in chosen
    ]
    report.unseen = [s.student for s in submissions if not _nbgrader_sees(s, assignment)]
    with Store(course.db_url, course.course_id) as store:
        report.warnings += store.sync(assignment)
        for graded in grade_many(submissions, assignment, settings, secret, workers=workers):
            _keep(course, assignment, graded, store, report)
            if progress is not None:
                progress(graded, len(submissions))
        report.marks = [
            row
            for row in rows(assignment, store.scores(name))
            if row.student in report.graded or not students
        ]
    return report


def _keep(
    course: Course, assignment: Assignment, graded: Graded, store: Store, report: ClassReport
) -> None:
    submission = graded.submission
    student = submission.student
    if graded.error is not None:
        report.failed[student] = graded.error
        return
    complaint = store.open_submission(assignment.name, student, submission.timestamp)
    if complaint:
        report.warnings.append(complaint)
    for result in graded.results:
        store.record(assignment, student, result)
        store.late_penalty(assignment.name, student, result.notebook, course.config)
        write_record(course.root, student, assignment.name, result)
        report.warnings += [f"{student}: {line}" for line in result.log]
    files: dict[str, bytes] = {}
    for upload in submission.uploads.values():
        files.update(upload.files)
    files.update(assignment.files)
    if submission.timestamp:
        files["timestamp.txt"] = submission.timestamp.encode()
    for result in graded.results:
        text = json.dumps(result.document, ensure_ascii=False, indent=1, sort_keys=True)
        files[f"{result.notebook}.ipynb"] = (text + "\n").encode()
    write_folder(course.folder("autograded") / student / assignment.name, _plain(files))
    report.graded.append(student)


def _plain(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what would lie outside the folder, or in the way of another file."""
    return {
        path: data
        for path, data in files.items()
        if not Path(path).is_absolute()
        and ".." not in Path(path).parts
        and not any(str(parent) in files for parent in Path(path).parents)
    }


def _nbgrader_sees(submission: Submission, assignment: Assignment) -> bool:
    """Whether plain ``nbgrader autograde`` would reach this submission at all.

    It globs ``*.ipynb`` directly in the folder; our hook renames, but without one such file there
    is nothing that nbgrader would call us for.
    """
    found = submission.found.values()
    return any("/" not in path and path.endswith(".ipynb") for path in found)
