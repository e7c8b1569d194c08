"""What grading a class has to do: for each submission whether it is executed again, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nbjudge.gradebook import Standing
from nbjudge.lateness import basis
from nbjudge.receipts import Receipt, disagreement, read_receipt
from nbjudge.result_key import Ground
from nbjudge.submissions import Submission


class Need(StrEnum):
    """What a submission needs."""

    GRADE = "grade"
    """To be executed and judged."""
    STORE = "store"
    """Only its time of arrival and its late penalties are to be written again."""
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One submission."""

    student: str
    need: Need
    why: str
    """In some words; empty where nothing is needed."""
    key: str
    """Of its result: two with the same have the same."""
    receipt: Receipt | None = None
    """Of what is stored, where that stays."""


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Decides for submissions of one class."""

    root: Path
    """The course's folder."""
    autograded: Path
    """Where graded notebooks lie, by student."""
    ground: Ground
    standings: Mapping[str, Standing]
    """What the gradebook says."""
    plugin: str
    """The fingerprint of the late penalties' plug-in."""
    force: bool = False
    """Whether all are graded again."""

    def task(self, submission: Submission) -> Task:
        """Return what a submission needs, and why."""
        student, assignment = submission.student, submission.assignment
        standing = self.standings.get(student)
        receipt = read_receipt(self.root, student, assignment)

        key = self.ground.key(submission)

        def needs(need: Need, why: str) -> Task:
            return Task(student=student, need=need, why=why, key=key.digest, receipt=receipt)

        if receipt is None:
            said = "new" if standing is None else "no earlier grading of it came to its end"
            return needs(Need.GRADE, said)
        changes = key.changes(receipt.key)
        if changes:
            return needs(Need.GRADE, ", ".join(changes))
        if self.force:
            return needs(Need.GRADE, "forced")
        graded = self.autograded / student / assignment
        wrong = disagreement(receipt, standing, graded, self.root, (student, assignment))
        if wrong or standing is None:
            return needs(Need.GRADE, wrong)
        if submission.timestamp != receipt.timestamp:
            return needs(Need.STORE, "its time of arrival changed")
        for notebook, part in standing.parts.items():
            now = basis(standing.seconds_late, part.score, self.plugin)
            if now != receipt.late.get(notebook) or (now is None and part.penalty):
                return needs(Need.STORE, "its late penalty is to be computed again")
        return needs(Need.NOTHING, "")
