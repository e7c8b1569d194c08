"""The judge process: executes whole test cells, outside, against the student's remote objects.

Run as ``python -m nbjudge.judge FD FOLDER``; started and killed by
:class:`nbjudge.judge_process.JudgeProcess`, one for each submission, so that a hidden ``while``
on a student's NaN ends with a verdict and not with a grader that hangs.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import pickle
import re
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nbjudge import i18n, remote, testing
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.errors import HiddenTestError, JudgeProcessError
from nbjudge.frames import Frame, receive_frame, send_frame
from nbjudge.i18n import gettext as _
from nbjudge.names import plain_python
from nbjudge.verdict import Status
from nbjudge.world import CellSpace, Owner, World, register_source


@dataclass(frozen=True)
class Load:
    """What the judge is given once."""

    notebook: SourceNotebook
    files: dict[str, bytes]
    judge_files: dict[str, bytes]
    language: str
    reply_bytes: int
    memory_bytes: int
    """Address space of the judge process."""
    strict: bool
    """The reference is being proved: the instructor's slips are errors."""


class TestSpace(CellSpace):
    """Names of a test cell: its own, the student's through the kernel, the instructor's."""

    __test__ = False  # not a test class for pytest

    def __init__(self, world: World, position: int, court: Court) -> None:
        super().__init__(world, position)
        self._court = court
        self._deleted: set[str] = set()
        self.touched = False
        """Whether anything of the student's was used."""

    def __missing__(self, name: str) -> Any:
        owner = self._world.owner(name, self._position)
        if owner is Owner.STUDENT:
            return self._theirs(name)
        if owner is Owner.HELPER and self._world.define_in(self, name, self._position):
            return dict.__getitem__(self, name)
        try:
            value = super().__missing__(name)
        except KeyError:
            if name == "display":
                return lambda *_args, **_kwargs: None
            value = self._court.earlier(name, self._position)
            self.touched = True
        else:
            if self._world.changed_by_an_answer(name, self._position):
                return self._theirs(name)
            self._court.compare_given(name, value)
        # One object for the whole cell, as in a notebook.
        dict.__setitem__(self, name, value)
        return value

    def _theirs(self, name: str) -> Any:
        self.touched = True
        return self._court.channel.name(name)

    def __setitem__(self, name: str, value: Any) -> None:
        # `del squares` and later `squares = saved`: a test of whether theirs is used.
        if name in self._deleted:
            self._deleted.discard(name)
            self._court.channel.bind(name, value)
            return
        self._court.refuse_replacement(name, value, self._position)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if not dict.__contains__(self, name) and self._world.students(name, self._position):
            self._court.channel.unbind(name)
            self._deleted.add(name)
            self.touched = True
            return
        super().__delitem__(name)


class Court:
    """Judges test cells of one submission; the backend of :mod:`nbjudge.testing`."""

    def __init__(self, load: Load, send: Callable[[bytes, str], bytes]) -> None:
        self.load = load
        self.world = World(load.notebook.cells, load.notebook.name)
        self.channel = remote.Channel(send, max_bytes=load.reply_bytes, strict=load.strict)
        self._seed = b""
        self._position = 0
        self._hidden_lines: frozenset[int] = frozenset()
        self._spaces: dict[int, TestSpace] = {}

    # The backend's side.

    def reference(self, name: str) -> Any:
        """Return the reference's value of a name."""
        return self.world.reference(name, self._position)

    def seed(self) -> bytes:
        """Return the seed of the question being judged."""
        return self._seed

    def probe(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a probe in the student's kernel."""
        return self.channel.probe(function, args, kwargs)

    def classify(self, error: Exception) -> tuple[str, str]:
        """Return (sentence for the student, detail for the instructor)."""
        return self._sentence(error)[1:]

    def credit_failed(self, error: Exception) -> bool:
        """Record it, and let the cell go on."""
        return True

    # The judging.

    def judge(self, position: int, seed: bytes) -> dict[str, Any]:
        """Execute the test cell at ``position``; return a verdict as plain data.

        Raises
        ------
        HiddenTestError
            While proving the reference: for what the instructor must put right.
        """
        cell = self.load.notebook.cells[position]
        self._position, self._seed = position, seed
        self._hidden_lines = cell.hidden_lines
        ledger: list[testing.Credit] = []
        token = testing.ledger.set(ledger)
        backend = testing.backend.set(self)
        started = time.monotonic()
        try:
            status, message, detail = self._execute(cell, position, seed)
        finally:
            testing.backend.reset(backend)
            testing.ledger.reset(token)
        verdict = self._tally(cell, ledger, status, message, detail)
        verdict["seconds"] = time.monotonic() - started
        return verdict

    def _execute(self, cell: SourceCell, position: int, seed: bytes) -> tuple[Status, str, str]:
        label = f"{self.load.notebook.name}:{cell.grade_id}"
        try:
            filename = register_source(label, cell.source)
            tree = ast.parse(plain_python(cell.source))
            code = compile(tree, filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise HiddenTestError(
                f"The test cell {cell.grade_id!r} is not Python: {error}."
            ) from error
        if self.load.strict:
            _refuse_commands(cell)
        # Student functions that draw from the global generators do so replayably.
        number = int.from_bytes(seed[:4])
        space = self._spaces[position] = TestSpace(self.world, position, self)
        try:
            self.channel.seed(number)
            _seed_here(number)
            exec(code, space)  # noqa: S102 - the instructor's own test
        except remote.KernelLost as lost:
            return _lost(lost.outcome)
        except HiddenTestError as error:
            if self.load.strict:
                raise
            return Status.ERROR, _unusable(type(error).__name__), traceback.format_exc()
        except SystemExit:
            return Status.ERROR, _unusable("SystemExit"), traceback.format_exc()
        except Exception as error:  # whatever a test meets in a student's values
            return self._sentence(error)
        if self.load.strict and cell.points and not space.touched:
            raise HiddenTestError(
                f"The test {cell.grade_id!r} uses no name of the student's: judged from outside, "
                "it holds whatever they answer."
            )
        return Status.PASSED, "", ""

    def earlier(self, name: str, position: int) -> Any:
        """Return what the last test cell before ``position`` that binds a name bound it to.

        Raises
        ------
        KeyError
            If none did.
        """
        for index in range(position - 1, -1, -1):
            cell = self.load.notebook.cells[index]
            if cell.kind is not Kind.TEST or name not in self.world.names[index].assigned:
                continue
            if index not in self._spaces:
                self._again(index)
            return dict.__getitem__(self._spaces[index], name)
        raise KeyError(name)

    def _again(self, index: int) -> None:
        """Execute an earlier test cell for its names: this process has not judged it itself."""
        cell = self.load.notebook.cells[index]
        space = self._spaces[index] = TestSpace(self.world, index, self)
        filename = register_source(f"{self.load.notebook.name}:{cell.grade_id}", cell.source)
        code = compile(plain_python(cell.source), filename, "exec", dont_inherit=True)
        with contextlib.suppress(Exception):  # what it lost by that, it has lost already
            exec(code, space)  # noqa: S102 - the instructor's own test

    def refuse_replacement(self, name: str, value: Any, position: int) -> None:
        """While proving the reference: a function of theirs must not be replaced by the test's."""
        if not self.load.strict or not callable(value) or isinstance(value, remote.Remote):
            return
        if self.world.students(name, position) and isinstance(
            self.channel.name(name), remote.Remote
        ):
            cell = self.load.notebook.cells[position]
            raise HiddenTestError(
                f"{cell.grade_id!r} puts a function of its own in the place of the student's "
                f"{name!r}, whose code runs in another process and goes on using theirs. Deleting "
                "the name (del) and binding it again works."
            )

    def _tally(
        self,
        cell: SourceCell,
        ledger: list[testing.Credit],
        status: Status,
        message: str,
        detail: str,
    ) -> dict[str, Any]:
        total = sum(entry.max_points for entry in ledger)
        if ledger and self.load.strict and not math.isclose(total, cell.points, abs_tol=1e-9):
            raise HiddenTestError(
                f"The credits of {cell.grade_id!r} add up to {total:g}, the cell is worth "
                f"{cell.points:g}: make them equal."
            )
        if ledger:
            points = sum(entry.points for entry in ledger)
        else:
            points = cell.points if status is Status.PASSED else 0.0
        points = min(points, cell.points)
        if math.isclose(points, cell.points, abs_tol=1e-9):
            points = cell.points  # ten tenths are a whole
        if status is Status.PASSED and points < cell.points:
            status = Status.PARTIAL if points > 0 else Status.FAILED
        elif status is not Status.PASSED and points >= cell.points > 0:
            # Every credit was earned; what failed after them is said and costs nothing.
            status = Status.PASSED
        elif status is not Status.PASSED and points > 0:
            status = Status.PARTIAL
        return {
            "status": status.value,
            "points": points,
            "message": message,
            "detail": detail,
            "parts": [
                {
                    "what": entry.what,
                    "points": entry.points,
                    "max_points": entry.max_points,
                    "message": entry.message
                    or ("" if entry.points else _("not reached, an earlier check failed")),
                    "detail": entry.detail,
                }
                for entry in ledger
            ],
        }

    def _sentence(self, error: Exception) -> tuple[Status, str, str]:
        detail = traceback.format_exc()
        if isinstance(error, testing.CheckFailed):
            return Status.FAILED, error.message, f"{error.detail}\n\n{detail}".strip()
        if isinstance(error, remote.StudentError):
            if isinstance(error, remote.StudentTimeout):
                return Status.TIMEOUT, remote.explain(error), detail
            untouched = error.missing is not None or error.type_name == "NotImplementedError"
            status = Status.UNDEFINED if untouched else Status.ERROR
            return status, remote.explain(error), detail
        if self._in_hidden_part(error):
            # Neither the text of a hidden assert nor what numpy says of its values.
            if isinstance(error, AssertionError):
                return Status.FAILED, _("A hidden test of this question does not hold."), detail
            return Status.ERROR, _unusable(type(error).__name__), detail
        said = str(error).strip() or type(error).__name__
        if isinstance(error, AssertionError):
            return (
                Status.FAILED,
                _("A visible check does not hold: {said}").format(said=said),
                detail,
            )
        return (
            Status.ERROR,
            _("A visible check stopped with {kind}: {said}").format(
                kind=type(error).__name__, said=said
            ),
            detail,
        )

    def _in_hidden_part(self, error: Exception) -> bool:
        """Whether the innermost line of the test cell on the way to the error is hidden."""
        label = f"<{self.load.notebook.name}:{self.load.notebook.cells[self._position].grade_id}>"
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == label
        ]
        return not lines or any(line in self._hidden_lines for line in lines)

    def compare_given(self, name: str, value: Any) -> None:
        """While proving the reference: a given name must mean the same here and in the kernel."""
        if not self.load.strict or not _is_data(value):
            return
        from nbjudge.compare import difference, plain_difference

        there = self.channel.name(name)
        try:
            how = difference(there, value, rtol=1e-9, atol=1e-12)
        except TypeError:
            how = plain_difference(there, value)
        if how is not None:
            cell = self.load.notebook.cells[self._position]
            raise HiddenTestError(
                f"{cell.grade_id!r} uses the given name {name!r}, whose value outside is not the "
                f"notebook's ({how}). Make the cell that binds it self-contained: its own seeded "
                "generator, and no change of an object through a function's argument."
            )


_HARMLESS = re.compile(r"\s*%matplotlib\b")


def _refuse_commands(cell: SourceCell) -> None:
    """While proving the reference: a command of the notebook would be passed over outside."""
    kept = plain_python(cell.source).splitlines()
    for number, line in enumerate(cell.source.splitlines()):
        gone = line.strip() and not (kept[number : number + 1] or [""])[0].strip()
        is_body_run = number == 0 and line.startswith("%%") and any(kept)
        if gone and not is_body_run and not _HARMLESS.match(line):
            raise HiddenTestError(
                f"The test cell {cell.grade_id!r} uses {line.strip()!r}, a command of the "
                "notebook that does not exist outside."
            )


def _is_data(value: Any) -> bool:
    if isinstance(value, bool | int | float | complex | str):
        return True
    if isinstance(value, list | tuple):
        return all(_is_data(item) for item in value)
    if isinstance(value, ModuleType | type):  # the module numpy has a shape and a dtype
        return False
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _unusable(kind: str) -> str:
    return _("The tests could not use your result ({kind}): check its type and shape.").format(
        kind=kind
    )


def _lost(outcome: str) -> tuple[Status, str, str]:
    if outcome == "memory":
        return Status.MEMORY, _("Your code used more memory than allowed when it was tested."), ""
    if outcome == "processes":
        return Status.MEMORY, _("Your code started more processes than allowed."), ""
    if outcome in {"stuck", "timeout"}:
        return (
            Status.TIMEOUT,
            _("Your code did not end in time when it was tested, and could not be interrupted."),
            "",
        )
    return Status.DIED, _("Your code stopped the kernel when it was tested."), ""


def _seed_here(number: int) -> None:
    """Seed the judge's own global generators: a test that uses them is replayable too."""
    import random

    random.seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


def serve(sock: socket.socket, folder: Path) -> None:
    """Judge cells as they are asked for, until the grader hangs up."""
    first = receive_frame(sock, None)
    if first is None or first[0] is not Frame.LOAD:
        return
    load: Load = pickle.loads(first[1])  # noqa: S301 - from our own parent process
    # A test may make a matrix of a student's vector, whatever its length.
    with contextlib.suppress(ValueError, OSError):  # a lower limit is there already
        resource.setrlimit(resource.RLIMIT_AS, (load.memory_bytes, load.memory_bytes))
    i18n.use_language(load.language)

    def send(request: bytes, label: str) -> bytes:
        head = json.dumps(label[:200]).encode()
        send_frame(sock, Frame.PROBE, len(head).to_bytes(4) + head + request)
        answer = receive_frame(sock, None)
        if answer is None or answer[0] is Frame.REPLY:
            return answer[1] if answer else b""
        outcome = json.loads(answer[1])
        if outcome in {"timeout", "too_large"}:
            kind = "ValueTooLarge" if outcome == "too_large" else "TimeoutError"
            cls = remote.StudentTimeout if outcome == "timeout" else remote.StudentError
            raise cls(kind, "", [], None, label)
        raise remote.KernelLost(outcome)

    _lay_out(folder, load)
    court = Court(load, send)
    send_frame(sock, Frame.READY, b"")
    while True:
        frame = receive_frame(sock, None)
        if frame is None or frame[0] is not Frame.CELL:
            return
        order = json.loads(frame[1])
        try:
            verdict = court.judge(int(order["position"]), bytes.fromhex(order["seed"]))
        except HiddenTestError as error:
            fault = [str(error), traceback.format_exc()]
            send_frame(sock, Frame.FAULT, json.dumps(fault).encode())
        else:
            send_frame(sock, Frame.VERDICT, json.dumps(verdict).encode())


def _lay_out(folder: Path, load: Load) -> None:
    """Put the assignment's files where its given cells and tests look for them."""
    for name, files in (("work", load.files), ("judge", load.judge_files)):
        for path, data in files.items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    (folder / "work").mkdir(exist_ok=True)
    os.chdir(folder / "work")  # given cells open their data by relative paths
    sys.path[:0] = [str(folder / "work"), str(folder / "judge")]


def main() -> None:
    """Serve on the inherited socket (its descriptor, then the folder to work in)."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(JudgeProcessError):  # the grader hung up: nobody to tell
        serve(sock, Path(sys.argv[2]))


if __name__ == "__main__":
    # Under -m this file is __main__: the names that others import must be the same objects.
    from nbjudge import judge  # noqa: PLW0406

    judge.main()
