"""The grader's hold on a judge process: start, ask, relay probes, kill.

The judge executes the instructor's tests on values that a student's code has made.  It is sealed
as the kernel is, in a sandbox of its own: were such a value ever to take the judge over, it would
hold this one submission's tests and nothing of the machine.
"""

from __future__ import annotations

import contextlib
import json
import math
import pickle
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbjudge
from nbjudge import sandbox
from nbjudge.errors import HiddenTestError, JudgeProcessError, JudgeStartError, KernelStartError
from nbjudge.frames import Frame, receive_frame, send_frame
from nbjudge.judge import Load
from nbjudge.limits import Limits
from nbjudge.settings import Settings
from nbjudge.verdict import Part, Status
from nbjudge.warm import Warmth
from nbjudge.watchdog import cpu_seconds

_SOCKET = "judge"
"""Of the sandbox's run folder: where the judge is asked."""
_PACKAGES = str(Path(nbjudge.__file__).parents[1])
# The environment's own packages come first: this one may lie in a folder of its own.
_START = f"""\
import sys
sys.path.append({_PACKAGES!r})
from nbjudge.judge_service import main
main(sys.argv[1])
"""

_QUICK_SECONDS = 0.02
"""Of the time that a probe takes, this much is the test's own."""
_FRAME_BYTES = 256 << 20
"""Of one message from the judge: the arguments of a student's function."""

ProbeAnswer = tuple[str, bytes]
"""("ok", reply) or (outcome, b"")."""


class JudgeTimeout(Exception):
    """The judge did not end a cell in time; it has been killed."""


class JudgeProcess:
    """One judge process; restarted by the next question after it had to be killed.

    The calling *thread* must live as long as the process, as for every sandbox.

    Parameters
    ----------
    load
        What it judges.
    settings
        Of the course: limits, and what a sandbox may see.
    warmth
        Where it may be forked from; None starts a Python for it.

    Attributes
    ----------
    cpu_seconds
        Processor time of what has been closed.
    """

    def __init__(self, load: Load, settings: Settings, warmth: Warmth | None = None) -> None:
        self._data = pickle.dumps(load)
        self._settings = settings
        self._warmth = None if settings.unsealed else warmth
        files = (*load.files.values(), *load.judge_files.values())
        self._limits = _limits(settings.limits, sum(len(data) + 8192 for data in files))
        self._sealing = sandbox.Sealing(
            argv=(sys.executable, "-P", "-c", _START, f"{sandbox.RUN}/{_SOCKET}"),
            purpose="the judge",
            limits=self._limits,
            readonly=(str(Path(nbjudge.__file__).parent), *settings.readonly),
            environment={"MPLBACKEND": "agg", **dict(settings.environment)},
        )
        self._process: sandbox.SandboxProcess | None = None
        self._sock: socket.socket | None = None
        self.cpu_seconds = 0.0

    def start(self) -> None:
        """Start the process without waiting for it; it gets ready while the kernel does.

        Raises
        ------
        SandboxUnavailable
            If no sandbox can be made here.
        """
        if self._process is not None:
            return
        if self._warmth is not None:
            self._process = self._warmth.seal(self._sealing, ("nbjudge.judge_service",))
        if self._process is None:
            make = sandbox.unsealed if self._settings.unsealed else sandbox.seal
            self._process = make(self._sealing)

    def _connected(self) -> socket.socket:
        """Return the socket to a judge that is ready; what a warm parent cannot do is done cold."""
        try:
            return self._connect()
        except JudgeStartError:
            if self._warmth is None:
                raise
            self._warmth.discard(self._sealing)
            self._warmth = None
            return self._connect()

    def _connect(self) -> socket.socket:
        self.start()
        process = self._process
        assert process is not None  # noqa: S101 - start() sets it or raises
        if self._sock is not None:
            return self._sock
        seconds = self._limits.start_seconds
        try:
            sock = self._sock = process.connect(_SOCKET, time.monotonic() + seconds)
            sock.settimeout(seconds)
            send_frame(sock, Frame.LOAD, self._data)
            frame = receive_frame(sock, seconds, max_bytes=_FRAME_BYTES)
        except (KernelStartError, JudgeProcessError) as error:
            said = f"{error} {process.words()[-2000:]}".strip()
            self.close()
            raise JudgeStartError(said) from error
        if frame is None or frame[0] is not Frame.READY:
            self.close()
            raise JudgeStartError(
                f"Starting the judge: it was not ready within {seconds:g} s. Is the machine "
                "overloaded? start_seconds in limits of nbjudge.configure(c, ...) gives it longer."
            )
        return sock

    def judge(
        self,
        position: int,
        seed: bytes,
        *,
        seconds: float,
        probe: Callable[[bytes], ProbeAnswer],
    ) -> dict[str, Any]:
        """Judge one test cell; relay its probes.

        Parameters
        ----------
        position
            Index of the cell in the source notebook.
        seed
            Of the question.
        seconds
            Wall-clock time that the judge may take, waiting for probes not counted.
        probe
            Sends a request's bytes to the student's kernel.

        Raises
        ------
        JudgeTimeout
            If it took longer.
        HiddenTestError
            If the instructor must act (only while proving the reference).
        JudgeStartError, SandboxUnavailable
            If the process cannot be started here: nothing of the student's has met it yet.
        JudgeProcessError
            If the process died, or does not speak the protocol any more.
        """
        sock = self._connected()
        try:
            order = {"position": position, "seed": seed.hex()}
            send_frame(sock, Frame.CELL, json.dumps(order).encode())
            left = seconds
            while True:
                started = time.monotonic()
                frame = receive_frame(sock, left, max_bytes=_FRAME_BYTES)
                left -= time.monotonic() - started
                if frame is None or left <= 0:
                    self.close()
                    raise JudgeTimeout
                kind, data = frame
                if kind is Frame.VERDICT:
                    return _verdict(data)
                if kind is Frame.FAULT:
                    raise _fault(data)
                if kind is not Frame.PROBE:
                    raise JudgeProcessError(f"The judge process sent an unexpected {kind!r}.")
                asked = time.monotonic()
                outcome, reply = probe(data[4 + int.from_bytes(data[:4]) :])
                # A test that never stops asking must come to an end too.
                left -= min(time.monotonic() - asked, _QUICK_SECONDS)
                if outcome == "ok":
                    send_frame(sock, Frame.REPLY, reply)
                else:
                    send_frame(sock, Frame.LOST, json.dumps(outcome).encode())
        except JudgeProcessError as error:
            words = "" if self._process is None else self._process.words()[-2000:]
            self.close()
            raise JudgeProcessError(f"{error} {words}".strip()) from error

    def close(self) -> None:
        """Kill the process and everything it started."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        if self._process is not None:
            with contextlib.closing(self._process.view()) as view:
                self.cpu_seconds += cpu_seconds(view)
            self._process.close()
            self._process = None


def _limits(limits: Limits, files_bytes: int) -> Limits:
    """Return the judge's: room for the assignment's files and for a test's large matrices."""
    return replace(
        limits,
        memory_bytes=limits.judge_memory_bytes,
        work_bytes=limits.work_bytes + files_bytes,
    )


# What the judge says is believed on this one submission, and only if it is of the right form.


def _verdict(data: bytes) -> dict[str, Any]:
    try:
        verdict = json.loads(data)
        parts = [Part(**part) for part in verdict["parts"]]
        Status(verdict["status"])
        points = [verdict["points"], *(p.points for p in parts), *(p.max_points for p in parts)]
        chances = [verdict["false_alarm"], *(p.false_alarm for p in parts)]
        numbers = [verdict["seconds"], *points, *chances]
        texts = [verdict["message"], verdict["detail"], *verdict["objects"]]
        texts += [text for part in parts for text in (part.what, part.message, part.detail)]
        right = all(math.isfinite(number) for number in numbers)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise JudgeProcessError(f"The judge process sent no verdict: {error!r}.") from error
    if not right or not all(isinstance(text, str) for text in texts):
        raise JudgeProcessError("The judge process sent no verdict: a number or text is none.")
    return dict(verdict)


def _fault(data: bytes) -> HiddenTestError | JudgeProcessError:
    try:
        sentence, trace = json.loads(data)
    except (ValueError, TypeError, RecursionError) as error:
        return JudgeProcessError(f"The judge process sent no fault: {error!r}.")
    return HiddenTestError(str(sentence), str(trace))
