"""Grading one notebook: a pure function of upload, assignment, settings and secret.

There is no database here and no course folder: ``nbgrader autograde``, formgrader's button and
``nbjudge grade`` all call :func:`grade_notebook` and store what it returns.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbjudge
from nbjudge import i18n
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.classic import classic_verdict
from nbjudge.document import Output, build_document, number
from nbjudge.errors import HiddenTestError, JudgeProcessError
from nbjudge.i18n import gettext as _
from nbjudge.inert import printable
from nbjudge.judge import Load
from nbjudge.judge_process import JudgeProcess, JudgeTimeout, ProbeAnswer
from nbjudge.kernel import CellRun, KernelSetup, Outcome, SealedKernel
from nbjudge.limits import Limits
from nbjudge.rebuild import Rebuilt, RunCell, rebuild
from nbjudge.scratch import temporary_folder
from nbjudge.secret import seed_for
from nbjudge.settings import Settings
from nbjudge.titles import cell_names
from nbjudge.verdict import CellTiming, Part, Result, Status, Verdict
from nbjudge.warm import Warmth


def grade_notebook(
    upload: Upload,
    assignment: Assignment,
    notebook: str,
    settings: Settings,
    secret: bytes,
    again: Sequence[bytes] = (),
    warmth: Warmth | None = None,
) -> Result:
    """Run and judge one submitted notebook; whatever it holds, every question gets a verdict.

    Parameters
    ----------
    upload
        The bytes that the student handed in.
    assignment
        The instructor's side.
    notebook
        Name of the notebook of the assignment, without extension.
    settings
        Language, limits, mode.
    secret
        The course's secret, from which every question's seed is derived.
    again
        Further secrets: each question that is judged from outside is judged with theirs too, in
        its place in the notebook, after its verdict.
    warmth
        Where kernel and judge may be forked from; None starts each anew. The marks are the same.

    Raises
    ------
    UnknownNameError
        If the assignment has no such notebook.
    MachineError
        If this computer cannot run a sealed kernel, or the judge process.
    """
    i18n.use_language(settings.language)
    source = assignment.notebook(notebook)
    rebuilt = rebuild(upload.notebook, source, settings.limits)
    if not rebuilt.readable:
        return _unreadable(source, rebuilt, assignment, secret)
    session = _Session(
        assignment,
        source,
        rebuilt,
        upload,
        settings,
        secret,
        strict=False,
        again=again,
        warmth=warmth,
    )
    return session.result()


def prove_reference(assignment: Assignment, settings: Settings, secret: bytes) -> list[Result]:
    """Grade the reference itself, before any student: it must earn every point.

    Returns
    -------
    list of Result
        One for each notebook of the assignment.

    Raises
    ------
    HiddenTestError
        If a test cell fails on the reference, naming it: the teacher's error, never a zero.
    """
    i18n.use_language(settings.language)
    results = []
    for source in assignment.notebooks:
        cells = tuple(
            RunCell(
                origin=cell,
                cell_type=cell.cell_type,
                source=cell.source if cell.is_students else cell.release_source,
                answered=True,
                missing=False,
                repairs=(),
            )
            for cell in source.cells
        )
        rebuilt = Rebuilt(cells=cells, notes=(), log=(), readable=True)
        session = _Session(
            assignment, source, rebuilt, Upload(notebook=b""), settings, secret, strict=True
        )
        try:
            result = session.result()
        except HiddenTestError as error:
            raise HiddenTestError(_with_way_out(str(error)), error.detail) from error
        lost = [verdict for verdict in result.verdicts if not _is_clean(verdict)]
        if lost:
            raise HiddenTestError(_reference_sentence(source, lost, result))
        results.append(result)
    return results


def _is_clean(verdict: Verdict) -> bool:
    """Whether the reference passed: every point, and no check that failed after the last."""
    if verdict.status is Status.MANUAL:
        return True
    return verdict.status is Status.PASSED and not verdict.message


def _with_way_out(sentence: str) -> str:
    return sentence if "nbjudge-inside" in sentence else f"{sentence}\n{_WAY_OUT}"


def _reference_sentence(source: SourceNotebook, lost: list[Verdict], result: Result) -> str:
    lines = [f"The reference solution of {source.name} fails its own tests:"]
    for verdict in lost:
        lines.append(
            f"  {verdict.grade_id}: {verdict.points:g} of {verdict.max_points:g}. {verdict.message}"
        )
        details = [verdict.detail, *(f"{part.what}: {part.detail}" for part in verdict.parts)]
        lines += [f"    {line}" for text in details for line in text.splitlines()[-12:]]
    lines += [f"  {line}" for line in (*result.notes, *result.log)]
    lines.append(_WAY_OUT)
    return "\n".join(lines)


_WAY_OUT = (
    "Correct the test or the solution. If the cell cannot be judged from outside, give it the "
    "tag nbjudge-inside: it then runs, hidden part included, in the student's sealed kernel."
)


def provenance(assignment: Assignment, secret: bytes) -> dict[str, str]:
    """Return what is needed to replay a result: versions, and a fingerprint of the secret."""
    return {
        "engine": nbjudge.__version__,
        "assignment": assignment.version,
        "secret": hashlib.sha256(b"fingerprint" + secret).hexdigest()[:16],
    }


def _unreadable(
    source: SourceNotebook, rebuilt: Rebuilt, assignment: Assignment, secret: bytes
) -> Result:
    message = _("The file could not be read: {why}").format(why=" ".join(rebuilt.notes))
    verdicts = tuple(_zero(cell, Status.UNREADABLE, message) for cell in source.graded)
    document = build_document(
        source, rebuilt.cells, {}, {}, {v.grade_id: v for v in verdicts}, rebuilt.notes
    )
    return Result(
        notebook=source.name,
        verdicts=verdicts,
        document=document,
        notes=rebuilt.notes,
        log=rebuilt.log,
        provenance=provenance(assignment, secret),
    )


def _zero(cell: SourceCell, status: Status, message: str, detail: str = "") -> Verdict:
    return Verdict(
        grade_id=cell.grade_id or "",
        status=status,
        points=0.0,
        max_points=cell.points,
        message=message,
        detail=detail,
    )


@dataclass
class _Trace:
    """What happened so far."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    outputs: dict[int, Sequence[Output]] = field(default_factory=dict)
    counts: dict[int, int | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    timings: list[CellTiming] = field(default_factory=list)
    objects: dict[str, Sequence[str]] = field(default_factory=dict)
    again: dict[str, list[Verdict]] = field(default_factory=dict)
    output_bytes: int = 0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


class _OutOfTime(Exception):
    """The notebook used up its time, or its restarts; the sentence for the student."""


class _Session:
    """One notebook, one judge process, as many kernels as accidents ask for."""

    def __init__(
        self,
        assignment: Assignment,
        source: SourceNotebook,
        rebuilt: Rebuilt,
        upload: Upload,
        settings: Settings,
        secret: bytes,
        *,
        strict: bool,
        again: Sequence[bytes] = (),
        warmth: Warmth | None = None,
    ) -> None:
        self._again = again
        self._warmth = warmth
        self._assignment = assignment
        self._source = source
        self._rebuilt = rebuilt
        self._upload = upload
        self._settings = settings
        self._secret = secret
        self._strict = strict
        self._limits: Limits = settings.limits
        self._trace = _Trace(notes=list(rebuilt.notes), log=list(rebuilt.log))
        self._positions = {cell.cell_id: i for i, cell in enumerate(source.cells)}
        self._kernel: SealedKernel | None = None
        self._starts = 0
        self._killers: set[int] = set()
        self._endless: set[int] = set()
        self._done: list[int] = []
        self._deadline = self._end = 0.0
        self._late = False
        self._stopped = ""

    def result(self) -> Result:
        """Run everything; return the result."""
        started = time.monotonic()
        self._deadline = started + self._limits.notebook_seconds
        self._end = self._deadline + self._limits.notebook_seconds
        needs_judge = any(c.kind is Kind.TEST and c.mode == "outside" for c in self._source.cells)
        load = Load(
            notebook=self._source,
            files=dict(self._assignment.files),
            judge_files=dict(self._assignment.judge_files),
            language=self._settings.language,
            reply_bytes=self._limits.reply_bytes,
            memory_bytes=self._limits.judge_memory_bytes,
            strict=self._strict,
            objects=self._assignment.objects.get(self._source.name, {}),
        )
        judge = JudgeProcess(load, self._settings, self._warmth)
        with temporary_folder("files-") as folder:
            self._files = self._lay_out(folder)
            try:
                if needs_judge:
                    judge.start()  # gets ready while the kernel starts
                for position, cell in enumerate(self._rebuilt.cells):
                    self._step(position, cell, judge)
            finally:
                judge.close()
                self._close_kernel()
        trace = self._trace
        verdicts = tuple(trace.verdicts[cell.grade_id or ""] for cell in self._source.graded)
        document = build_document(
            self._source,
            self._rebuilt.cells,
            trace.outputs,
            trace.counts,
            trace.verdicts,
            trace.notes,
        )
        return Result(
            notebook=self._source.name,
            verdicts=verdicts,
            document=document,
            notes=tuple(trace.notes),
            log=tuple(trace.log),
            timings=tuple(trace.timings),
            seconds=time.monotonic() - started,
            cpu_seconds=trace.cpu_seconds,
            judge_cpu_seconds=judge.cpu_seconds,
            memory_bytes=trace.memory_bytes,
            restarts=max(0, self._starts - 1),
            provenance=provenance(self._assignment, self._secret),
            objects=trace.objects,
            again=trace.again,
        )

    def _lay_out(self, folder: Path) -> dict[str, Path]:
        files = {}
        for path, data in self._assignment.files.items():
            if path in self._assignment.editable and path in self._upload.files:
                continue  # the student's own is among the uploads
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            files[path] = target
        return files

    # One cell.

    def _step(self, position: int, cell: RunCell, judge: JudgeProcess) -> None:
        origin = cell.origin
        if origin is not None and origin.kind in (Kind.MANUAL, Kind.TASK):
            self._trace.verdicts[origin.grade_id or ""] = _by_hand(origin, cell)
        if cell.cell_type != "code":
            return
        try:
            if origin is not None and origin.kind is Kind.TEST:
                self._test(position, origin, judge)
            elif cell.source.strip():
                self._run(position, cell)
                self._done.append(position)
        except _OutOfTime as stop:
            if not self._stopped:
                self._stopped = str(stop)
                self._trace.notes.append(self._stopped)
            if origin is not None and origin.kind is Kind.TEST:
                zero = _zero(origin, Status.TIMEOUT, self._stopped)
                self._trace.verdicts.setdefault(origin.grade_id or "", zero)

    def _run(self, position: int, cell: RunCell) -> CellRun:
        """Run a cell in the kernel, keep its outputs; note what it broke."""
        run = self._in_kernel(position, cell.source)
        if run.outcome in (Outcome.OK, Outcome.ERROR):
            return run
        name = self._called(position, cell)
        (self._endless if run.outcome is Outcome.TIMEOUT else self._killers).add(position)
        self._trace.notes.append(_accident(run.outcome, name))
        return run

    def _in_kernel(self, position: int, code: str) -> CellRun:
        kernel = self._live_kernel()
        room = min(
            self._limits.output_bytes,
            max(0, self._limits.notebook_output_bytes - self._trace.output_bytes),
        )
        seconds = self._seconds(self._limits.cell_seconds)
        run = kernel.run(code, seconds=seconds, output_bytes=room)
        self._trace.outputs[position] = list(run.outputs)
        self._trace.counts[position] = run.execution_count
        self._trace.output_bytes += sum(len(str(output)) for output in run.outputs)
        cell = self._rebuilt.cells[position]
        self._trace.timings.append(CellTiming(name=self._name(position, cell), seconds=run.seconds))
        if run.truncated:
            self._trace.outputs[position] = [
                *run.outputs,
                _stderr(_("[The output of this cell was too long and has been cut.]")),
            ]
        return run

    def _test(self, position: int, origin: SourceCell, judge: JudgeProcess) -> None:
        name = origin.grade_id or ""
        if origin.mode == "inside":
            self._trace.verdicts[name] = _readable(self._test_inside(position, origin))
            return
        # Judged first: what the visible part does when it is shown can cost no point any more.
        self._trace.verdicts[name] = _readable(self._judge(origin, judge, self._secret))
        for secret in self._again:
            verdict = _readable(self._judge(origin, judge, secret))
            self._trace.again.setdefault(name, []).append(verdict)
        alive = self._kernel is not None and self._kernel.alive
        if origin.release_source.strip() and alive:
            self._in_kernel(position, origin.release_source)

    def _test_inside(self, position: int, origin: SourceCell) -> Verdict:
        run = self._in_kernel(position, origin.source)
        if run.outcome in (Outcome.OK, Outcome.ERROR):
            return classic_verdict(
                origin.grade_id or "",
                origin.points,
                run.outputs,
                run.seconds,
                raised=run.outcome is Outcome.ERROR,
                ignored_stderr=self._settings.ignored_stderr,
            )
        name = cell_names(self._source)[origin.cell_id]
        return _zero(origin, _STATUS[run.outcome], _accident(run.outcome, name))

    def _judge(self, origin: SourceCell, judge: JudgeProcess, secret: bytes) -> Verdict:
        kernel = self._live_kernel()
        name = origin.grade_id or ""

        def probe(request: bytes) -> ProbeAnswer:
            if time.monotonic() >= self._end:
                return "stuck", b""
            reply = kernel.probe(request, seconds=self._seconds(self._limits.probe_seconds))
            if reply.outcome is Outcome.OK:
                return "ok", reply.data
            return reply.outcome.value, b""

        seed = seed_for(secret, self._assignment.version, name)
        try:
            data = judge.judge(
                self._positions[origin.cell_id],
                seed,
                seconds=self._limits.judge_seconds,
                probe=probe,
            )
        except JudgeTimeout:
            return _zero(
                origin,
                Status.TIMEOUT,
                _("The tests did not come to an end with your result."),
                f"the judge took more than {self._limits.judge_seconds:g} s",
            )
        except HiddenTestError as error:
            place = f"Judging {name!r} of {self._source.name}: "
            raise HiddenTestError(place + str(error), error.detail) from error
        except JudgeProcessError as error:
            # What a student's values can do to the judge ends here; the reference passed.
            if self._strict:
                raise
            self._trace.log.append(f"{name}: {error}")
            return _zero(origin, Status.ERROR, _("The tests stopped on your result."), str(error))
        self._trace.objects[name] = data["objects"]
        return Verdict(
            grade_id=name,
            status=Status(data["status"]),
            points=float(data["points"]),
            max_points=origin.points,
            message=data["message"],
            detail=data["detail"],
            parts=tuple(Part(**part) for part in data["parts"]),
            seconds=data["seconds"],
            false_alarm=data["false_alarm"],
        )

    def _seconds(self, limit: float) -> float:
        """Return how long a cell or probe may take now.

        When the notebook's time is used up, what is left is still run and judged, in haste: an
        endless loop in one answer must not cost the questions after it.
        """
        left = self._deadline - time.monotonic()
        late = self._limits.late_seconds
        if left <= 0 and not self._late:
            self._late = True
            self._trace.notes.append(
                _(
                    "The notebook took more than {seconds} s; each cell that follows had only "
                    "{late} s."
                ).format(seconds=number(self._limits.notebook_seconds), late=number(late))
            )
        return min(limit, max(left, late))

    # The kernel.

    def _live_kernel(self) -> SealedKernel:
        """Return the running kernel; after an accident a new one, brought to the same point.

        Raises
        ------
        _OutOfTime
            If the notebook has used up its time or its restarts.
        """
        while True:
            if time.monotonic() >= self._end:
                raise _OutOfTime(
                    _("The notebook took more than {seconds} s; what follows was not run.").format(
                        seconds=number(2 * self._limits.notebook_seconds)
                    )
                )
            if self._kernel is not None and self._kernel.alive:
                return self._kernel
            self._close_kernel()
            if self._starts > self._limits.restarts:
                raise _OutOfTime(
                    _("The kernel stopped {count} times; what follows was not run.").format(
                        count=self._starts
                    )
                )
            self._starts += 1
            self._kernel = SealedKernel(self._setup())
            self._kernel.start()
            self._replay(self._kernel)

    def _replay(self, kernel: SealedKernel) -> None:
        """Run again what had been run, without the cells that killed the kernel."""
        for position in self._done:
            if position in self._killers:
                continue
            if time.monotonic() >= self._end:
                return
            cell = self._rebuilt.cells[position]
            limit = self._limits.cell_seconds
            if position in self._endless:
                limit = min(limit, self._limits.late_seconds)
            run = kernel.run(cell.source, seconds=self._seconds(limit), output_bytes=0)
            if not kernel.alive:
                self._killers.add(position)
                self._trace.notes.append(_accident(run.outcome, self._called(position, cell)))
                return

    def _setup(self) -> KernelSetup:
        settings = self._settings
        seed = seed_for(self._secret, self._assignment.version, f"kernel:{self._source.name}")
        return KernelSetup(
            kernel_name=settings.kernel_name or self._source.kernel_name,
            files=self._files,
            uploads={
                path: data for path, data in self._upload.files.items() if path not in self._files
            },
            limits=self._limits,
            readonly=settings.readonly,
            environment=dict(settings.environment),
            unsealed=settings.unsealed,
            seed=int.from_bytes(seed[:4]),
            warmth=self._warmth,
            figures=settings.figures,
        )

    def _close_kernel(self) -> None:
        if self._kernel is not None:
            self._trace.cpu_seconds += self._kernel.cpu_seconds()
            self._kernel.close()
            self._trace.memory_bytes = max(self._trace.memory_bytes, self._kernel.peak_bytes)
            self._kernel = None

    def _called(self, position: int, cell: RunCell) -> str:
        """Return what a sentence calls a cell."""
        if cell.origin is not None:
            return cell_names(self._source)[cell.origin.cell_id]
        return _("cell {number}").format(number=position + 1)

    def _name(self, position: int, cell: RunCell) -> str:
        if cell.origin is not None and cell.origin.grade_id:
            return cell.origin.grade_id
        return f"cell {position + 1}"


_MESSAGE, _DETAIL = 2_000, 20_000
"""Characters kept of a sentence for the student, of a detail for the instructor."""


def _readable(verdict: Verdict) -> Verdict:
    """Return a verdict that every file, page and terminal takes: students' words are in it."""

    def detail(text: str) -> str:
        if len(text) > _DETAIL:  # values stand at the beginning, what stopped the test at the end
            text = f"{text[: _DETAIL // 2]}\n[...]\n{text[-_DETAIL // 2 :]}"
        return printable(text, len(text))

    parts = tuple(
        replace(part, message=printable(part.message, _MESSAGE), detail=detail(part.detail))
        for part in verdict.parts
    )
    message = printable(verdict.message, _MESSAGE)
    return replace(verdict, message=message, detail=detail(verdict.detail), parts=parts)


_STATUS = {
    Outcome.TIMEOUT: Status.TIMEOUT,
    Outcome.STUCK: Status.TIMEOUT,
    Outcome.DIED: Status.DIED,
    Outcome.MEMORY: Status.MEMORY,
    Outcome.PROCESSES: Status.MEMORY,
}


def _by_hand(origin: SourceCell, cell: RunCell) -> Verdict:
    if origin.kind is Kind.MANUAL and not cell.answered:
        return _zero(origin, Status.UNDEFINED, _("This question has not been answered."))
    return Verdict(
        grade_id=origin.grade_id or "",
        status=Status.MANUAL,
        points=None,
        max_points=origin.points,
        message=_("To be graded by hand."),
    )


def _accident(outcome: Outcome, name: str) -> str:
    sentences = {
        Outcome.TIMEOUT: _("{name} took too long and was interrupted."),
        Outcome.STUCK: _(
            "{name} took too long and could not be interrupted; "
            "the kernel was restarted without it."
        ),
        Outcome.DIED: _("{name} stopped the kernel, which was restarted without it."),
        Outcome.MEMORY: _(
            "{name} used more memory than allowed; the kernel was restarted without it."
        ),
        Outcome.PROCESSES: _(
            "{name} started more processes than allowed; the kernel was restarted without it."
        ),
    }
    return sentences[outcome].format(name=name)


def _stderr(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": text + "\n"}
