"""A filter of system calls for the sandbox: what namespaces do not separate is not there.

Namespaces leave holes through which a process still meets the machine: kernel keyrings, virtual
sockets of the hypervisor (``AF_VSOCK`` knows no network namespace), System V and anonymous
memory that belongs to no process and so escapes the watchdog, and interfaces whose only use here
would be to look for faults in the kernel.  These calls answer ``ENOSYS``, as on a kernel that
never had them: libraries then take another way.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

# linux/bpf_common.h, linux/seccomp.h, linux/audit.h
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32_BIT = 0x40000000

_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: separated by the network namespace."""


@dataclass(frozen=True)
class _Machine:
    audit: int
    sockets: tuple[int, ...]
    """socket, socketpair"""
    absent: dict[str, int]


_COMMON = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
_COMMON |= {"memfd_secret": 447}
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (41, 53),
        _COMMON
        | {
            "shmget": 29,
            "semget": 64,
            "msgget": 68,
            "ptrace": 101,
            "syslog": 103,
            "mq_open": 240,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "perf_event_open": 298,
            "name_to_handle_at": 303,
            "open_by_handle_at": 304,
            "kcmp": 312,
            "memfd_create": 319,
            "bpf": 321,
            "userfaultfd": 323,
        },
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (198, 199),
        _COMMON
        | {
            "syslog": 116,
            "ptrace": 117,
            "mq_open": 180,
            "msgget": 186,
            "semget": 190,
            "shmget": 194,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "perf_event_open": 241,
            "name_to_handle_at": 264,
            "open_by_handle_at": 265,
            "kcmp": 272,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
        },
    ),
}


def program(machine: str | None = None) -> bytes | None:
    """Return the filter for bubblewrap's ``--seccomp``; None for a processor not known here.

    Parameters
    ----------
    machine
        As ``platform.machine()`` says; None takes this one's.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    absent = sorted(known.absent.values())
    # Jumps count the instructions to leave out, and go forward only.
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, known.audit),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),  # 32-bit calls by the back door
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for number in absent:
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    code += [
        (_JUMP_EQUAL, 2, 0, known.sockets[0]),
        (_JUMP_EQUAL, 1, 0, known.sockets[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
    ]
    for family in _FAMILIES:
        code += [(_JUMP_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    code.append((_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
