"""Grading a whole class from a course folder: read, prove, grade in parallel, store."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import MachineError, NbJudgeError, UnknownNameError
from nbjudge.imports import load_jsonschema
from nbjudge.lateness import Penalties
from nbjudge.marks import Row, rows
from nbjudge.parallel import Graded, grade_many, refuse_in_worker
from nbjudge.produce import write_folder
from nbjudge.proof import proved
from nbjudge.records import keep_removed, write_record
from nbjudge.secret import course_secret
from nbjudge.store import Store, is_timestamp
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
        If the reference itself fails a test.
    ConfigurationError
        If a script calls this outside of ``if __name__ == "__main__":``.
    MachineError
        If this computer cannot grade.
    """
    refuse_in_worker()
    settings = course.settings
    i18n.use_language(settings.language)
    assignment = course.compile(name)
    submitted = course.folder("submitted")
    present = [s for s in students_with(submitted, name) if s not in course.excluded]
    unknown = sorted(set(students) - set(present))
    if unknown or not present:
        missing = unknown[0] if unknown else "<student>"
        raise UnknownNameError(
            f"Grading {name}: there is no folder {submitted}/{missing}/{name}."
            f" Submissions are there of: {', '.join(present[:20]) or 'nobody'}."
        )
    report = ClassReport(assignment)
    chosen = []
    for student in present if not students else sorted(set(students)):
        try:
            student.encode()
        except UnicodeEncodeError:
            report.warnings.append(
                f"{student.encode('utf-8', 'replace').decode()}: not graded, the name of the "
                "folder is not in UTF-8; rename it."
            )
        else:
            chosen.append(student)
    secret = course_secret(course.root)
    assignment = proved(course.root, assignment, settings, secret)

    def submissions() -> Iterator[Submission]:
        for student in chosen:
            folder = submitted / student / name
            submission = read_submission(folder, student, assignment, settings.limits)
            if not _nbgrader_sees(submitted, submission):
                report.unseen.append(student)
            yield submission

    with Store(course.db_url, course.course_id) as store:
        gone = store.sync(assignment, partial(keep_removed, course.root))
        report.warnings += gone
        for graded in grade_many(submissions(), assignment, settings, secret, workers=workers):
            _keep(course, assignment, graded, store, report)
            if progress is not None:
                progress(graded, len(chosen))
        report.marks = [
            row
            for row in rows(assignment, store.scores(name))
            if row.student in report.graded or not students
        ]
    report.graded.sort()
    return report


def _keep(
    course: Course, assignment: Assignment, graded: Graded, store: Store, report: ClassReport
) -> None:
    student = graded.submission.student
    try:
        if graded.error is not None:
            raise graded.error
        _write(course, assignment, graded, store, report)
    except NbJudgeError as error:
        report.failed[student] = error
    except OSError as error:
        report.failed[student] = MachineError(
            f"Writing the graded notebooks of {student}: {error}. Grade {student} again when that "
            "has been put right."
        )
    else:
        report.graded.append(student)


def _write(
    course: Course, assignment: Assignment, graded: Graded, store: Store, report: ClassReport
) -> None:
    submission = graded.submission
    student = submission.student
    saved = store.save(
        assignment, student, submission.timestamp, graded.results, Penalties(course.config)
    )
    if saved.complaint:
        report.warnings.append(saved.complaint)
    for result in graded.results:
        write_record(course.root, student, assignment.name, result)
        report.warnings += [f"{student}: {line}" for line in result.log]
    write_folder(
        course.folder("autograded") / student / assignment.name,
        _autograded_files(assignment, graded),
        permissions=course.permissions,
    )


def _autograded_files(assignment: Assignment, graded: Graded) -> dict[str, bytes]:
    """Return what ``autograded/`` holds of a submission: what nbgrader itself would write there."""
    load_jsonschema()
    import nbformat

    files: dict[str, bytes] = {}
    # Feedback is written beside what is copied from here: a folder of its name would be in the way.
    pages = {f"{notebook.name}.html" for notebook in assignment.notebooks}
    for upload in graded.submission.uploads.values():
        files.update((k, v) for k, v in upload.files.items() if Path(k).parts[0] not in pages)
    files.update({k: v for k, v in assignment.files.items() if k not in assignment.editable})
    if graded.submission.timestamp is not None:
        files["timestamp.txt"] = graded.submission.timestamp.encode()
    for result in graded.results:
        text = nbformat.writes(nbformat.from_dict(result.document))
        files[f"{result.notebook}.ipynb"] = (text.rstrip("\n") + "\n").encode()
    return _plain(files)


def _plain(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what would lie outside the folder, or in the way of another file."""
    return {
        path: data
        for path, data in files.items()
        if not Path(path).is_absolute()
        and ".." not in Path(path).parts
        and not any(str(parent) in files for parent in Path(path).parents)
    }


_COPIED = 4_000
"""Bytes of a path: its copy in ``autograded/`` may be longer, and none may have 4 096."""


def _nbgrader_sees(submitted: Path, submission: Submission) -> bool:
    """Whether plain ``nbgrader autograde`` would grade this submission.

    It wants an ``*.ipynb`` directly in the folder (our hook finds renamed ones), copies every
    other file (a pipe, a broken link or a path that is too long stops it), and stops on a
    timestamp that is none.
    """
    folder = submitted / submission.student / submission.assignment
    # Its own pattern: a student's id with [brackets] in it is none of its files.
    if not glob.glob(f"{folder}/*.ipynb"):
        return False
    if submission.timestamp and not is_timestamp(submission.timestamp):
        return False
    for directory, _folders, names in os.walk(folder):
        for name in names:
            path = Path(directory, name)
            if name.endswith(".ipynb"):
                continue
            if not path.is_file() or len(os.fsencode(path.absolute())) > _COPIED:
                return False
    return True
