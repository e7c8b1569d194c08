"""Root hands the sandbox to an unprivileged user.

Files and kernel settings of a machine belong to root.  A process of root's, even without any
capability and in a user namespace, is still their owner: it may write most of ``/proc/sys`` and
change the mode of ``/dev/null``.  So a grader that is root runs bubblewrap as ``nobody``.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from nbjudge.errors import SandboxUnavailable

NOBODY = 65534
"""Whose the sandbox is when the grader is root."""
PLAIN_PYTHON = (sys.executable, "-I", "-S", "-c")
"""The interpreter without anything of its environment: for scripts of ours."""
_CAP_SETGID, _CAP_SETUID, _CAP_SYS_ADMIN = 1 << 6, 1 << 7, 1 << 21
# Root's way to an unprivileged bubblewrap. What only root may reach (an interpreter in root's
# home) is laid open, in a mount namespace that this process alone is in: a tmpfs over the closed
# folder, and what is needed bound into it again.
_BECOME = """\
import json, os, sys
user, covers = int(sys.argv[1]), json.loads(sys.argv[2])
if covers:
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def mount(source, target, kind, flags, data=None):
        texts = [None if t is None else os.fsencode(t) for t in (source, target, kind, data)]
        if libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]):
            sys.exit(f"bwrap: laying open {target}: {os.strerror(ctypes.get_errno())}")
    if libc.unshare(0x20000):
        sys.exit("bwrap: No permissions to make a mount namespace as root")
    mount(None, "/", None, 0x40000 | 0x4000)  # what is mounted here stays here
os.umask(0o022)
for cover, paths in covers.items():
    held = [(path, os.open(path, os.O_PATH), os.path.isdir(path)) for path in paths]
    mount("tmpfs", cover, "tmpfs", 2 | 4, "mode=0755")
    for path, descriptor, is_folder in held:
        os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
        if not is_folder:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(f"/proc/self/fd/{descriptor}", path, None, 0x1000 | 0x4000)
        os.close(descriptor)
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
command = sys.argv[3:]
"""
_ENTER = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
namespace, command = int(command[0]), command[1:]
if libc.setns(namespace, 0x10000000):
    sys.exit(f"bwrap: entering a user namespace: {os.strerror(ctypes.get_errno())}")
os.close(namespace)  # nothing of it is seen inside
"""
_BEGIN = """\
import os, sys
command = sys.argv[1:]
"""
_EXECUTE = """\
try:
    os.execv(command[0], command)
except OSError as error:
    sys.exit(f"bwrap: {command[0]}: {error.strerror}")
"""


def handed_over(
    command: Sequence[str], needed: Sequence[str], within: int | None = None
) -> list[str]:
    """Return what runs a command as an unprivileged user, if this process is root.

    Parameters
    ----------
    command
        Starts with the absolute path of a program.
    needed
        Paths that it must be able to read.
    within
        Descriptor of a user namespace of that user's to run it in; it inherits it and closes it.

    Raises
    ------
    SandboxUnavailable
        If root may not become another user here.
    """
    if os.getuid() != 0 or not _is_mapped(NOBODY):
        if within is None:
            return [*command]
        return [*PLAIN_PYTHON, _BEGIN + _ENTER + _EXECUTE, str(within), *command]
    laid_open = covers([*needed, command[0]])
    powers = _CAP_SETUID | _CAP_SETGID | (_CAP_SYS_ADMIN if laid_open else 0)
    if _capabilities() & powers != powers:
        raise SandboxUnavailable(
            "This process is root, but without the power to hand the sandbox to an unprivileged "
            "user, and students' code must not run as root.",
            "Grade as an ordinary user, with a Python environment that this user can read.",
        )
    return become(NOBODY, laid_open, command, within)


def become(
    user: int,
    laid_open: Mapping[str, Sequence[str]],
    command: Sequence[str],
    within: int | None = None,
) -> list[str]:
    """Return what runs a command as a user, after laying open what :func:`covers` names."""
    enter, namespace = ("", ()) if within is None else (_ENTER, (str(within),))
    code = _BECOME + enter + _EXECUTE
    return [*PLAIN_PYTHON, code, str(user), json.dumps(laid_open), *namespace, *command]


def covers(paths: Sequence[str]) -> dict[str, list[str]]:
    """Return the folders that only their owner may enter, and what is needed of each."""
    found: dict[str, list[str]] = {}
    for path in dict.fromkeys(name for p in paths for name in (p, os.path.realpath(p))):
        for parent in reversed(PurePosixPath(path).parents):
            if not os.stat(parent).st_mode & stat.S_IXOTH:
                found.setdefault(os.path.realpath(parent), []).append(path)
                break
    return found


def _is_mapped(user: int) -> bool:
    for line in Path("/proc/self/uid_map").read_text("ascii").splitlines():
        first, _outside, count = (int(part) for part in line.split())
        if first <= user < first + count:
            return True
    return False


def _capabilities() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
