"""Frames on a stream socket between the grader and the judge process: a kind and bytes."""

from __future__ import annotations

import socket
import struct
import time
from enum import IntEnum

from nbjudge.errors import JudgeProcessError

_HEAD = struct.Struct("!BQ")
MAX_FRAME = 1 << 30
"""Bytes of one frame: an assignment with its data."""


class Frame(IntEnum):
    """What a frame holds."""

    LOAD = 1
    """To the judge: the assignment (pickled by us, for our own process)."""
    CELL = 2
    """To the judge: judge this test cell (JSON)."""
    PROBE = 3
    """To the grader: a request for the student's kernel, a label and bytes."""
    REPLY = 4
    """To the judge: the kernel's reply, hostile bytes, handed on as they came."""
    LOST = 5
    """To the judge: no reply, and why (JSON)."""
    VERDICT = 6
    """To the grader: the verdict (JSON)."""
    READY = 7
    """To the grader: loaded."""
    FAULT = 8
    """To the grader: an error of the instructor's (JSON)."""


def send_frame(sock: socket.socket, kind: Frame, data: bytes) -> None:
    """Send one frame.

    Raises
    ------
    JudgeProcessError
        If the other side is gone.
    """
    try:
        sock.sendall(_HEAD.pack(kind, len(data)) + data)
    except OSError as error:
        raise JudgeProcessError(f"Talking to the judge process: {error}.") from error


def receive_frame(
    sock: socket.socket, seconds: float | None, *, max_bytes: int = MAX_FRAME
) -> tuple[Frame, bytes] | None:
    """Receive one frame; None if none has come whole within ``seconds``.

    Raises
    ------
    JudgeProcessError
        If the other side is gone or speaks nonsense.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    head = _receive(sock, _HEAD.size, deadline)
    if head is None:
        return None
    kind, size = _HEAD.unpack(head)
    if size > max_bytes:
        raise JudgeProcessError(f"Talking to the judge process: a frame of {size} bytes.")
    try:
        known = Frame(kind)
    except ValueError as error:
        raise JudgeProcessError(f"Talking to the judge process: a frame of kind {kind}.") from error
    data = _receive(sock, size, deadline)
    return None if data is None else (known, data)


def _receive(sock: socket.socket, size: int, deadline: float | None) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            sock.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
            part = sock.recv(min(size - len(parts), 1 << 20))
        except TimeoutError:
            return None
        except OSError as error:
            raise JudgeProcessError(f"Talking to the judge process: {error}.") from error
        if not part:
            raise JudgeProcessError("Talking to the judge process: it has ended.")
        parts += part
    return bytes(parts)
