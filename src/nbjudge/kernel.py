"""A sealed kernel: run cells, send probes; every limit ends in an outcome, never in an error.

The client speaks the Jupyter message protocol over ``ipc`` sockets that live inside the sandbox.
All that comes back is hostile: sizes are capped on the sockets, signatures checked, and every
message is read as if its author wanted this process to fall over.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

from nbjudge import agent, sandbox
from nbjudge.errors import KernelStartError
from nbjudge.limits import MIB, Limits
from nbjudge.watchdog import Breach, Watchdog, cpu_seconds

INTERRUPT_SECONDS = 3.0
"""How long an interrupted cell may take to end before its kernel is killed."""
_DRAIN_SECONDS = 1.0
"""How long to wait for outputs after the reply; the kernel drops messages when it floods."""
_IOPUB_MESSAGE_BYTES = 16 * MIB
_IOPUB_QUEUE = 32

Output = dict[str, Any]


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


@dataclass
class _Collector:
    """Outputs of one cell, as they come, up to a number of bytes."""

    room: int
    outputs: list[Output] = field(default_factory=list)
    displays: dict[str, list[Output]] = field(default_factory=dict)
    truncated: bool = False
    execution_count: int | None = None
    clear_next: bool = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "clear_output":
            if content.get("wait"):
                self.clear_next = True
            else:
                self._clear()
            return
        if kind == "execute_input":
            count = content.get("execution_count")
            self.execution_count = count if isinstance(count, int) else None
            return
        output = _output(kind, content)
        if output is None:
            return
        if self.clear_next:
            self._clear()
            self.clear_next = False
        size = _size(output)
        if size > self.room:
            self.truncated = True
            # An error says more than the flood before it: keep its name and message.
            if output["output_type"] == "error":
                self.outputs.append(_short(output))
            return
        self.room -= size
        transient = content.get("transient")
        identifier = transient.get("display_id") if isinstance(transient, dict) else None
        if kind == "update_display_data":
            for shown in self.displays.get(str(identifier), []):
                shown["data"], shown["metadata"] = output["data"], output["metadata"]
            return
        last = self.outputs[-1] if self.outputs else None
        if (
            output["output_type"] == "stream"
            and last is not None
            and last["output_type"] == "stream"
            and last["name"] == output["name"]
        ):
            last["text"].append(output["text"][0])
            return
        self.outputs.append(output)
        if isinstance(identifier, str):
            self.displays.setdefault(identifier[:200], []).append(output)

    def _clear(self) -> None:
        self.outputs.clear()
        self.displays.clear()

    def finished(self) -> tuple[Output, ...]:
        """Return the outputs, streams joined."""
        for output in self.outputs:
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
        return tuple(self.outputs)


def _output(kind: str, content: dict[str, Any]) -> Output | None:
    """Return a well-formed nbformat output of a message's content, or None."""
    if kind == "stream":
        text = content.get("text")
        if not isinstance(text, str):
            return None
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": [text]}
    if kind in {"display_data", "update_display_data", "execute_result"}:
        raw = content.get("data")
        data = {
            mime: value
            for mime, value in (raw.items() if isinstance(raw, dict) else ())
            if isinstance(mime, str) and len(mime) < 200 and isinstance(value, str)
        }
        output: Output = {"output_type": kind, "data": data, "metadata": {}}
        if kind == "update_display_data":
            output["output_type"] = "display_data"
        if kind == "execute_result":
            count = content.get("execution_count")
            output["execution_count"] = count if isinstance(count, int) else None
        return output
    if kind == "error":
        trace = content.get("traceback")
        return {
            "output_type": "error",
            "ename": str(content.get("ename", ""))[:200],
            "evalue": str(content.get("evalue", "")),
            "traceback": [
                line for line in (trace if isinstance(trace, list) else []) if isinstance(line, str)
            ],
        }
    return None


def _size(output: Output) -> int:
    if output["output_type"] == "stream":
        return len(output["text"][0].encode("utf-8", "replace")) + 16
    if output["output_type"] == "error":
        return 100 + len(output["evalue"]) + sum(len(line) for line in output["traceback"])
    return 100 + sum(len(mime) + len(value) for mime, value in output["data"].items())


def _short(output: Output) -> Output:
    return output | {"evalue": output["evalue"][:500], "traceback": []}


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
        self._process: sandbox.SandboxProcess | None = None
        self._watchdog: Watchdog | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._session = Session(key=secrets.token_hex(16).encode(), username="nbjudge")
        self._shell: Any = None
        self._control: Any = None
        self._iopub: Any = None
        self._breach: Breach | None = None
        self._dead = False
        self._cpu_seconds = 0.0

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
        if self._process is not None and self._process.poll() is None:
            self._cpu_seconds = max(self._cpu_seconds, cpu_seconds(self._process.pid))
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
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        setup = self.setup
        connection = {
            "transport": "ipc",
            "ip": f"{sandbox.RUN}/k",
            "shell_port": 1,
            "iopub_port": 2,
            "stdin_port": 3,
            "control_port": 4,
            "hb_port": 5,
            "key": self._session.key.decode(),
            "signature_scheme": "hmac-sha256",
            "kernel_name": setup.kernel_name,
        }
        argv, environment, is_python, prefixes = kernel_command(setup.kernel_name)
        sealing = sandbox.Sealing(
            argv=argv,
            connection=json.dumps(connection),
            limits=setup.limits,
            files=setup.files,
            uploads={k: v for k, v in setup.uploads.items() if k not in setup.files},
            readonly=setup.readonly,
            environment=environment | dict(setup.environment),
            prefixes=prefixes,
        )
        deadline = time.monotonic() + setup.limits.start_seconds
        self._process = sandbox.unsealed(sealing) if setup.unsealed else sandbox.seal(sealing)
        self._watchdog = Watchdog(
            self._process.pid,
            setup.limits,
            () if setup.unsealed else sandbox.TMPFS,
            self._breached,
        )
        self._watchdog.start()
        folder = self._process.run_folder
        for port in (1, 2, 4):
            sandbox.wait_for(folder / f"k-{port}", self._process, deadline - time.monotonic())
        self._connect(folder)
        self._prepare(is_python, max(1.0, deadline - time.monotonic()))

    def _connect(self, folder: Path) -> None:
        self._context = zmq.Context()
        replies = self.setup.limits.reply_bytes * 4 // 3 + MIB

        def socket(kind: int, port: int, size: int) -> Any:
            assert self._context is not None  # noqa: S101 - set three lines above
            made = self._context.socket(kind)
            made.linger = 0
            made.setsockopt(zmq.MAXMSGSIZE, size)
            made.setsockopt(zmq.RCVHWM, _IOPUB_QUEUE)
            if kind == zmq.SUB:
                made.setsockopt(zmq.SUBSCRIBE, b"")
            made.connect(f"ipc://{folder}/k-{port}")
            return made

        self._iopub = socket(zmq.SUB, 2, _IOPUB_MESSAGE_BYTES)
        self._shell = socket(zmq.DEALER, 1, replies)
        self._control = socket(zmq.DEALER, 4, MIB)

    def _prepare(self, is_python: bool, seconds: float) -> None:
        code = ""
        if is_python:
            limits = self.setup.limits
            code = agent.bootstrap_source(self.setup.seed, limits.reply_bytes)
            code += _PATH.format(uploads=_importable(self.setup))
        run = self._execute(code, {}, seconds, _Collector(room=20_000), silent=True)[0]
        if run is not Outcome.OK:
            words = self._process.words() if self._process else ""
            raise KernelStartError(
                f"Starting a sealed kernel {self.setup.kernel_name!r}: its first request ended "
                f"with {run.value!r}. {words}".strip()
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
        collector = _Collector(room=output_bytes)
        outcome, _reply = self._execute(code, {}, seconds, collector, silent=silent)
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
        collector = _Collector(room=0)
        outcome, reply = self._execute("", {"reply": expression}, seconds, collector, silent=True)
        if outcome not in (Outcome.OK, Outcome.ERROR):
            return ProbeReply(outcome=outcome)
        try:
            shown = reply["user_expressions"]["reply"]
            if shown.get("status") != "ok":
                return ProbeReply(outcome=Outcome.OK)  # empty: malformed to its reader
            quoted = shown["data"]["text/plain"]
            data = base64.b64decode(quoted.strip().strip("'"), validate=True)
        except (KeyError, TypeError, ValueError, AttributeError):
            return ProbeReply(outcome=Outcome.OK)
        return ProbeReply(outcome=Outcome.OK, data=data)

    def close(self) -> None:
        """Kill the kernel and remove everything that was made for it."""
        self._dead = True
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        if self._process is not None:
            self.cpu_seconds()
            self._process.close()
            self._process = None
        for socket in (self._shell, self._control, self._iopub):
            if socket is not None:
                socket.close(0)
        self._shell = self._control = self._iopub = None
        if self._context is not None:
            self._context.term()
            self._context = None

    # The protocol.

    def _execute(
        self,
        code: str,
        expressions: Mapping[str, str],
        seconds: float,
        collector: _Collector,
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
        request = self._session.msg("execute_request", content)
        self._session.send(self._shell, request)
        identifier = request["header"]["msg_id"]
        deadline = time.monotonic() + seconds
        reply: dict[str, Any] | None = None
        interrupted = idle = False
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
            if self._gone():
                self._drain(identifier, collector)
                return self._death(), {}
            for socket, kind, body in self._receive(
                min(0.05, max(0.0, deadline - now)), identifier
            ):
                if socket is self._iopub:
                    if kind == "status":
                        idle = idle or body.get("execution_state") == "idle"
                    else:
                        collector.take(kind, body)
                elif kind == "execute_reply" and reply is None:
                    reply = body
                    deadline = time.monotonic() + _DRAIN_SECONDS
        # Outputs come in order: when the last word is missing, a message was too large, or dropped.
        collector.truncated = collector.truncated or not idle
        if _asks_exit(reply):
            self._kill()
            return Outcome.DIED, reply
        if interrupted:
            return Outcome.TIMEOUT, reply
        return (Outcome.OK if reply.get("status") == "ok" else Outcome.ERROR), reply

    def _receive(self, seconds: float, identifier: str) -> list[tuple[Any, str, dict[str, Any]]]:
        """Return messages that answer a request, from whichever socket has some."""
        poller = zmq.Poller()
        poller.register(self._shell, zmq.POLLIN)
        poller.register(self._iopub, zmq.POLLIN)
        found = []
        for socket, _event in poller.poll(int(seconds * 1000)):
            for _ in range(_IOPUB_QUEUE):
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.ZMQError:
                    break
                message = self._read(parts, identifier)
                if message is not None:
                    found.append((socket, *message))
        return found

    def _read(self, parts: list[bytes], identifier: str) -> tuple[str, dict[str, Any]] | None:
        try:
            _identities, rest = self._session.feed_identities(parts)
            message = self._session.deserialize(rest)
            if message["parent_header"].get("msg_id") != identifier:
                return None
            kind, content = message["msg_type"], message["content"]
        except Exception:  # a forged message may fail in any way; it is no message then
            return None
        if not isinstance(kind, str) or not isinstance(content, dict):
            return None
        return kind, content

    def _drain(self, identifier: str, collector: _Collector) -> None:
        """Take what the kernel had still said before it ended."""
        for _ in range(_IOPUB_QUEUE):
            messages = self._receive(0.02, identifier)
            if not messages:
                return
            for socket, kind, body in messages:
                if socket is self._iopub and kind != "status":
                    collector.take(kind, body)

    def _interrupt(self) -> None:
        # By message: a signal to the process group would reach bubblewrap and kill all.
        with contextlib.suppress(zmq.ZMQError):
            self._session.send(self._control, self._session.msg("interrupt_request", {}))

    def _breached(self, breach: Breach) -> None:
        self._breach = breach
        if self._process is not None:
            self._process.kill()

    def _kill(self) -> None:
        self.cpu_seconds()
        self._dead = True
        if self._process is not None:
            self._process.kill()

    def _gone(self) -> bool:
        return not self.alive

    def _death(self) -> Outcome:
        # The watchdog's word comes with the death that it causes.
        if self._breach is not None:
            return Outcome(self._breach)
        self._dead = True
        return Outcome.DIED


def _asks_exit(reply: dict[str, Any]) -> bool:
    payload = reply.get("payload")
    return isinstance(payload, list) and any(
        isinstance(item, dict) and item.get("source") == "ask_exit" for item in payload
    )


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


def kernel_command(name: str) -> tuple[tuple[str, ...], dict[str, str], bool, tuple[str, ...]]:
    """Return (argv, environment, is Python, prefixes) of a kernelspec, for inside a sandbox.

    Raises
    ------
    KernelStartError
        If there is no such kernelspec here.
    """
    connection = f"{sandbox.RUN}/connection.json"
    options = (
        "--HistoryManager.enabled=False",
        "--InteractiveShellApp.ignore_cwd=True",
    )
    if name in {"python3", "python"}:
        argv = (sys.executable, "-m", "ipykernel_launcher", "-f", connection, *options)
        return argv, {}, True, ()
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
