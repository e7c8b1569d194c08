"""Warm parents: a Python that has imported what a course needs, forked for each sandbox.

Starting a Python with numpy, torch and matplotlib costs seconds of processor time; forking one
that has them costs milliseconds.  The sandbox of a warm child is made by bubblewrap, with the same
options as any other; the child is then sent into it (:mod:`nbjudge.forking`).  Children share
nothing but the libraries' pages, which are copied when one writes to them.

The parent itself is sealed: it sees what a child sees, without any submission, and a child sees
neither it nor another child.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from nbjudge import forking, sandbox, seccomp
from nbjudge.assignment import Assignment
from nbjudge.errors import KernelStartError, MachineError
from nbjudge.limits import MIB
from nbjudge.sealing import WORK, Sealing, resource_limits

_START_SECONDS = 120.0
_SEND_SECONDS = 30.0
_REPLY_BYTES = 4096
_START = """\
import socket, sys
code = open({source}).read()
exec(compile(code, "<nbjudge>", "exec"))
order = main(socket.socket(fileno={channel}))
if order is not None:
    run(order["argv"])
"""


_WITH = {
    "numpy": ("numpy.random",),
    "torch": ("torch._dynamo",),  # a second of every notebook that makes an optimiser
    # Not the backend of notebooks: that looks for the running notebook as it is imported.
    "matplotlib": (
        "matplotlib.backends.backend_agg",
        "matplotlib.mathtext",
        "IPython.core.pylabtools",
        "PIL.PngImagePlugin",
        "PIL.JpegImagePlugin",
    ),
}
"""What libraries import when they are first used."""


def imported_modules(assignment: Assignment) -> tuple[str, ...]:
    r"""Return what the code of an assignment imports from the environment, in its order.

    Notebooks, helper modules and modules of the tests are read as text; what lies in the
    assignment itself is left out.

    Examples
    --------
    >>> from nbjudge.assignment import Kind, SourceCell, SourceNotebook
    >>> source = "%matplotlib inline\nimport numpy as np\nfrom scipy import stats\nimport outils"
    >>> cell = SourceCell(
    ...     cell_id="a", kind=Kind.GIVEN, cell_type="code", source=source, release_source=source
    ... )
    >>> notebook = SourceNotebook(name="tp", cells=(cell,))
    >>> imported_modules(Assignment(name="tp", notebooks=(notebook,), files={"outils.py": b""}))
    ('numpy', 'scipy', 'scipy.stats', 'numpy.random')
    """
    files = {**assignment.files, **assignment.judge_files}
    own = {PurePosixPath(path).parts[0].removesuffix(".py") for path in files} | {"nbjudge"}
    texts = [
        cell.source
        for notebook in assignment.notebooks
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    texts += [data.decode("utf-8", "replace") for path, data in files.items() if path[-3:] == ".py"]
    found = dict.fromkeys(name for text in texts for name in _imports(text))
    names = [name for name in found if name.split(".")[0] not in own]
    for library in dict.fromkeys(name.split(".")[0] for name in names):
        names += _WITH.get(library, ())
    return tuple(names)


def _imports(text: str) -> Iterator[str]:
    lines = ("" if line.lstrip()[:1] in ("%", "!") else line for line in text.splitlines())
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            # Perhaps modules, perhaps not: what cannot be imported is passed over.
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")


class WarmParent:
    """One warm parent: a sealed Python that waits to be forked.

    The calling *thread* must live as long as the parent, as for every sandbox; what has been
    forked lives on without it.

    Parameters
    ----------
    sealing
        Of the children: environment, folders to see, purpose; nothing of a submission is taken.
    modules
        To import, in this order; one that cannot be imported is passed over.

    Raises
    ------
    SandboxUnavailable
        If none can be made here.
    KernelStartError
        If it does not answer, or cannot be forked.
    """

    def __init__(self, sealing: Sealing, modules: Sequence[str]) -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source = os.memfd_create("nbjudge")
        try:
            os.write(source, Path(forking.__file__).read_bytes())
            os.lseek(source, 0, os.SEEK_SET)
            start = _START.format(source=source, channel=theirs.fileno())
            own = replace(
                sealing,
                argv=(sealing.argv[0], "-P", "-c", start),
                purpose=f"the warm parent of {sealing.purpose}",
                connection="",
                files={},
                uploads={},
            )
            self._process = sandbox.seal_parent(own, (source, theirs.fileno()))
        except BaseException:
            mine.close()
            raise
        finally:
            os.close(source)
            theirs.close()
        self._channel = mine
        self._purpose = own.purpose
        self._namespace = -1
        try:
            self._prepare(modules)
            # Only now: bubblewrap makes two, and the second is the parent's.
            self._namespace = os.open(f"/proc/{self._process.pid}/ns/user", os.O_RDONLY)
        except BaseException:
            self.close()
            raise

    def _prepare(self, modules: Sequence[str]) -> None:
        self._channel.settimeout(_START_SECONDS)
        try:
            self._channel.send(json.dumps({"modules": list(modules)}).encode())
            said = json.loads(self._channel.recv(MIB))
            threads = int(said["threads"])
        except (OSError, ValueError, KeyError) as error:
            raise self._fault(f"it is not ready ({error!r})") from error
        if threads != 1:
            raise self._fault(
                f"importing {', '.join(modules)} leaves {threads} threads, and what has more than "
                "one cannot be forked"
            )
        self._channel.settimeout(_SEND_SECONDS)

    def seal(self, sealing: Sealing) -> sandbox.SandboxProcess:
        """Do what :func:`nbjudge.sandbox.seal` does, with a child of this parent.

        Raises
        ------
        SandboxUnavailable, ConfigurationError
            As there.
        KernelStartError
            If the parent or its child does not do its part.
        """
        box = sandbox.seal_empty(sealing, self._namespace)
        try:
            inmate, words = self._send_child(sealing, box.pidfd)
        except BaseException:
            box.close()
            raise
        box.inhabit(inmate, words)
        return box

    def _send_child(self, sealing: Sealing, place: int) -> tuple[int, int]:
        calls = seccomp.program()
        order = {
            "argv": sealing.argv[sealing.argv.index("-P") + 1 :],
            "folder": WORK,
            "limits": resource_limits(sealing.limits),
            "filter": "" if calls is None else calls.hex(),
        }
        with contextlib.ExitStack() as stack:
            words, words_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            kept = stack.enter_context(contextlib.ExitStack())
            kept.callback(os.close, words)
            answer, reply = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.callback(os.close, words_write)
            stack.enter_context(answer)
            with reply:
                given = [place, words_write, reply.fileno()]
                try:
                    socket.send_fds(self._channel, [json.dumps(order).encode()], given)
                except OSError as error:
                    raise self._fault(f"it does not listen ({error})") from error
            answer.settimeout(_SEND_SECONDS)
            try:
                data, inmates, _flags, _address = socket.recv_fds(answer, _REPLY_BYTES, 1)
            except OSError as error:
                raise self._fault(f"its child does not answer ({error})") from error
            if not inmates:
                said = json.loads(data)["error"] if data else "it ended"
                raise self._fault(f"its child is not inside: {said}")
            os.set_inheritable(inmates[0], False)
            kept.pop_all()
            return inmates[0], words

    def _fault(self, what: str) -> KernelStartError:
        words = self._process.words()[-1000:]
        return KernelStartError(f"Forking {self._purpose}: {what}. {words}".strip())

    def close(self) -> None:
        """End the parent; its children stay."""
        self._channel.close()
        if self._namespace >= 0:
            os.close(self._namespace)
            self._namespace = -1
        self._process.close()


class Warmth:
    """The warm parents of one thread that grades: made when they are needed, replaced when lost.

    Parameters
    ----------
    modules
        What the course imports.

    Attributes
    ----------
    cold_because
        Why there are none, once that is known; empty while there can be.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)
        self._parents: dict[tuple[object, ...], WarmParent] = {}
        self.cold_because = ""

    def __enter__(self) -> Warmth:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def seal(self, sealing: Sealing, modules: Sequence[str]) -> sandbox.SandboxProcess | None:
        """Return the process, forked from a parent; None where that cannot be.

        Parameters
        ----------
        sealing
            Its command must be ``python -P -m MODULE ...`` or ``python -P -c CODE ...``.
        modules
            To import before those of the course.
        """
        key = _key(sealing)
        for _attempt in range(2):
            if self.cold_because:
                return None
            try:
                parent = self._parents.get(key)
                if parent is None:
                    parent = self._parents[key] = WarmParent(sealing, (*modules, *self._modules))
            except MachineError as error:
                self.cold_because = str(error)
                return None
            try:
                return parent.seal(sealing)
            except MachineError as error:
                # It was killed, or is not what it was: another one, once.
                self.discard(sealing)
                reason = str(error)
        self.cold_because = reason
        return None

    def discard(self, sealing: Sealing) -> None:
        """End the parent of such processes; the next one gets a new parent."""
        parent = self._parents.pop(_key(sealing), None)
        if parent is not None:
            parent.close()

    def close(self) -> None:
        """End all parents."""
        for parent in self._parents.values():
            parent.close()
        self._parents.clear()


def _key(sealing: Sealing) -> tuple[object, ...]:
    """Return what makes two processes children of the same parent."""
    return (
        sealing.purpose,
        sealing.argv[0],
        tuple(sorted(sealing.environment.items())),
        tuple(sealing.readonly),
        tuple(sealing.prefixes),
    )
