"""``nbjudge.configure(c)``: all that a course's ``nbgrader_config.py`` needs.

Every line sets an option of nbgrader that its documentation describes; nothing is replaced
behind its back.  What an instructor sets after the call wins.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from traitlets import Bool, Float, TraitError
from traitlets.config.loader import DeferredConfig

from nbjudge.errors import ConfigurationError
from nbjudge.i18n import LANGUAGES
from nbjudge.limits import Limits
from nbjudge.settings import Mode, Settings

STUBS = {
    "en": ("# YOUR CODE HERE", "raise NotImplementedError()", "YOUR ANSWER HERE"),
    "fr": ("# À COMPLÉTER", 'raise NotImplementedError("À compléter")', "*Votre réponse ici.*"),
}
"""Python's comment, its statement, and the text, that stand for a solution in the release."""


def configure(
    c: Any,
    *,
    language: str = "en",
    tests: Mode = "outside",
    limits: Mapping[str, float] | None = None,
    kernel_name: str | None = None,
    readonly: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    prove: bool = True,
    unsealed: bool = False,
    warm: bool = True,
    modules: Sequence[str] = (),
    figures: bool = True,
) -> None:
    """Make nbgrader grade in sealed kernels, judged from outside.

    Parameters
    ----------
    c
        nbgrader's configuration: ``get_config()`` in ``nbgrader_config.py``.
    language
        Of all sentences to students: ``"en"`` or ``"fr"``.
    tests
        ``"outside"``: test cells run in the judge. ``"inside"``: in the student's sealed kernel,
        as in stock nbgrader; for courses whose tests cannot be judged from outside.
    limits
        Any of :class:`nbjudge.limits.Limits` by name, in its unit.
    kernel_name
        The kernelspec to grade with; by default the notebook's own.
    readonly
        Further folders of this machine that notebooks may read (data sets).
    environment
        Further environment variables of the kernel.
    prove
        Grade the reference before the first student; a test that it fails is the teacher's error.
        Without it (False), nothing is known of where the reference has objects in place of plain
        values, and a student's object is asked everywhere: one that is equal to everything passes
        every test that compares with ``==``.
    unsealed
        Grade without a sandbox. Only for notebooks that you wrote yourself.
    warm
        Fork each notebook's kernel from a Python that has already imported what the assignment
        imports, which saves seconds a notebook. False starts a new Python for each: slower, and
        the marks are the same.
    modules
        Further modules for it to import: what many students use and the assignment does not.
    figures
        Draw the figures of graded notebooks, for their feedback. False runs the same cells and
        gives the same marks, but a line of text stands for each figure: where a notebook has many,
        drawing them is most of its time.

    Raises
    ------
    ConfigurationError
        Naming the option that is wrong.
    """
    _check(
        language=language,
        tests=tests,
        limits=dict(limits or {}),
        readonly=readonly,
        modules=modules,
    )
    c.NbJudge.language = language
    c.NbJudge.tests = tests
    c.NbJudge.limits = dict(limits or {})
    c.NbJudge.kernel_name = kernel_name
    c.NbJudge.readonly = [str(path) for path in readonly]
    c.NbJudge.environment = dict(environment or {})
    c.NbJudge.prove = prove
    c.NbJudge.unsealed = unsealed
    c.NbJudge.warm = warm
    c.NbJudge.modules = list(modules)
    c.NbJudge.figures = figures

    # Grading: the instructor's notebook takes the place of the upload, then one preprocessor
    # runs, judges, and records. The exporter reads no uploaded file; the hook finds renamed ones.
    c.Autograde.exporter_class = "nbjudge.bridge.UploadExporter"
    c.Autograde.pre_convert_hook = "nbjudge.bridge.before_autograde"
    c.Autograde.sanitize_preprocessors = []
    c.Autograde.autograde_preprocessors = [
        "nbjudge.bridge.Judge",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    # Making the student version: as nbgrader does, but test cells may come and go after
    # submissions have arrived; the exporter records them, before release/ is touched.
    c.GenerateAssignment.exporter_class = "nbjudge.bridge.ReleaseExporter"
    c.GenerateAssignment.preprocessors = [
        "nbgrader.preprocessors.IncludeHeaderFooter",
        "nbgrader.preprocessors.InstantiateTests",
        "nbgrader.preprocessors.LockCells",
        "nbgrader.preprocessors.ClearSolutions",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.CheckCellMetadata",
        "nbgrader.preprocessors.ComputeChecksums",
        "nbgrader.preprocessors.ClearHiddenTests",
        "nbgrader.preprocessors.ClearMarkScheme",
        "nbgrader.preprocessors.ComputeChecksums",
        "nbgrader.preprocessors.CheckCellMetadata",
        "nbjudge.bridge.CleanRelease",
    ]
    # The corrigé: solutions without hidden tests, marking schemes, markers or outputs.
    c.GenerateSolution.preprocessors = [
        "nbgrader.preprocessors.IncludeHeaderFooter",
        "nbgrader.preprocessors.InstantiateTests",
        "nbgrader.preprocessors.LockCells",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.ClearHiddenTests",
        "nbgrader.preprocessors.ClearMarkScheme",
        "nbjudge.bridge.CleanSolution",
    ]
    c.CourseDirectory.solution_directory = "solutions"
    # Feedback: points and sentences; nothing of the hidden tests.
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "nbjudge.bridge.ShowVerdicts",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    from nbjudge.feedback import template_folders

    c.HTMLExporter.extra_template_basedirs = template_folders()
    comment, statement, text = STUBS[language]
    c.ClearSolutions.code_stub = {
        "python": f"{comment}\n{statement}",
        "R": "# YOUR CODE HERE\nfail()",
        "matlab": "% YOUR CODE HERE\nerror('No Answer Given!')",
        "octave": "% YOUR CODE HERE\nerror('No Answer Given!')",
        "sas": "/* YOUR CODE HERE */\n %notImplemented;",
        "java": "// YOUR CODE HERE",
    }
    c.ClearSolutions.text_stub = text


def _check(
    *, language: Any, tests: Any, limits: dict[str, Any], readonly: Any, modules: Any
) -> None:
    """Refuse what :class:`~nbjudge.settings.Settings` would take without a word."""
    known = {field.name for field in fields(Limits)}
    for name, value in limits.items():
        if name not in known:
            raise ConfigurationError(
                f"nbjudge.configure: there is no limit {name!r}; there are: "
                f"{', '.join(sorted(known))}."
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value < math.inf:
            raise ConfigurationError(
                f"nbjudge.configure: the limit {name} must be a number > 0, got {value!r}."
            )
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"nbjudge.configure: language={language!r}; known are {', '.join(LANGUAGES)}."
        )
    if tests not in ("outside", "inside"):
        raise ConfigurationError(
            f'nbjudge.configure: tests={tests!r}; it must be "outside" or "inside".'
        )
    if isinstance(readonly, str) or not all(os.path.isabs(path) for path in readonly):
        raise ConfigurationError(
            f"nbjudge.configure: readonly={readonly!r}; it must be a list of absolute paths."
        )
    if isinstance(modules, str) or not all(
        isinstance(name, str) and all(part.isidentifier() for part in name.split("."))
        for name in modules
    ):
        raise ConfigurationError(
            f"nbjudge.configure: modules={modules!r}; it must be a list of names of modules."
        )


_EXECUTION = ("NotebookClient", "ExecutePreprocessor", "Execute")
"""Sections of nbgrader's own options for running notebooks, the later ones win."""


def settings_from(config: Any) -> Settings:
    """Return the settings that :func:`configure` wrote into a configuration.

    nbgrader's own options go on meaning what they mean: ``c.Execute.timeout`` (seconds a cell),
    ``c.Execute.kernel_name``, ``c.IgnorePattern``.

    Raises
    ------
    ConfigurationError
        If it was never called, or an option was set to a wrong value afterwards.
    """
    if "NbJudge" not in config or "language" not in config.NbJudge:
        raise ConfigurationError(
            "nbgrader_config.py does not call nbjudge.configure. Add to it:\n"
            "    import nbjudge\n    nbjudge.configure(c)"
        )
    own = config.NbJudge
    _check(
        language=own.get("language"),
        tests=own.get("tests"),
        limits=dict(own.get("limits", {})),
        readonly=own.get("readonly", ()),
        modules=own.get("modules", ()),
    )
    execution: dict[str, Any] = {}
    for section in _EXECUTION:
        execution |= dict(config.get(section, {}))
    if not _said(execution.get("enabled", True), Bool()):
        raise ConfigurationError(
            "c.Execute.enabled is False (--no-execute): scores would come from outputs that "
            "students hand in and can write themselves. nbjudge runs every notebook; leave the "
            "option out."
        )
    try:
        limits = dict(own.limits)
        timeout = _said(execution.get("timeout"), Float(allow_none=True))
        if not isinstance(timeout, int | float | None):
            raise ValueError(f"c.Execute.timeout is {timeout!r}, not a number of seconds")
        # None and -1 mean "no limit" to nbgrader; a notebook never runs without one here.
        if timeout is not None and timeout > 0:
            limits["cell_seconds"] = float(timeout)
        return Settings(
            language=str(own.language),
            tests="inside" if own.tests == "inside" else "outside",
            limits=Limits(**limits),
            kernel_name=execution.get("kernel_name") or own.kernel_name,
            unsealed=bool(_said(own.unsealed, Bool())),
            prove=bool(_said(own.prove, Bool())),
            readonly=tuple(str(path) for path in own.readonly),
            environment=tuple((str(k), str(v)) for k, v in dict(own.environment).items()),
            ignored_stderr=_ignored_stderr(config),
            warm=bool(_said(own.get("warm", True), Bool())),
            modules=tuple(own.get("modules", ())),
            figures=bool(_said(own.get("figures", True), Bool())),
        )
    except (TypeError, ValueError, AttributeError, TraitError, re.error) as error:
        raise ConfigurationError(f"Reading the options of nbgrader_config.py: {error}.") from error


def _said(value: Any, trait: Any) -> Any:
    """Return an option's value: what comes from the command line is text until a trait reads it."""
    return value.get_value(trait) if isinstance(value, DeferredConfig) else value


def _ignored_stderr(config: Any) -> str:
    options = dict(config.get("IgnorePattern", {}))
    enabled = _said(options.get("enabled", False), Bool())
    pattern = str(options.get("pattern", "")) if enabled else ""
    re.compile(pattern)
    return pattern
