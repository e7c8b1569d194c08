"""The judge: executes whole test cells, outside, against the student's remote objects."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbjudge import testing, values
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.blind import blind_spots
from nbjudge.channel import Channel
from nbjudge.errors import HiddenTestError
from nbjudge.i18n import gettext as _
from nbjudge.libraries import Bridged, seed_here
from nbjudge.names import plain_python
from nbjudge.raised import ErrorClasses, KernelLost, StudentError, StudentTimeout, explain
from nbjudge.remote import Remote
from nbjudge.tally import read_score, tally
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
    objects: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By test: where the reference has objects and not plain values, if it has been proved."""


_SHELL = frozenset({"get_ipython", "display", "In", "Out", "exit", "quit"})
"""IPython's own names: a test that looks for them is not in the notebook."""


class TestSpace(CellSpace):
    """Names of a test cell: its own, the student's through the kernel, the instructor's."""

    __test__ = False  # not a test class for pytest
    nbjudge_is_test = True
    """To :mod:`nbjudge.sending`: functions that are defined here may go to the kernel."""

    def __init__(self, world: World, position: int, court: Court) -> None:
        super().__init__(world, position)
        self._court = court
        self._replaced: set[str] = set()
        self._copies: list[tuple[str, Any, bytes]] = []
        self.touched = False
        """Whether anything of the student's was used."""

    def __missing__(self, name: str) -> Any:
        try:
            return self._found(name)
        except HiddenTestError as error:
            self._court.channel.noticed.append(error)
            raise

    def _found(self, name: str) -> Any:
        owner = self._world.owner(name, self._position)
        if owner is Owner.STUDENT:
            return self._theirs(name)
        if owner is Owner.HELPER and self._world.define_in(self, name, self._position):
            return dict.__getitem__(self, name)
        try:
            value = self._world.lookup(name, self._position)
        except KeyError:
            if name == "display":
                return lambda *_args, **_kwargs: None
            try:
                value = self._court.earlier(name, self._position)
            except KeyError:
                # What nobody's source binds, a %run or an exec may have bound in the notebook.
                if not self._in_notebook(name):
                    raise
                return self._theirs(name)
            self.touched = True
        else:
            if self._world.changed_by_an_answer(name, self._position):
                return self._theirs(name)
            self._court.compare_given(name, value)
        self._watch(value)
        # One object for the whole cell, as in a notebook.
        dict.__setitem__(self, name, value)
        return value

    def _watch(self, value: Any) -> None:
        if isinstance(value, ModuleType):  # a library that may be loaded just now
            self._court.bridged.watch()

    def _theirs(self, name: str) -> Any:
        self.touched = True
        value = self._court.channel.name(name)
        if self._court.load.strict:
            encoded = _encoded(value)
            if encoded is not None:
                self._copies.append((name, value, encoded))
        return value

    # A notebook has one namespace: what a test does to a name of it reaches the student's code.

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._replaced or self._replaces(name, value):
            self._replaced.add(name)
            self._court.replace(name, value)
        self._watch(value)
        super().__setitem__(name, value)

    def _replaces(self, name: str, value: Any) -> bool:
        """Whether a function takes the place of the student's, a given or a built-in one."""
        if not callable(value) or isinstance(value, Remote | type):
            return False
        if hasattr(builtins, name):
            return True
        index = self._world.binder(name, self._position)
        if index is None or self._world.cells[index].kind is Kind.TEST:
            return False
        names = self._world.names[index]
        return name in names.definitions - names.imported

    def __delitem__(self, name: str) -> None:
        if dict.__contains__(self, name):
            super().__delitem__(name)
            if name in self._replaced:
                self._replaced.discard(name)
                self._court.channel.release(name)
        elif self._world.students(name, self._position):
            self._court.channel.unbind(name)
            self._replaced.add(name)
            self.touched = True
        else:
            raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Whether the notebook has a name: ``"x" in globals()``."""
        return dict.__contains__(self, name) or self._in_notebook(name)

    def _in_notebook(self, name: object) -> bool:
        if not isinstance(name, str) or name in _SHELL or hasattr(builtins, name):
            return False
        self.touched = True
        return self._court.channel.has(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name (``globals().get("x")``)."""
        if name not in self:
            return default
        return self[name]

    # While the reference is proved.

    def changed_copies(self) -> list[str]:
        """Names of the student's whose value, a copy, has been changed in place."""
        return sorted({name for name, value, before in self._copies if _encoded(value) != before})


class Court:
    """Judges test cells of one submission; the backend of :mod:`nbjudge.testing`."""

    def __init__(self, load: Load, send: Callable[[bytes, str], bytes]) -> None:
        self.load = load
        self.world = World(load.notebook.cells, load.notebook.name)
        self.channel = Channel(
            send,
            max_bytes=load.reply_bytes,
            strict=load.strict,
            named=self._given_name,
            classes=ErrorClasses(self._given_error, _words(load)),
        )
        self.bridged = Bridged(self.channel, self.world)
        self._seed = b""
        self._position = 0
        self._score: float | None = None
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

    def _given_name(self, value: Any) -> str | None:
        """Return the name by which the notebook knows a given cell's function or class."""
        name = getattr(value, "__name__", None)
        if not isinstance(name, str) or not isinstance(value, FunctionType | type):
            return None
        return name if self._given(name) is value else None

    def _given_error(self, name: str) -> type[Exception] | None:
        value = self._given(name)
        is_error = isinstance(value, type) and issubclass(value, Exception)
        return value if is_error else None

    def _given(self, name: str) -> Any:
        index = self.world.binder(name, self._position)
        if index is None or self.world.cells[index].kind is not Kind.GIVEN:
            return None
        if name not in self.world.names[index].definitions:
            return None  # nothing is executed to find a name
        if self.world.owner(name, self._position) is not Owner.GIVEN:
            return None
        return self.world.lookup(name, self._position)

    def classify(self, error: BaseException) -> tuple[str, str]:
        """Return (sentence for the student, detail for the instructor)."""
        return self._sentence(error)[1:]

    def credit_failed(self, error: BaseException) -> bool:
        """Record it, and let the cell go on."""
        noticed = self.channel.noticed
        noticed[:] = [other for other in noticed if other is not error]
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
        self._position, self._seed, self._score = position, seed, None
        # A right answer of another structure may have an object where the reference has one in
        # another test: a tree's other branch.
        proved = self.load.objects
        known = {origin for origins in proved.values() for origin in origins}
        self.channel.expected = frozenset(known) if (cell.grade_id or "") in proved else None
        self.channel.objects.clear()
        self.channel.noticed.clear()
        self._hidden_lines = cell.hidden_lines
        ledger = testing.Ledger()
        token = testing.ledger.set(ledger)
        backend = testing.backend.set(self)
        started = time.monotonic()
        try:
            status, message, detail = self._execute(cell, position, seed)
        finally:
            testing.backend.reset(backend)
            testing.ledger.reset(token)
        verdict = tally(cell, ledger, self._score, status, message, detail, strict=self.load.strict)
        verdict["objects"] = sorted(self.channel.objects)
        verdict["seconds"] = time.monotonic() - started
        return verdict

    def _execute(self, cell: SourceCell, position: int, seed: bytes) -> tuple[Status, str, str]:
        label = f"{self.load.notebook.name}:{cell.grade_id}"
        try:
            filename = register_source(label, cell.source)
            code, score = _compiled(plain_python(cell.source), filename)
        except SyntaxError as error:
            raise HiddenTestError(
                f"The test cell {cell.grade_id!r} is not Python: {error}."
            ) from error
        if self.load.strict:
            _refuse_commands(cell)
            self._refuse_blind_spots(cell, position)
        # Student functions that draw from the global generators do so replayably. The test's own
        # generators have another seed: from theirs, a student would know what a test draws.
        number, theirs = int.from_bytes(seed[:4]), int.from_bytes(seed[4:8])
        space = self._spaces[position] = TestSpace(self.world, position, self)
        streams = sys.stdout, sys.stderr
        try:
            self.channel.seed(theirs)
            seed_here(number, cell.source)
            self.bridged.watch()
            exec(code, space)  # noqa: S102 - the instructor's own test
            if score is not None:
                self._score = read_score(eval(score, space))  # noqa: S307
        except KernelLost as lost:
            return _lost(lost.outcome)
        except HiddenTestError as error:
            if self.load.strict:
                raise
            return Status.ERROR, _unusable(type(error).__name__), traceback.format_exc()
        except SystemExit:
            return Status.ERROR, _unusable("SystemExit"), traceback.format_exc()
        except BaseException as error:  # whatever a test meets in a student's values
            if not testing.is_failure(error):
                raise
            return self._noticed() or self._sentence(error)
        finally:
            self.bridged.stop()
            sys.stdout, sys.stderr = streams  # a test that failed has not put them back
        noticed = self._noticed()
        if noticed is not None:
            return noticed
        if self.load.strict:
            self._refuse_copies(cell, space)
        return Status.PASSED, "", ""

    def _noticed(self) -> tuple[Status, str, str] | None:
        """Say what ends the question though the test went on: ``except Exception: pass``.

        An endless loop is not the exception that a test waits for.
        """
        for error in self.channel.noticed:
            if isinstance(error, HiddenTestError) and self.load.strict:
                raise error
            if isinstance(error, KernelLost):
                return _lost(error.outcome)
            if isinstance(error, StudentError):
                return self._sentence(error)
        return None

    def _refuse_blind_spots(self, cell: SourceCell, position: int) -> None:
        """While proving the reference: what would hold whatever the student answers."""

        def is_theirs(name: str) -> bool | None:
            if self.world.owner(name, position) is not Owner.GIVEN:
                return True
            if self.world.binder(name, position) is None:
                earlier = any(
                    name in self.world.names[index].assigned and before.kind is Kind.TEST
                    for index, before in enumerate(self.world.cells[:position])
                )
                return True if earlier else None
            return any(
                name in self.world.names[index].updated and answer.is_students
                for index, answer in enumerate(self.world.cells[:position])
            )

        for said in blind_spots(cell.source, is_theirs):
            raise HiddenTestError(f"The test {cell.grade_id!r}, {said}.")

    def _refuse_copies(self, cell: SourceCell, space: TestSpace) -> None:
        if cell.points and not space.touched:
            raise HiddenTestError(
                f"The test {cell.grade_id!r} uses no name of the student's: judged from outside, "
                "it holds whatever they answer."
            )
        for name in space.changed_copies():
            raise HiddenTestError(
                f"The test {cell.grade_id!r} changes the student's {name!r} in place. Outside "
                "that is a copy: their own object does not change with it. Work on a copy of the "
                "test's own (list(...), .copy()), or do it in a probe."
            )

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
        ledger = testing.ledger.set(testing.Ledger())  # its credits are not the later question's
        try:
            with contextlib.suppress(Exception):  # what it lost by that, it has lost already
                exec(code, space)  # noqa: S102 - the instructor's own test
        finally:
            testing.ledger.reset(ledger)

    def replace(self, name: str, value: Any) -> None:
        """Put a function of the test in the place of one that the student's code uses."""
        try:
            self.channel.bind(name, value)
        except HiddenTestError as error:
            self.channel.noticed.clear()
            raise self.channel.refusal(
                f"A test puts something of its own in the place of {name!r}, to see whether the "
                "student's code uses it; that code runs in another process, where only a plain "
                f"def or lambda can take its place. {error}"
            ) from error

    def _sentence(self, error: BaseException) -> tuple[Status, str, str]:
        detail = traceback.format_exc()
        if isinstance(error, testing.CheckFailed):
            return Status.FAILED, error.message, f"{error.detail}\n\n{detail}".strip()
        if isinstance(error, StudentError):
            if isinstance(error, StudentTimeout):
                return Status.TIMEOUT, explain(error), detail
            report = error.nbjudge_report
            untouched = report.missing is not None or report.type_name == "NotImplementedError"
            status = Status.UNDEFINED if untouched else Status.ERROR
            return status, explain(error), detail
        is_assertion = isinstance(error, AssertionError) or not isinstance(error, Exception)
        if self._in_hidden_part(error):
            # Neither the text of a hidden assert nor what numpy says of its values.
            if is_assertion:
                return Status.FAILED, _("A hidden test of this question does not hold."), detail
            return Status.ERROR, _unusable(type(error).__name__), detail
        said = _said(error) or type(error).__name__
        if isinstance(error, NotImplementedError):  # a variable that the stub sets to None
            return Status.UNDEFINED, f"{_('This question has not been answered.')} {said}", detail
        if is_assertion:
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

    def _in_hidden_part(self, error: BaseException) -> bool:
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
        here = _encoded(value) if self.load.strict else None
        if here is None:
            return
        from nbjudge.compare import difference, plain_difference

        there = self.channel.name(name)
        try:
            same = _encoded(there) == here
            how = None if same else difference(there, value, rtol=_RTOL, atol=_ATOL)
        except TypeError:
            how = plain_difference(there, value, rtol=_RTOL, atol=_ATOL)
        if how is not None:
            cell = self.load.notebook.cells[self._position]
            raise HiddenTestError(
                f"{cell.grade_id!r} uses the given name {name!r}, whose value outside is not the "
                f"notebook's ({how}). Make the cell that binds it self-contained: its own seeded "
                "generator, and no change of an object through a function's argument."
            )


_DATA_BYTES = 1 << 28
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


_RTOL, _ATOL = 1e-9, 1e-12


def _encoded(value: Any) -> bytes | None:
    """Return a plain value as bytes, None for what is not plain."""
    try:
        return values.encode(value, max_bytes=_DATA_BYTES)
    except (values.NotPlain, values.TooLarge):
        return None


def _compiled(code: str, filename: str) -> tuple[CodeType, CodeType | None]:
    """Compile a test cell; apart, the expression that it ends in, whose value may be its score."""
    tree = ast.parse(code)
    last = tree.body[-1] if tree.body else None
    score = None
    if isinstance(last, ast.Expr) and not code.rstrip().endswith(";"):
        tree.body.pop()
        expression = ast.Expression(last.value)
        score = compile(expression, filename, "eval", dont_inherit=True)
    return compile(tree, filename, "exec", dont_inherit=True), score


def _said(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # the text of a student's object, in the message of an assert
        return ""


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


def _words(load: Load) -> frozenset[str]:
    """Return the words of the instructor's code."""
    texts = [cell.source for cell in load.notebook.cells if cell.cell_type == "code"]
    for files in (load.files, load.judge_files):
        texts += [files[path].decode("utf-8", "replace") for path in files if path.endswith(".py")]
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))
