"""A sealed kernel: run cells, send probes; every limit ends in an outcome, never in an error.

The client speaks the Jupyter message protocol over sockets that live inside the sandbox.
All that comes back is hostile: bytes are counted as they are read, signatures checked, and every
message is read as if its author wanted this process to fall over.
"""

from __future__ import annotations

import base64
import contextlib
import json
import select
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbjudge import agent, sandbox
from nbjudge.errors import KernelStartError
from nbjudge.limits import MIB, Limits
from nbjudge.messages import Oversized, Received, Signer
from nbjudge.outputs import Collector, Output
from nbjudge.warm import Warmth
from nbjudge.watchdog import Breach, View, Watchdog, cpu_seconds
from nbjudge.zmtp import Connection, ConnectionLost

INTERRUPT_SECONDS = 3.0
"""How long an interrupted cell may take to end before its kernel is killed."""
_DRAIN_SECONDS = 2.0
"""How long to wait for outputs after the reply; the kernel drops messages when it floods."""
_OUTPUT_BYTES = 8 * MIB
"""Of one output message. The kernel joins what was printed within 0.2 s into one."""
_REPLY_BYTES = 4 * MIB
"""Of the reply to a cell: an error and its traceback."""
_POLL_SECONDS = 0.05
_PORTS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}


class Outcome(StrEnum):
    """How a cell or a probe ended."""

    OK = "ok"
    ERROR = "error"
    """A Python exception; the outputs show it."""
    TIMEOUT = "timeout"
    """Interrupted; the kernel survived."""
    STUCK = "stuck"
    """Interrupted in vain; the kernel was killed."""
    DIED = "died"
    MEMORY = "memory"
    PROCESSES = "processes"
    TOO_LARGE = "too_large"
    """A probe's reply was beyond the limit."""


@dataclass(frozen=True, kw_only=True)
class CellRun:
    """One executed cell."""

    outcome: Outcome
    outputs: tuple[Output, ...] = ()
    """nbformat 4 outputs, bounded."""
    seconds: float = 0.0
    truncated: bool = False
    execution_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProbeReply:
    """What came back of a probe: bytes, not yet believed."""

    outcome: Outcome
    data: bytes = b""


@dataclass(frozen=True, kw_only=True)
class KernelSetup:
    """What a kernel is started with."""

    kernel_name: str = "python3"
    files: Mapping[str, Path] = field(default_factory=dict)
    """The assignment's files in the work folder, read-only."""
    uploads: Mapping[str, bytes] = field(default_factory=dict)
    """The student's, writable; never over ``files``."""
    limits: Limits = field(default_factory=Limits)
    readonly: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unsealed: bool = False
    seed: int = 0
    warmth: Warmth | None = None
    """Where the kernel may be forked from; None starts a Python for it."""
    figures: bool = True
    """Draw matplotlib's figures; without, each is shown as a line of text."""


class SealedKernel:
    r"""A kernel in a sandbox, with a blocking client.

    Examples
    --------
    >>> with SealedKernel(KernelSetup()) as kernel:  # doctest: +SKIP
    ...     kernel.run("print(6 * 7)", seconds=10, output_bytes=1000).outputs
    ({'output_type': 'stream', 'name': 'stdout', 'text': '42\n'},)
    """

    def __init__(self, setup: KernelSetup) -> None:
        self.setup = setup
        self._signer = Signer()
        self._process: sandbox.SandboxProcess | None = None
        self._view: View | None = None
        self._watchdog: Watchdog | None = None
        self._connections: dict[str, Connection] = {}
        self._breach: Breach | None = None
        self._dead = self._is_warm = False
        self._cpu_seconds = 0.0
        self.peak_bytes = 0
        """The most memory that it was seen to use, ten times a second; once it is closed."""

    def __enter__(self) -> SealedKernel:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the kernel can still be asked."""
        return self._process is not None and not self._dead and self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Return the processor time used inside so far, in seconds."""
        if self._view is not None:
            self._cpu_seconds = max(self._cpu_seconds, cpu_seconds(self._view))
        return self._cpu_seconds

    def start(self) -> None:
        """Start the sandbox, connect, install the agent.

        Raises
        ------
        SandboxUnavailable
            If no sandbox can be made here.
        KernelStartError
            If the kernel does not answer.
        """
        for warmth in (self.setup.warmth, None):
            self._dead = False
            try:
                self._start(warmth)
            except BaseException as error:
                self.close()
                # What a warm parent cannot do is done cold.
                if not (self._is_warm and isinstance(error, KernelStartError)):
                    raise
            else:
                return

    def _start(self, warmth: Warmth | None) -> None:
        setup = self.setup
        connection = {
            "transport": "ipc",
            "ip": f"{sandbox.RUN}/k",
            "key": self._signer.key,
            "signature_scheme": "hmac-sha256",
            "kernel_name": setup.kernel_name,
        } | {f"{name}_port": port for name, port in _PORTS.items()}
        argv, environment, is_python, prefixes = kernel_command(
            setup.kernel_name, figures=setup.figures
        )
        sealing = sandbox.Sealing(
            argv=argv,
            connection=json.dumps(connection),
            limits=setup.limits,
            files=setup.files,
            uploads=setup.uploads,
            readonly=setup.readonly,
            environment=environment | dict(setup.environment),
            prefixes=prefixes,
        )
        deadline = time.monotonic() + setup.limits.start_seconds
        self._process = self._made(sealing, warmth)
        try:
            self._connect(self._process, deadline)
            self._view = self._process.view()
            self.cpu_seconds()  # finds the sandbox, before two threads look for it
            self._watchdog = Watchdog(self._view, setup.limits, self._breached)
            self._watchdog.start()
            self._prepare(is_python, max(1.0, deadline - time.monotonic()))
        except (ConnectionLost, TimeoutError, KernelStartError) as error:
            if warmth is not None:
                warmth.discard(sealing)
            if isinstance(error, KernelStartError):
                raise
            raise KernelStartError(
                f"Starting a sealed kernel {setup.kernel_name!r}: {error}. {self._process.words()}"
            ) from error

    def _made(self, sealing: sandbox.Sealing, warmth: Warmth | None) -> sandbox.SandboxProcess:
        if self.setup.unsealed:
            return sandbox.unsealed(sealing)
        process = None
        if warmth is not None and self.setup.kernel_name in _OWN:
            process = warmth.seal(sealing, _MODULES)
        self._is_warm = process is not None
        return process or sandbox.seal(sealing)

    def _connect(self, process: sandbox.SandboxProcess, deadline: float) -> None:
        sizes = {
            "iopub": _OUTPUT_BYTES,
            "shell": _REPLY_BYTES,
            "control": MIB,
        }
        for name, size in sizes.items():
            sock = process.connect(f"k-{_PORTS[name]}", deadline)
            connection = Connection(sock, "SUB" if name == "iopub" else "DEALER", size)
            self._connections[name] = connection
            connection.handshake(deadline)

    def _prepare(self, is_python: bool, seconds: float) -> None:
        setup = self.setup
        code = ""
        expressions = {}
        if is_python:
            code = agent.bootstrap_source(setup.seed, setup.limits.reply_bytes)
            code += _PATH.format(uploads=_importable(setup))
            expressions["prefix"] = "__import__('sys').prefix"
        collector = Collector(room=20_000)
        outcome, reply = self._execute(code, expressions, seconds, collector, silent=True)
        if outcome is not Outcome.OK:
            words = [o["evalue"] for o in collector.finished() if o["output_type"] == "error"]
            if self._process is not None:
                words.append(self._process.words())
            raise KernelStartError(
                f"Starting a sealed kernel {setup.kernel_name!r}: its first request ended "
                f"with {outcome.value!r}. {' '.join(words)}".strip()
            )
        if is_python and setup.kernel_name in _OWN:
            found = _shown(reply, "prefix").strip("'")
            # Another user may get another Python by the same name, and other results from it.
            if found != sys.prefix:
                raise KernelStartError(
                    f"Starting a sealed kernel: expected the Python environment {sys.prefix}, "
                    f"but it runs in {found}. Grade with an environment that the sandbox can read."
                )

    # What callers do.

    def run(self, code: str, *, seconds: float, output_bytes: int, silent: bool = False) -> CellRun:
        """Run a cell.

        Parameters
        ----------
        code
            As in a notebook, magics included.
        seconds
            Wall-clock time before it is interrupted.
        output_bytes
            Outputs kept; what comes after is dropped and the cell goes on.
        silent
            Neither counted nor kept in the kernel's history.
        """
        started = time.monotonic()
        collector = Collector(room=output_bytes)
        outcome, _reply = self._execute(code, {}, seconds, collector, silent=silent)
        if outcome is Outcome.TOO_LARGE:  # an exception's endless message
            outcome = Outcome.ERROR
        return CellRun(
            outcome=outcome,
            outputs=collector.finished(),
            seconds=time.monotonic() - started,
            truncated=collector.truncated,
            execution_count=collector.execution_count,
        )

    def probe(self, request: bytes, *, seconds: float) -> ProbeReply:
        """Send a request to the agent; what the student's code prints meanwhile is dropped."""
        text = base64.b64encode(request).decode("ascii")
        expression = f"__import__('sys').modules['_nbjudge_agent'].handle('{text}')"
        collector = Collector(room=0)
        outcome, reply = self._execute("", {"reply": expression}, seconds, collector, silent=True)
        if outcome not in (Outcome.OK, Outcome.ERROR):
            return ProbeReply(outcome=outcome)
        # Empty is malformed to its reader.
        data = b""
        with contextlib.suppress(ValueError):
            data = base64.b64decode(_shown(reply, "reply").strip("'"), validate=True)
        return ProbeReply(outcome=Outcome.OK, data=data)

    def close(self) -> None:
        """Kill the kernel and remove everything that was made for it."""
        self._dead = True
        if self._watchdog is not None:
            self._watchdog.stop()
            self.peak_bytes = self._watchdog.peak_bytes
            self._watchdog = None
        if self._view is not None:
            self.cpu_seconds()
            self._view.close()
            self._view = None
        if self._process is not None:
            self._process.close()
            self._process = None
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    # The protocol.

    def _execute(
        self,
        code: str,
        expressions: Mapping[str, str],
        seconds: float,
        collector: Collector,
        *,
        silent: bool,
    ) -> tuple[Outcome, dict[str, Any]]:
        if not self.alive:
            return self._death(), {}
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": dict(expressions),
            "allow_stdin": False,
            "stop_on_error": False,
        }
        deadline = time.monotonic() + seconds
        identifier, parts = self._signer.pack("execute_request", content)
        values = self.setup.limits.reply_bytes * 4 // 3 if expressions else 0
        self._connections["shell"].allow(values + _REPLY_BYTES)
        try:
            self._connections["shell"].send(parts, deadline)
            return self._await(identifier, deadline, collector)
        except TimeoutError:
            self._kill()
            return Outcome.STUCK, {}
        except ConnectionLost:
            # Dying, or deaf from now on: what it had still said counts.
            self._kill()
            self._drain(identifier, collector)
            return self._death(), {}

    def _await(
        self, identifier: str, deadline: float, collector: Collector
    ) -> tuple[Outcome, dict[str, Any]]:
        reply: dict[str, Any] | None = None
        interrupted = idle = too_large = False
        while True:
            now = time.monotonic()
            if reply is not None and (idle or now >= deadline):
                break
            if now >= deadline:
                if interrupted:
                    self._kill()
                    return Outcome.STUCK, {}
                self._interrupt()
                interrupted, deadline = True, now + INTERRUPT_SECONDS
            if not self.alive:
                raise ConnectionLost
            for name in self._readable(min(_POLL_SECONDS, max(0.0, deadline - now))):
                for message in self._messages(name):
                    if message is None and name == "shell":
                        # It carries no name; whoever sent it, no other is waited for.
                        reply, too_large = {}, True
                        deadline = time.monotonic() + _DRAIN_SECONDS
                    elif message is None:
                        collector.truncated = True
                    elif message.parent != identifier:
                        continue
                    elif name == "iopub":
                        if message.kind != "status":
                            collector.take(message.kind, message.content)
                        elif message.content.get("execution_state") == "idle":
                            idle = True
                    elif message.kind == "execute_reply" and reply is None:
                        reply = message.content
                        deadline = time.monotonic() + _DRAIN_SECONDS
        # Outputs come in order: when the last word is missing, a message was dropped.
        collector.truncated = collector.truncated or not idle
        if _asks_exit(reply):
            self._kill()
            return Outcome.DIED, reply
        if interrupted:
            return Outcome.TIMEOUT, reply
        if too_large:
            return Outcome.TOO_LARGE, reply
        return (Outcome.OK if reply.get("status") == "ok" else Outcome.ERROR), reply

    def _readable(self, seconds: float) -> list[str]:
        poll = select.poll()
        names = {connection.fileno(): name for name, connection in self._connections.items()}
        for descriptor in names:
            poll.register(descriptor, select.POLLIN)
        return [names[descriptor] for descriptor, _event in poll.poll(seconds * 1000)]

    def _messages(self, name: str) -> Iterator[Received | None]:
        """Yield what has arrived, one at a time; None for what was too large to be read."""
        for parts in self._connections[name].receive():
            if parts is None:
                yield None
            elif name != "control":
                try:
                    message = self._signer.unpack(parts)
                except Oversized:
                    yield None
                else:
                    if message is not None:
                        yield message

    def _drain(self, identifier: str, collector: Collector) -> None:
        """Take the outputs that had arrived before the kernel ended."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        with contextlib.suppress(ConnectionLost):
            while "iopub" in self._readable(0) and time.monotonic() < deadline:
                for message in self._messages("iopub"):
                    if message is None:
                        collector.truncated = True
                    elif message.parent == identifier and message.kind != "status":
                        collector.take(message.kind, message.content)

    def _interrupt(self) -> None:
        # By message: a signal to the process group would reach bubblewrap and kill all.
        _identifier, parts = self._signer.pack("interrupt_request", {})
        with contextlib.suppress(ConnectionLost, TimeoutError):
            self._connections["control"].send(parts, time.monotonic() + 1)

    def _breached(self, breach: Breach) -> None:
        self._breach = breach
        self.cpu_seconds()
        if self._process is not None:
            self._process.kill()

    def _kill(self) -> None:
        self.cpu_seconds()
        self._dead = True
        if self._process is not None:
            self._process.kill()

    def _death(self) -> Outcome:
        # The watchdog's word comes before the death that it causes.
        self._dead = True
        return Outcome.DIED if self._breach is None else Outcome(self._breach)


def _shown(reply: Mapping[str, Any], name: str) -> str:
    """Return how a user expression's value was shown; empty for anything else."""
    for key in ("user_expressions", name, "data", "text/plain"):
        found = reply.get(key)
        if not isinstance(found, Mapping):
            return found if isinstance(found, str) and key == "text/plain" else ""
        reply = found
    return ""


def _asks_exit(reply: dict[str, Any]) -> bool:
    payload = reply.get("payload")
    return isinstance(payload, list) and any(
        isinstance(item, dict) and item.get("source") == "ask_exit" for item in payload
    )


_OWN = frozenset({"python", "python3"})
"""Kernels by these names are the running interpreter's."""
_MODULES = (
    "ipykernel_launcher",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    # The rest is loaded as a kernel starts.
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "tornado.queues",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "pydoc",
)
"""What such a kernel is made of."""
_BACKEND = "module://matplotlib_inline.backend_inline"
"""ipykernel sets it too, but when it starts: a warm parent has loaded matplotlib by then."""

# Local modules are found as in any notebook, unless a student's file would hide a library's
# module (a `random.py` beside the notebook): then the libraries come first.
_PATH = """
def _nbjudge_path():
    import importlib.util, sys
    names = {uploads!r}
    hides = any(
        name in sys.modules or importlib.util.find_spec(name) is not None for name in names
    )
    sys.path.append("") if hides else sys.path.insert(0, "")
_nbjudge_path()
del _nbjudge_path
"""


def _importable(setup: KernelSetup) -> list[str]:
    """Return the top-level module names that a student's own files would give."""
    names = set()
    for path in setup.uploads:
        if path not in setup.files:
            top = path.split("/")[0]
            names.add(top.removesuffix(".py"))
    return sorted(name for name in names if name.isidentifier())


def kernel_command(
    name: str, *, figures: bool = True
) -> tuple[tuple[str, ...], dict[str, str], bool, tuple[str, ...]]:
    """Return (argv, environment, is Python, prefixes) of a kernelspec, for inside a sandbox.

    Raises
    ------
    KernelStartError
        If there is no such kernelspec here.
    """
    connection = f"{sandbox.RUN}/connection.json"
    options: tuple[str, ...] = (
        "--HistoryManager.enabled=False",
        "--InteractiveShellApp.ignore_cwd=True",
    )
    if not figures:  # a figure has no format left but its line of text
        options += ("--InlineBackend.figure_formats=[]",)
    if name in _OWN:
        # -P: what lies in the work folder is not what starts the kernel.
        argv = (sys.executable, "-P", "-m", "ipykernel_launcher", "-f", connection, *options)
        return argv, {"MPLBACKEND": _BACKEND}, True, ()
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel as error:
        raise KernelStartError(
            f"The notebook asks for the kernel {name!r}, which is not installed here. Install it, "
            "or set kernel_name in nbjudge.configure(c, ...)."
        ) from error
    is_python = spec.language.lower() == "python"
    argv_list = [part.replace("{connection_file}", connection) for part in spec.argv]
    if is_python and argv_list[0] in {"python", "python3"}:
        argv_list[0] = sys.executable
    if is_python and "ipykernel_launcher" in argv_list:
        argv_list += options
    executable = shutil.which(argv_list[0]) or argv_list[0]
    prefixes = (str(Path(executable).parent.parent),)
    return tuple(argv_list), dict(spec.env), is_python, prefixes
