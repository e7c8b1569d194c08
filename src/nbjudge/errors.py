"""Every error that nbjudge raises, split by who must act.

A student's fault is never an error: it is a :class:`~nbjudge.verdict.Verdict`.

    NbJudgeError
    ├── TeacherError                 the course's author or grader must act
    │   ├── NotebookError            a source notebook is not usable
    │   ├── HiddenTestError          a test fails on the reference, or cannot be judged
    │   ├── ConfigurationError       nbgrader_config.py or an option is wrong
    │   ├── TableError               a table of students or marks cannot be used
    │   ├── ArchiveError             a zip of submissions cannot be used
    │   └── UnknownNameError         no such assignment, student, question
    ├── MachineError                 this computer, or its administrator
    │   ├── SandboxUnavailable       bubblewrap or namespaces are missing
    │   ├── KernelStartError         a kernel did not start
    │   ├── JudgeStartError          the judge process did not start
    │   ├── JudgeProcessError        the judge process died or spoke nonsense
    │   ├── WorkerDied               a grading process was killed
    │   ├── ClusterError             a Dask cluster is lost, or no worker of it may grade
    │   ├── GradingFault             a fault of nbjudge's own
    │   └── DiskFull                 no room for what was graded
    └── WireError                    bytes from a sandbox are not what the format says

Each class hands all its arguments to ``Exception.__init__``, so that every error
survives pickling: in a process pool an error that does not would replace the real one.
"""

from __future__ import annotations


class NbJudgeError(Exception):
    """Base of all errors of nbjudge; ``str(error)`` is a sentence for a person."""


class TeacherError(NbJudgeError):
    """Something that the author of the course or the person grading must put right."""


class NotebookError(TeacherError):
    """A source notebook cannot be used as it is."""


class HiddenTestError(TeacherError):
    """A test cell fails on the reference solution, or cannot be judged from outside.

    Parameters
    ----------
    message
        What is wrong with which cell, and what to try.
    detail
        A traceback for the instructor, or nothing.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message, detail)
        self.detail = detail

    def __str__(self) -> str:
        return str(self.args[0])


class ConfigurationError(TeacherError):
    """``nbgrader_config.py``, an environment variable or an option is wrong."""


class TableError(TeacherError):
    """A table of students or marks (the roll, an exam's) cannot be used as it is."""


class ArchiveError(TeacherError):
    """A zip of submissions cannot be used, or may do harm."""


class UnknownNameError(TeacherError):
    """An assignment, notebook, student or question of this name does not exist."""


class MachineError(NbJudgeError):
    """Something that this computer, or its administrator, must put right."""


class SandboxUnavailable(MachineError):
    """No sandbox can be made here.

    Parameters
    ----------
    cause
        What was found, in a sentence.
    way_out
        What to do about it, exactly.
    """

    def __init__(self, cause: str, way_out: str) -> None:
        super().__init__(cause, way_out)
        self.cause = cause
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.cause} {self.way_out}"


class KernelStartError(MachineError):
    """A kernel did not start, or did not answer in time."""


class JudgeStartError(MachineError):
    """The judge process did not start, or was not ready in time."""


class JudgeProcessError(MachineError):
    """The judge process died, or its words were not of the protocol."""


class WorkerDied(MachineError):
    """A worker process ended while it was grading."""


class ClusterError(MachineError):
    """A Dask cluster cannot be reached, or has no worker that may grade."""


class GradingFault(MachineError):
    """Grading a submission stopped in a way that is a fault of nbjudge's own."""


class DiskFull(MachineError):
    """There is no room left for what was graded: to go on would lose more."""


class WireError(NbJudgeError):
    """Bytes that came out of a sandbox are not what the format allows."""
