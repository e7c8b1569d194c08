"""Storing one submission, so that it can be interrupted anywhere.

In this order: its receipt is taken away; its points are committed to the gradebook, in one
transaction; its records are written; its folder in ``autograded/`` takes the place of the old one;
its receipt is written.  What has a receipt is stored whole; all else is graded again by the next
run (:mod:`nbjudge.plan`), which writes the same over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.imports import load_jsonschema
from nbjudge.lateness import Penalties
from nbjudge.produce import write_folder
from nbjudge.receipts import (
    Receipt,
    record_stamps,
    stamps,
    sweep,
    timings_of,
    verdicts_of,
    withdraw,
    write_receipt,
)
from nbjudge.records import write_record, write_whole
from nbjudge.result_key import Ground
from nbjudge.store import Store
from nbjudge.submissions import Submission
from nbjudge.verdict import Result

_TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True, kw_only=True)
class Writer:
    """The one that writes: gradebook, records, ``autograded/``, receipts."""

    course: Course
    assignment: Assignment
    ground: Ground
    """What results depend on beside the uploads."""
    penalties: Penalties
    store: Store

    def write(self, submission: Submission, results: Sequence[Result]) -> tuple[Receipt, list[str]]:
        """Write all of a graded submission; return its receipt and what is to be said of it.

        Raises
        ------
        NbJudgeError
            If the gradebook does not take it, or the late penalties' plug-in stops.
        OSError
            If a file cannot be written.
        """
        root, name = self.course.root, self.assignment.name
        folder = self._folder(submission.student)
        withdraw(root, submission.student, name)
        sweep(root, folder, submission.student, name)
        saved = self.store.save(
            self.assignment, submission.student, submission.timestamp, results, self.penalties
        )
        for result in results:
            write_record(root, submission.student, name, result)
        files = _autograded_files(self.assignment, submission, results)
        write_folder(folder, files, permissions=self.course.permissions)
        notebooks = [result.notebook for result in results]
        receipt = Receipt(
            key=asdict(self.ground.key(submission)),
            timestamp=submission.timestamp,
            late=saved.late,
            verdicts=verdicts_of(results),
            seconds={result.notebook: round(result.seconds, 3) for result in results},
            timings={result.notebook: timings_of(result) for result in results},
            graded=stamps(folder, sorted(files)),
            records=record_stamps(root, submission.student, name, notebooks),
        )
        write_receipt(root, submission.student, name, receipt)
        said = [f"{submission.student}: {line}" for result in results for line in result.log]
        return receipt, said + ([saved.complaint] if saved.complaint else [])

    def write_times(self, submission: Submission, receipt: Receipt) -> tuple[Receipt, list[str]]:
        """Write the time of arrival and late penalties of a submission that stays as it is.

        Its receipt can stay meanwhile: it says another time, or another penalty, until the end.
        What is raised is what :meth:`write` raises.
        """
        folder = self._folder(submission.student)
        saved = self.store.save(
            self.assignment, submission.student, submission.timestamp, (), self.penalties
        )
        graded = dict(receipt.graded)
        if submission.timestamp != receipt.timestamp:
            graded.pop(_TIMESTAMP, None)
            (folder / _TIMESTAMP).unlink(missing_ok=True)
            data = _timestamp(self.assignment, submission)
            if data is not None:
                # Not in the folder: what nbgrader finds there, it copies.
                write_whole(
                    folder / _TIMESTAMP, data, permissions=self.course.permissions, beside=folder
                )
                graded |= stamps(folder, [_TIMESTAMP])
        receipt = replace(receipt, timestamp=submission.timestamp, late=saved.late, graded=graded)
        write_receipt(self.course.root, submission.student, self.assignment.name, receipt)
        return receipt, [saved.complaint] if saved.complaint else []

    def _folder(self, student: str) -> Path:
        return self.course.folder("autograded") / student / self.assignment.name


def _timestamp(assignment: Assignment, submission: Submission) -> bytes | None:
    if submission.timestamp is not None:
        return submission.timestamp.encode()
    return assignment.files.get(_TIMESTAMP)


def _autograded_files(
    assignment: Assignment, submission: Submission, results: Sequence[Result]
) -> dict[str, bytes]:
    """Return what ``autograded/`` holds of a submission: what nbgrader itself would write there."""
    load_jsonschema()
    import nbformat

    files: dict[str, bytes] = {}
    # Feedback is written beside what is copied from here: a folder of its name would be in the way.
    pages = {f"{notebook.name}.html" for notebook in assignment.notebooks}
    for upload in submission.uploads.values():
        files.update((k, v) for k, v in upload.files.items() if Path(k).parts[0] not in pages)
    files.update({k: v for k, v in assignment.files.items() if k not in assignment.editable})
    if submission.timestamp is not None:
        files[_TIMESTAMP] = submission.timestamp.encode()
    for result in results:
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
