"""What runs in a warm parent: it imports, then sends a child into each sandbox it is handed.

Its source travels into the parent's sandbox; it needs nothing but the standard library.  The
parent runs no student's code, reads nothing that a child writes, and holds nothing of any
submission: all that it is told is a descriptor of the sandbox and what every child is told.

A child enters the namespaces of its sandbox (setns(2)) while it is still alone and powerless to do
anything else; gives up every capability, for ever, and forks once more, since a process never
changes its own namespace of processes.  What comes out has no descriptor of its parent's, no
capability, the sandbox's system call filter and limits, and only then looks at the work folder.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import signal
import socket
import sys
import types
from typing import Any

# linux/sched.h: what bubblewrap has separated.
_CGROUP, _UTS, _IPC, _USER, _PID, _NET = (
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_MOUNT = 0x00020000
_NAMESPACES = _MOUNT | _UTS | _IPC | _USER | _PID | _NET
# linux/prctl.h
_SET_DUMPABLE, _SET_SECCOMP, _DROP_BOUND, _SUBREAPER, _NO_NEW_PRIVILEGES, _AMBIENT = (
    *(4, 22, 24, 36, 38, 47),
)
_FILTER, _CLEAR_ALL = 2, 4
_CAPABILITIES_VERSION = 0x20080522
_MESSAGE_BYTES = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def main(channel: socket.socket) -> dict[str, Any] | None:
    """Prepare, then serve the grader until it hangs up.

    Returns
    -------
    dict or None
        In a child, its order; None in the parent, at its end.
    """
    first = json.loads(channel.recv(_MESSAGE_BYTES))
    for name in first["modules"]:
        # A course's module may do anything; without it the child is only slower.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # Orphans are the parent's (the process between them ends at once), and nobody waits for one.
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page of every child
    tasks = len(os.listdir("/proc/self/task"))
    channel.send(json.dumps({"threads": tasks}).encode())
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(channel, _MESSAGE_BYTES, 3)
        if not message:
            return None
        if os.fork() == 0:
            channel.close()
            sandbox, words, reply = descriptors
            _enter(sandbox, socket.socket(fileno=reply))
            order: dict[str, Any] = json.loads(message)
            _settle(order, words)
            return order
        for descriptor in descriptors:
            os.close(descriptor)


def _enter(sandbox: int, reply: socket.socket) -> None:
    """Return in a child that is inside; what went wrong is told to the grader."""
    try:
        _join(sandbox)
        _drop_capabilities()
        child = os.fork()
        if child:
            descriptor = os.pidfd_open(child)
            socket.send_fds(reply, [b"{}"], [descriptor])
    except BaseException as error:
        reply.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        os._exit(1)
    if child:
        os._exit(0)


def _join(sandbox: int) -> None:
    # All at once: what allows it is to be the owner of the outermost of its user namespaces.
    if _libc.setns(sandbox, _NAMESPACES | _CGROUP) == 0:
        return
    # bubblewrap makes one for control groups only where it can.
    _check(_libc.setns(sandbox, _NAMESPACES), "entering the sandbox")


def _drop_capabilities() -> None:
    """Give up all capabilities, and the possibility of ever having one."""
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    _check(_libc.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0), "ambient capabilities")
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as stream:
        last = int(stream.read())
    for capability in range(last + 1):
        _check(_libc.prctl(_DROP_BOUND, capability, 0, 0, 0), "bounding set")
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _settle(order: dict[str, Any], words: int) -> None:
    """Become what a process that bubblewrap itself had started would be."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(order["folder"])
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.closerange(3, 1 << 30)
    for pair in order["limits"].split(","):
        name, value = pair.split("=")
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(which, (value, value))
    # Entering took that away; the watchdog looks at what is its own user's.
    _check(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")
    code = bytes.fromhex(order["filter"])
    if code:
        program = _Program(len(code) // 8, code)
        _check(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0), "filter")


def _check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def run(argv: list[str]) -> None:
    """Do what ``python -P argv...`` does, in this process.

    Parameters
    ----------
    argv
        ``-m MODULE arguments...`` or ``-c CODE arguments...``.
    """
    option, what, *arguments = argv
    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    exec(compile(what, "<string>", "exec"), vars(module))  # noqa: S102 - the grader's own
