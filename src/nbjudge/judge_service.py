"""What runs inside the judge's sandbox: a server of one grader, for one submission.

Started and killed by :class:`nbjudge.judge_process.JudgeProcess`, so that a hidden ``while`` on a
student's NaN ends with a verdict and not with a grader that hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import socket
import sys
import traceback
from pathlib import Path

from nbjudge import i18n
from nbjudge.errors import HiddenTestError, JudgeProcessError
from nbjudge.frames import Frame, receive_frame, send_frame
from nbjudge.judge import Court, Load
from nbjudge.raised import KernelLost, StudentError, StudentTimeout


def serve(sock: socket.socket) -> None:
    """Judge cells as they are asked for, in the current folder, until the grader hangs up."""
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
            cls = StudentTimeout if outcome == "timeout" else StudentError
            raise cls(kind, "", [], None, label)
        raise KernelLost(outcome)

    _lay_out(Path.cwd(), load)
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


def main(address: str) -> None:
    """Wait for the grader at a socket, and serve it."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as door:
        door.bind(address)
        door.listen(1)
        sock, _address = door.accept()
    words = sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        # What given cells or tests print belongs to nobody; the error output is for last words.
        os.dup2(nowhere.fileno(), 1)
        sys.stdout = sys.stderr = nowhere
        try:
            serve(sock)
        except JudgeProcessError:  # the grader hung up: nobody to tell
            pass
        except BaseException:
            traceback.print_exc(file=words)
            raise SystemExit(1) from None
