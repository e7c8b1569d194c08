"""Grading a whole class from a course folder: plan, prove, grade in parallel, store."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import DiskFull, MachineError, NbJudgeError, UnknownNameError
from nbjudge.gradebook import read_standings, scores_of
from nbjudge.lateness import Penalties
from nbjudge.marks import Row, rows
from nbjudge.parallel import Graded, Scheduler, grade_many, refuse_in_worker
from nbjudge.plan import Need, Planner, Task
from nbjudge.proof import proved
from nbjudge.receipts import Receipt, stopping_when_full
from nbjudge.records import keep_removed
from nbjudge.result_key import Ground, ground, upload_digest
from nbjudge.secret import course_secret
from nbjudge.store import Store, is_timestamp
from nbjudge.storing import Writer
from nbjudge.submissions import Submission, read_submission, students_with
from nbjudge.writer_lock import only_writer


@dataclass
class ClassReport:
    """What grading a class came to."""

    assignment: Assignment
    marks: list[Row] = field(default_factory=list)
    graded: list[str] = field(default_factory=list)
    """Students whose submission was executed and stored."""
    stored: list[str] = field(default_factory=list)
    """Those of whom only the time of arrival and the late penalties were written again."""
    unchanged: list[str] = field(default_factory=list)
    """Those of whom all was stored already."""
    failed: dict[str, NbJudgeError] = field(default_factory=dict)
    """Students whose submission this machine could not grade, and why."""
    why: dict[str, str] = field(default_factory=dict)
    """Why a submission was graded or stored again."""
    receipts: dict[str, Receipt] = field(default_factory=dict)
    """Of what is stored now."""
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Students whose files plain nbgrader would not have graded."""

    def take(self, student: str, receipt: Receipt, said: Sequence[str]) -> None:
        """Note what was stored of a submission."""
        self.receipts[student] = receipt
        self.warnings += said


@dataclass(frozen=True, kw_only=True)
class _Class:
    """What is known before anything is graded."""

    course: Course
    assignment: Assignment
    secret: bytes
    ground: Ground
    tasks: tuple[Task, ...]
    penalties: Penalties
    report: ClassReport

    def submission(self, student: str) -> Submission:
        folder = self.course.folder("submitted") / student / self.assignment.name
        return read_submission(folder, student, self.assignment, self.course.settings.limits)

    def needing(self, need: Need) -> list[Task]:
        return [task for task in self.tasks if task.need is need]


def plan_class(
    course: Course, name: str, *, students: Sequence[str] = (), force: bool = False
) -> list[Task]:
    """Return what :func:`grade_class` would do; nothing is graded and nothing is stored."""
    return list(_prepare(course, name, students, force=force).tasks)


def grade_class(
    course: Course,
    name: str,
    *,
    students: Sequence[str] = (),
    workers: int = 1,
    scheduler: Scheduler | None = None,
    force: bool = False,
    progress: Callable[[Graded, int], None] | None = None,
) -> ClassReport:
    """Grade the submissions of an assignment; store marks, graded notebooks, records.

    A submission whose stored result has the same key (:mod:`nbjudge.result_key`) is not executed
    again.

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
    scheduler
        A Dask cluster in their place.
    force
        Whether those that did not change are graded again.
    progress
        Called after each submission that is graded, with it and the number of those.

    Raises
    ------
    UnknownNameError
        If there is no such assignment, student or submission.
    HiddenTestError
        If the reference itself fails a test.
    ConfigurationError
        If a script calls this outside of ``if __name__ == "__main__":``, or if another process is
        grading this course.
    DiskFull
        If there is no room left; what was stored before stays.
    MachineError
        If this computer cannot grade.
    """
    refuse_in_worker()
    with only_writer(course.root, name):
        known = _prepare(course, name, students, force=force)
        report = known.report
        if any(task.need is not Need.NOTHING for task in known.tasks):
            known = _work(known, workers, scheduler, progress)
        report.assignment = known.assignment
        report.unchanged = [task.student for task in known.needing(Need.NOTHING)]
        shown = {*report.graded, *report.stored, *report.unchanged}
        scores = scores_of(read_standings(course.db_url, name))
        report.marks = [
            row for row in rows(known.assignment, scores) if row.student in shown or not students
        ]
    return report


def _prepare(course: Course, name: str, students: Sequence[str], *, force: bool) -> _Class:
    """Find out what is to be done."""
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
    secret = course_secret(course.root)
    penalties = Penalties(course.config)
    planner = Planner(
        root=course.root,
        autograded=course.folder("autograded"),
        ground=ground(assignment, settings, secret),
        standings=read_standings(course.db_url, name),
        plugin=penalties.fingerprint,
        force=force,
    )
    tasks = []
    for student in present if not students else sorted(set(students)):
        try:
            student.encode()
        except UnicodeEncodeError:
            report.warnings.append(
                f"{student.encode('utf-8', 'replace').decode()}: not graded, the name of the "
                "folder is not in UTF-8; rename it."
            )
            continue
        # Read now for its key, and again when it is graded: the class need not fit in memory.
        folder = submitted / student / name
        submission = read_submission(folder, student, assignment, settings.limits)
        task = planner.task(submission)
        tasks.append(task)
        if task.why:
            report.why[student] = task.why
        if task.need is Need.NOTHING and task.receipt is not None:
            report.receipts[student] = task.receipt
        if not _nbgrader_sees(submitted, submission):
            report.unseen.append(student)
    return _Class(
        course=course,
        assignment=assignment,
        secret=secret,
        ground=planner.ground,
        tasks=tuple(tasks),
        penalties=penalties,
        report=report,
    )


def _work(
    known: _Class,
    workers: int,
    scheduler: Scheduler | None,
    progress: Callable[[Graded, int], None] | None,
) -> _Class:
    """Grade and store what needs it."""
    course, report = known.course, known.report
    to_grade = known.needing(Need.GRADE)
    if to_grade:
        assignment = proved(course.root, known.assignment, course.settings, known.secret)
        known = replace(known, assignment=assignment)
    with Store(course.db_url, course.course_id) as store:
        report.warnings += store.sync(known.assignment, partial(keep_removed, course.root))
        writer = Writer(
            course=course,
            assignment=known.assignment,
            ground=known.ground,
            penalties=known.penalties,
            store=store,
        )
        for task in known.needing(Need.STORE):
            with _kept(known, task.student, report.stored):
                assert task.receipt is not None  # noqa: S101 - the plan says so
                said = writer.write_times(known.submission(task.student), task.receipt)
                report.take(task.student, *said)
        # What a group has handed in, each of its members has: it is executed once.
        members: dict[str, list[str]] = {}
        for task in to_grade:
            members.setdefault(task.key, []).append(task.student)
        groups = {students[0]: students for students in members.values()}
        # A warm parent takes as long to start as one cold notebook: one for each would be waste.
        pays = scheduler is not None or len(groups) > workers
        grading = grade_many(
            (known.submission(student) for student in groups),
            known.assignment,
            replace(course.settings, warm=course.settings.warm and pays),
            known.secret,
            workers=workers,
            scheduler=scheduler,
        )
        # However this ends, the workers end with it.
        with closing(grading):
            for one in grading:
                for student in groups[one.submission.student]:
                    submission = _store(known, writer, student, one)
                    if progress is not None:
                        # What could not be stored counts as failed, too.
                        error = report.failed.get(student)
                        progress(replace(one, submission=submission, error=error), len(to_grade))
    report.graded.sort()
    return known


def _store(known: _Class, writer: Writer, student: str, graded: Graded) -> Submission:
    """Store what was graded for one who handed just that in; return their submission."""
    submission = graded.submission
    if student != submission.student:
        submission = known.submission(student)
    with _kept(known, student, known.report.graded):
        if graded.error is not None:
            raise graded.error
        if upload_digest(submission) != upload_digest(graded.submission):
            raise MachineError(
                f"Grading {submission.assignment} of {student}: when this run began the files were "
                f"those of {graded.submission.student}, which were graded for both; one of the two "
                f"has changed since. Grade {student} again."
            )
        known.report.take(student, *writer.write(submission, graded.results))
    return submission


@contextmanager
def _kept(known: _Class, student: str, done: list[str]) -> Iterator[None]:
    """Note a submission as done, or why it is not; only a full disk ends the run."""
    try:
        with stopping_when_full(f"Writing what was graded of {student}"):
            yield
    except DiskFull as error:
        raise DiskFull(
            f"{error} What was stored before stays. Make room, and give the command again: it goes "
            "on from there."
        ) from error
    except NbJudgeError as error:
        known.report.failed[student] = error
    except OSError as error:
        known.report.failed[student] = MachineError(
            f"Writing the graded notebooks of {student}: {error}. Grade {student} again when that "
            "has been put right."
        )
    else:
        done.append(student)


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
