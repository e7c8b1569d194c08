"""What a sandbox sees and may do: bubblewrap's options, said once for every kind of sandbox.

:mod:`nbjudge.sandbox` starts what is described here.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nbjudge import seccomp
from nbjudge.errors import ConfigurationError
from nbjudge.handover import PLAIN_PYTHON
from nbjudge.interpreter import SYSTEM, environment_paths, font_cache, user_site
from nbjudge.limits import MIB, Limits

WORK = "/sealed"
"""The work folder inside."""
RUN = "/run/nbjudge"
"""Inside: the connection file and the sockets; a tmpfs of its own."""
TMPFS = (WORK, RUN, "/tmp", "/dev/shm")  # noqa: S108 - inside
"""All that can be written to, each of a set size."""
_COMMON = (
    "--cap-drop",
    "ALL",  # bubblewrap run by root keeps its capabilities otherwise
    "--new-session",
    "--die-with-parent",
    "--clearenv",
)
ISOLATION = (
    "--unshare-all",
    "--unshare-user",  # --unshare-all only tries; as root it would be left out
    "--disable-userns",
    *_COMMON,
)
"""Of what runs a student's code, or meets a value of a student's."""
PARENT_ISOLATION = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
    *_COMMON,
)
"""Of a warm parent: sandboxes are made in its user namespace, and it sends children into them,
which the namespace of processes that it is in has to know."""
_USER = ("--uid", "1000", "--gid", "1000", "--hostname", "sealed")
_ETC = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/fonts",
    "/etc/mime.types",
)
_PASSWD = "root:x:0:0::/:/usr/sbin/nologin\nstudent:x:1000:1000::/tmp:/bin/sh\n"  # noqa: S105
_GROUP = "root:x:0:\nstudent:x:1000:\n"
_HOSTS = "127.0.0.1 localhost sealed\n"
# Set for the machine's processor by its administrator; judge and kernel must compute alike.
_KEPT_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_CBWR")
_DATA_BYTES = 8 * MIB
"""Files up to this size are copied into the sandbox instead of shown."""
_SPARE_PROCESSES = 32
"""Between the watchdog's limit, which has a sentence, and the kernel's, which has none."""
Content = Callable[[bytes], str]
"""Makes a descriptor of bytes, for an option of bubblewrap's."""

# Inside, before the command. The grader may have died before bubblewrap asked to die with it: it
# holds the other end of the pipe. RLIMIT_CORE is one byte, since with none a machine's handler
# of crashes is still called, and outside.
_LIMIT = """\
import os, resource, select, sys
lifeline = select.poll()
lifeline.register(0, 0)
if lifeline.poll(0):
    sys.exit("the grader has ended")
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
for pair in sys.argv[1].split(","):
    name, value = pair.split("=")
    which = getattr(resource, "RLIMIT_" + name)
    hard = resource.getrlimit(which)[1]
    value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
    resource.setrlimit(which, (value, value))
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
"""


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What to run in a sandbox, and what it may see."""

    argv: tuple[str, ...]
    """Command; the connection file is at ``/run/nbjudge/connection.json``."""
    limits: Limits
    connection: str = ""
    """Content of the connection file."""
    purpose: str = "a kernel"
    """What is started, in the sentences of errors."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """In the work folder, read-only: relative path to host file."""
    uploads: Mapping[str, bytes] = field(default_factory=dict)
    """In the work folder, writable: relative path to content. One that is in the way of a file
    of ``files`` is left out."""
    readonly: Sequence[str] = ()
    """Further host paths to see, read-only, at the same place."""
    environment: Mapping[str, str] = field(default_factory=dict)
    prefixes: Sequence[str] = ()
    """Environments that the command lives in; the running interpreter's are always there."""


def shown(sealing: Sealing) -> Iterator[tuple[str, str, str]]:
    """Yield the options that show host paths, read-only, at the same place."""
    yield from (_bind(path, link=True) for path in SYSTEM if os.path.lexists(path))
    yield from (_bind(path) for path in _ETC if os.path.exists(path))
    yield from (_bind(path, link=True) for path in environment_paths(sealing.prefixes))
    packages = user_site()
    if packages is not None:
        yield _bind(packages)
    for path in sealing.readonly:
        if not os.path.exists(path):
            raise ConfigurationError(
                f"The sandbox was asked to show {path}, which does not exist: correct `readonly` "
                "in nbjudge.configure(c, ...)."
            )
        yield _bind(os.path.abspath(path))


def _bind(path: str, *, link: bool = False) -> tuple[str, str, str]:
    if link and os.path.islink(path) and not os.path.isabs(os.readlink(path)):
        return "--symlink", os.readlink(path), path
    return "--ro-bind", path, path


def options(
    sealing: Sealing,
    binds: Sequence[tuple[str, str, str]],
    content: Content,
    isolation: Sequence[str] = ISOLATION,
) -> list[str]:
    """Return bubblewrap's options for a sandbox, without its command.

    Parameters
    ----------
    sealing
        What it is for.
    binds
        As :func:`shown` gives them.
    content
        Makes a descriptor of bytes that bubblewrap inherits.
    isolation
        What separates it from this machine.
    """
    limits = sealing.limits

    def tmpfs(path: str, size: int) -> list[str]:
        return ["--perms", "0700", "--size", str(size), "--tmpfs", path]

    def data(value: bytes, path: str) -> list[str]:
        return ["--ro-bind-data", content(value), path]

    arguments = [*isolation, *_USER, "--proc", "/proc", "--dev", "/dev"]
    arguments += tmpfs("/dev/shm", limits.shm_bytes)  # noqa: S108 - inside
    arguments += tmpfs("/tmp", limits.tmp_bytes)  # noqa: S108 - inside
    for option in binds:  # an environment may lie in /tmp
        arguments += option
    arguments += data(_PASSWD.encode(), "/etc/passwd")
    arguments += data(_GROUP.encode(), "/etc/group")
    arguments += data(_HOSTS.encode(), "/etc/hosts")
    arguments += tmpfs(RUN, MIB)
    arguments += data(sealing.connection.encode(), f"{RUN}/connection.json")
    uploads = list(placeable(sealing))
    # What was handed in always fits, whatever the size of a page.
    room = sum(len(value) + 2 * 4096 for _name, value in uploads)
    arguments += tmpfs(WORK, limits.work_bytes + room)
    for name, value in uploads:
        arguments += ["--file", content(value), f"{WORK}/{name}"]
    for name, source in sealing.files.items():
        if is_large(source):
            arguments += ["--ro-bind", str(source), f"{WORK}/{name}"]
        else:
            arguments += data(source.read_bytes(), f"{WORK}/{name}")
    fonts = font_cache()
    if fonts is not None:
        arguments += data(fonts.read_bytes(), f"/tmp/matplotlib/{fonts.name}")  # noqa: S108
    # The root and /dev are tmpfs of bubblewrap's, of no set size: nothing may be written there.
    arguments += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
    calls = seccomp.program()
    if calls is not None and isolation is ISOLATION:
        arguments += ["--seccomp", content(calls)]
    for key, text in variables(sealing, matplotlib="/tmp/matplotlib").items():  # noqa: S108
        arguments += ["--setenv", key, text]
    return [*arguments, "--chdir", WORK]


def is_large(path: Path) -> bool:
    """Whether a file is shown in the sandbox, not copied into it."""
    return os.path.getsize(path) > _DATA_BYTES


def resource_limits(limits: Limits) -> str:
    """Return the limits of a process inside: ``NAME=VALUE`` of ``RLIMIT_NAME``, by commas."""
    values = {
        "CORE": 1,
        "NOFILE": limits.open_files,
        "AS": 2 * limits.memory_bytes + 1024 * MIB,
        "FSIZE": max(limits.work_bytes, limits.tmp_bytes),
        "NPROC": limits.processes + _SPARE_PROCESSES,
    }
    return ",".join(f"{name}={value}" for name, value in values.items())


def limited(sealing: Sealing) -> list[str]:
    """Return the command that sets the limits and becomes what is to run."""
    return [*PLAIN_PYTHON, _LIMIT, resource_limits(sealing.limits), *sealing.argv]


def placeable(sealing: Sealing) -> Iterator[tuple[str, bytes]]:
    """Yield the uploads that can lie in the work folder beside the assignment's files."""
    taken = {PurePosixPath(name) for name in sealing.files}
    folders = {parent for path in taken for parent in path.parents}
    for name, value in sealing.uploads.items():
        path = PurePosixPath(name)
        if path.is_absolute() or not path.name or ".." in path.parts or "\0" in name:
            continue
        if path in folders or not taken.isdisjoint((path, *path.parents)):
            continue
        taken.add(path)
        folders.update(path.parents)
        yield str(path), value


def variables(sealing: Sealing, *, matplotlib: str) -> dict[str, str]:
    """Return the environment inside; ``matplotlib`` is where that keeps its files."""
    binaries = [os.path.join(p, "bin") for p in (*sealing.prefixes, sys.prefix)]
    found = {
        "HOME": "/tmp",  # noqa: S108 - inside
        "USER": "student",
        "LANG": "C.UTF-8",
        "PATH": ":".join(dict.fromkeys([*binaries, "/usr/bin", "/bin"])),
        "TMPDIR": "/tmp",  # noqa: S108 - inside
        "MPLCONFIGDIR": matplotlib,
        "IPYTHONDIR": "/tmp/ipython",  # noqa: S108 - inside
        "JUPYTER_PLATFORM_DIRS": "1",
        "NBGRADER_EXECUTION": "autograde",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
    }
    if user_site() is not None:
        found["PYTHONUSERBASE"] = site.getuserbase()
    for name in _KEPT_VARIABLES:
        if name in os.environ:
            found[name] = os.environ[name]
    return found | dict(sealing.environment)
