"""Late penalties: nbgrader's plug-in says them; here is what each one was computed from.

A penalty depends on nothing that was executed: where the due date, an extension, the time of
arrival or a score given by hand has changed, it is asked for again and the notebook is left alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from nbjudge.config_text import canonical
from nbjudge.errors import ConfigurationError
from nbjudge.imports import load_jsonschema

_DEFAULT = "nbgrader.plugins.LateSubmissionPlugin"

Basis = list[Any] | None
"""What a notebook's penalty was computed from, as JSON gives it back; None for one in time."""


def basis(seconds_late: float, score: float, plugin: str) -> Basis:
    """Return what a penalty is computed from.

    Parameters
    ----------
    seconds_late
        After the student's own due date.
    score
        Of the notebook, before the penalty.
    plugin
        Its :func:`fingerprint`.
    """
    # The database and we may add in another order.
    return [seconds_late, round(score, 6), plugin] if seconds_late > 0 else None


def fingerprint(config: Any) -> str:
    """Return a digest of the course's plug-in: its code and the configuration it reads.

    Nothing is imported for it; nbgrader's own plug-in is known by nbgrader's version.
    """
    kind = config.get("AssignLatePenalties", {}).get("plugin_class", _DEFAULT)
    name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    top = name.partition(".")[0]
    # Our own options are no plug-in's: how notebooks run, what is made of their points.
    read = {name: options for name, options in config.items() if not name.startswith("NbJudge")}
    digest = hashlib.sha256(json.dumps([name, canonical(read)]).encode())
    for path in () if top == "nbgrader" else _code(top):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _code(module: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(module)
        files = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
        if files:
            return sorted(path for folder in files for path in folder.rglob("*.py"))
        return [Path(spec.origin)] if spec and spec.origin and Path(spec.origin).is_file() else []
    except (ImportError, ValueError):  # loaded from the configuration file itself
        file = getattr(sys.modules.get(module), "__file__", None)
        return [Path(file)] if file else []


class Penalties:
    """The course's plug-in, made once for a run.

    Parameters
    ----------
    config
        The course's configuration.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        self._step: Any = None
        self.fingerprint = fingerprint(config)

    def of(self, gradebook: Any, submission: Any, notebook: Any) -> float | None:
        """Return the penalty of one submitted notebook, as nbgrader's own step assigns it.

        Parameters
        ----------
        gradebook
            nbgrader's, open.
        submission, notebook
            Its rows.

        Raises
        ------
        ConfigurationError
            If the plug-in stops.
        """
        if submission.total_seconds_late <= 0:
            return None
        student, assignment = submission.student_id, submission.assignment.name
        try:
            step = self._made()
            # A plug-in may look at them: it is told no more than whose penalty it is.
            step.student_id, step.assignment_id = student, assignment
            step.notebook_id, step.gradebook = notebook.name, gradebook
            penalty = step.plugin_inst.late_submission_penalty(
                student, notebook.score, submission.total_seconds_late
            )
            if penalty is None:
                return None
            return float(step._check_late_penalty(notebook, penalty))
        except Exception as error:  # the plug-in is the course's: anything may go wrong in it
            raise ConfigurationError(
                f"Asking for the late penalty of {student} in {assignment}/{notebook.name}: "
                f"{type(error).__name__}: {error}. See c.AssignLatePenalties.plugin_class."
            ) from error

    def _made(self) -> Any:
        if self._step is None:
            load_jsonschema()
            from nbgrader.preprocessors import AssignLatePenalties

            self._step = AssignLatePenalties(config=self._config)
            self._step.init_plugin()
        return self._step
