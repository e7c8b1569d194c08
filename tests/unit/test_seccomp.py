"""The filter of system calls, run by a small machine of its own kind."""

import errno
import struct

import pytest

from nbjudge import seccomp

X86, ARM = 0xC000003E, 0xC00000B7
ALLOW, ERROR = 0x7FFF0000, 0x00050000


def decide(program, audit, number, argument=0):
    """What the kernel would do: interpret the filter over one call."""
    data = struct.pack("=iIQ6Q", number, audit, 0, argument, 0, 0, 0, 0, 0)
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator = position = 0
    while True:
        operation, yes, no, value = code[position]
        position += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x15:
            position += yes if accumulator == value else no
        elif operation == 0x35:
            position += yes if accumulator >= value else no
        else:
            assert operation == 0x06
            return value


REFUSED = ERROR | errno.ENOSYS
MACHINES = [("x86_64", X86), ("aarch64", ARM)]


@pytest.mark.parametrize(("machine", "audit"), MACHINES)
def test_only_the_calls_named_are_absent(machine, audit):
    program = seccomp.program(machine)
    absent = {n for n in range(600) if decide(program, audit, n, 1) != ALLOW}
    assert absent == set(seccomp._MACHINES[machine].absent.values())
    assert {decide(program, audit, n, 1) for n in absent} == {REFUSED}


@pytest.mark.parametrize(("machine", "audit"), MACHINES)
def test_sockets_are_of_the_kinds_that_a_network_namespace_separates(machine, audit):
    program = seccomp.program(machine)
    for number in seccomp._MACHINES[machine].sockets:
        allowed = {f for f in range(64) if decide(program, audit, number, f) == ALLOW}
        assert allowed == {1, 2, 10, 16}
        assert decide(program, audit, number, 40) == ERROR | errno.EAFNOSUPPORT


def test_calls_of_another_processor_find_nothing():
    program = seccomp.program("x86_64")
    assert decide(program, 0x40000003, 1) == REFUSED  # 32-bit
    assert decide(program, X86, 0x40000001) == REFUSED  # x32


def test_a_processor_that_is_not_known_has_no_filter():
    assert seccomp.program("riscv64") is None
    assert seccomp.program() == seccomp.program(__import__("platform").machine())
