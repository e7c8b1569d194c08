"""The grader's hold on a judge process: start, ask, relay probes, kill."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbjudge.errors import HiddenTestError, JudgeProcessError
from nbjudge.frames import Frame, receive_frame, send_frame
from nbjudge.judge import Load

_COMMAND = (sys.executable, "-P", "-m", "nbjudge.judge")

_QUICK_SECONDS = 0.02
"""Of the time that a probe takes, this much is the test's own."""

ProbeAnswer = tuple[str, bytes]
"""("ok", reply) or (outcome, b"")."""


class JudgeTimeout(Exception):
    """The judge did not end a cell in time; it has been killed."""


class JudgeProcess:
    """One judge process; restarted by the next question after it had to be killed.

    Parameters
    ----------
    load
        What it judges.
    start_seconds
        Until it must be ready.
    """

    def __init__(self, load: Load, *, start_seconds: float) -> None:
        self._data = pickle.dumps(load)
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._ready = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start the process without waiting for it; it gets ready while the kernel does.

        Raises
        ------
        JudgeProcessError
            If it cannot be started.
        """
        if self._process is not None:
            return
        # Ours to remove: the judge may be killed at any moment.
        self._folder = tempfile.TemporaryDirectory(
            prefix="nbjudge-judge-", ignore_cleanup_errors=True
        )
        ours, theirs = socket.socketpair()
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("NBGRADER_", "JUPYTER_", "PYTHONSTARTUP"))
        }
        environment |= {
            "MPLBACKEND": "agg",
            "NBGRADER_EXECUTION": "autograde",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        try:
            with theirs, open(self._words, "wb") as words:
                self._process = subprocess.Popen(
                    [*_COMMAND, str(theirs.fileno()), self._folder.name],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    # What given cells or tests print belongs to nobody.
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    env=environment,
                    start_new_session=True,
                )
            self._sock = ours
            send_frame(ours, Frame.LOAD, self._data)
        except OSError as error:
            ours.close()
            raise JudgeProcessError(f"Starting the judge process: {error}.") from error

    @property
    def _words(self) -> Path:
        """Where the process says what it dies of."""
        assert self._folder is not None  # noqa: S101 - start() makes it first
        return Path(self._folder.name) / "stderr"

    def _last_words(self) -> str:
        try:
            return self._words.read_text("utf-8", "replace")[-2000:].strip()
        except (AssertionError, OSError):
            return ""

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
        JudgeProcessError
            If the process died.
        """
        self.start()
        sock = self._sock
        assert sock is not None  # noqa: S101 - start() sets it or raises
        try:
            if not self._ready:
                self._wait_ready(sock)
            order = {"position": position, "seed": seed.hex()}
            send_frame(sock, Frame.CELL, json.dumps(order).encode())
            left = seconds
            while True:
                started = time.monotonic()
                frame = receive_frame(sock, left)
                left -= time.monotonic() - started
                if frame is None or left <= 0:
                    self.close()
                    raise JudgeTimeout
                kind, data = frame
                if kind is Frame.VERDICT:
                    verdict: dict[str, Any] = json.loads(data)
                    return verdict
                if kind is Frame.FAULT:
                    sentence, trace = json.loads(data)
                    raise HiddenTestError(sentence, trace)
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
            words = self._last_words()
            self.close()
            raise JudgeProcessError(f"{error} {words}".strip()) from error

    def _wait_ready(self, sock: socket.socket) -> None:
        frame = receive_frame(sock, self._start_seconds)
        if frame is None or frame[0] is not Frame.READY:
            raise JudgeProcessError(
                f"The judge process was not ready within {self._start_seconds:g} s."
            )
        self._ready = True

    def close(self) -> None:
        """Kill the process and everything it started."""
        self._ready = False
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, 9)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
