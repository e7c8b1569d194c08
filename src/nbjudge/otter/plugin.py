"""The plugin through which otter has nbjudge judge a submission.

Otter would run tests in the student's own process. Here that process runs an empty notebook: the
student's runs in a kernel that nbjudge starts, test cells in its judge, as in ``nbjudge grade``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from otter.plugins import AbstractOtterPlugin
from otter.test_files.abstract_test import TestCase, TestCaseResult

from nbjudge.i18n import gettext as _
from nbjudge.otter.carried import FOLDER, Carried, read_carried
from nbjudge.report.pseudonyms import anonymous
from nbjudge.verdict import Result, Verdict


class Judged(AbstractOtterPlugin):  # type: ignore[misc] # otter has no types
    """Puts nbjudge's verdicts in the place of otter's."""

    _carried: Carried
    _result: Result

    def before_execution(self, _submission: Any) -> Any:
        """Grade the submission; return the notebook that otter is to execute: an empty one."""
        path = Path(self.submission_path)
        self._carried = read_carried(path.parents[1] / "source" / FOLDER)
        self._result = self._carried.grade(path.parent)
        return nbformat.v4.new_notebook()

    def after_grading(self, results: Any) -> None:
        """Fill in the verdicts."""
        fill(results, self._result.verdicts, self._scrubber())

    def _scrubber(self) -> Callable[[str], str]:
        """Return what takes names out of sentences: they may quote what a student wrote."""
        if self.plugin_config.get("names"):
            return str
        users = self.submission_metadata.get("users") or ()
        names = [str(user.get(key) or "") for user in users for key in ("name", "email")]
        (notebook,) = self._carried.assignment.notebooks
        texts = [cell.source for cell in notebook.cells]
        return anonymous(self._carried.secret, filter(None, names), (), texts).scrub


def fill(results: Any, verdicts: Sequence[Verdict], scrub: Callable[[str], str] = str) -> None:
    """Put verdicts in the place of what otter has found.

    Parameters
    ----------
    results
        Otter's ``GradingResults``, with a test file for each question.
    verdicts
        What a person must decide is left out: it is for Gradescope's own pages.
    scrub
        Applied to every sentence.
    """
    if results.has_catastrophic_failure():
        return  # nothing was graded, and otter says so
    for verdict in verdicts:
        if verdict.points is None:
            continue
        found = results.get_result(verdict.grade_id)
        shares = _shares(verdict)
        found.test_cases = [
            TestCase(
                name=scrub(what),
                body=None,
                hidden=True,
                points=points,
                success_message=None,
                failure_message=None,
            )
            for what, points, _earned, _message in shares
        ]
        found.test_case_results = [
            TestCaseResult(test_case=case, message=scrub(message), passed=earned)
            for case, (_what, _points, earned, message) in zip(
                found.test_cases, shares, strict=True
            )
        ]
        found.all_or_nothing = False
        found.update_score(verdict.points)


def _shares(verdict: Verdict) -> list[tuple[str, float, bool, str]]:
    """Return what a verdict's points consist of: each share, its points, if earned, a sentence."""
    parts = verdict.parts
    shares = [(part.what, part.max_points, part.points, part.message) for part in parts]
    rest = verdict.max_points - sum(part.max_points for part in parts)
    if not shares:
        shares = [(verdict.grade_id, verdict.max_points, verdict.points or 0.0, verdict.message)]
    elif rest > 0 and not math.isclose(rest, 0, abs_tol=1e-9):
        why = verdict.message or _("not reached, an earlier check failed")
        shares.append((verdict.grade_id, rest, 0.0, why))
    return [
        (what, most, points >= most, f"{points:g} / {most:g}\n{message}".strip())
        for what, most, points, message in shares
    ]
