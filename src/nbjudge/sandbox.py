"""Sealed processes by bubblewrap: the only file that knows it.

What runs inside sees the interpreter and libraries read-only, a work folder and a few small
tmpfs, and nothing else of this machine: no network, no other process, no home, no course.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbjudge.errors import ConfigurationError, KernelStartError, SandboxUnavailable
from nbjudge.limits import MIB, Limits

WORK = "/sealed"
"""The work folder inside."""
RUN = "/run/nbjudge"
"""Inside: the connection file and the sockets; a tmpfs of its own."""
TMPFS = (WORK, RUN, "/tmp", "/dev/shm")  # noqa: S108 - inside
"""All that can be written to, each of a set size; a watchdog counts it as memory."""

_ISOLATION = (
    "--unshare-all",
    "--unshare-user",  # --unshare-all only tries; as root it would be left out
    "--disable-userns",
    "--cap-drop",
    "ALL",  # bubblewrap run by root keeps its capabilities otherwise
    "--new-session",
    "--die-with-parent",
    "--clearenv",
)
_USER = ("--uid", "1000", "--gid", "1000", "--hostname", "sealed")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
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
# dash's ulimit: -v and -f in units of 1024 and 512 bytes, -p processes.
_LIMIT_SCRIPT = (
    'ulimit -c 0; ulimit -n "$1"; ulimit -v "$2"; ulimit -f "$3"; ulimit -p "$4" 2>/dev/null; '
    'shift 4; exec "$@"'
)


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What to run in a sandbox, and what it may see."""

    argv: tuple[str, ...]
    """Command; the connection file is at ``/run/nbjudge/connection.json``."""
    connection: str
    """Content of the connection file."""
    limits: Limits
    files: Mapping[str, Path] = field(default_factory=dict)
    """In the work folder, read-only: relative path to host file."""
    uploads: Mapping[str, bytes] = field(default_factory=dict)
    """In the work folder, writable: relative path to content."""
    readonly: Sequence[str] = ()
    """Further host paths to see, read-only, at the same place."""
    environment: Mapping[str, str] = field(default_factory=dict)
    prefixes: Sequence[str] = ()
    """Environments that the command lives in; the running interpreter's are always there."""


class SandboxProcess:
    """A running sandbox (or, unsealed, a plain process group).

    Attributes
    ----------
    pid
        Of the process outside whose tree is the sandbox's: its pid 1.
    run_folder
        Where the sockets are, seen from outside.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pid: int,
        run_folder: Path,
        folder: tempfile.TemporaryDirectory[str] | None,
        log: Path | None,
        sealed: bool,
    ) -> None:
        self._process = process
        self.pid = pid
        self.run_folder = run_folder
        self._folder = folder
        self._log = log
        self.sealed = sealed

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def words(self) -> str:
        """Return the last that the process wrote on its error output."""
        if self._log is None:
            return ""
        try:
            with self._log.open("rb") as stream:
                stream.seek(max(0, self._log.stat().st_size - 2000))
                return stream.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def kill(self) -> None:
        """End everything inside, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Killing pid 1 of a pid namespace kills all that is in it, sessions of its own too.
            os.kill(self.pid, signal.SIGKILL)
        if not self.sealed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
            return
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill, and remove what was made for it."""
        if self._process.poll() is None:
            self.kill()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def seal(sealing: Sealing) -> SandboxProcess:
    """Start a command in a new sandbox.

    The calling *thread* must live as long as the sandbox: the kernel ends it with that thread.

    Raises
    ------
    SandboxUnavailable
        If no sandbox can be made here, with the cause and the way out.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        found = diagnose()
        raise SandboxUnavailable(found.cause, found.way_out)
    folder = tempfile.TemporaryDirectory(prefix="nbjudge-box-", ignore_cleanup_errors=True)
    log = Path(folder.name) / "stderr"
    descriptors: list[int] = []
    info_read, info_write = os.pipe()
    try:
        arguments = _arguments(sealing, descriptors, info_write)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [bwrap, *arguments],
                pass_fds=[*descriptors, info_write],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
                cwd="/",
            )
    except BaseException:
        os.close(info_read)
        folder.cleanup()
        raise
    finally:
        for descriptor in (*descriptors, info_write):
            os.close(descriptor)
    with os.fdopen(info_read, "rb") as info:
        text = info.read()
    try:
        pid = int(json.loads(text)["child-pid"])
    except (ValueError, KeyError):
        process.wait()
        words = log.read_text("utf-8", "replace")
        folder.cleanup()
        found = diagnose(words)
        raise SandboxUnavailable(found.cause, found.way_out) from None
    return SandboxProcess(process, pid, Path(f"/proc/{pid}/root{RUN}"), folder, log, sealed=True)


def unsealed(sealing: Sealing) -> SandboxProcess:
    """Start the command as a plain process: no protection at all, for one's own notebooks."""
    folder = tempfile.TemporaryDirectory(prefix="nbjudge-box-", ignore_cleanup_errors=True)
    root = Path(folder.name)
    work, run = root / "work", root / "run"
    work.mkdir()
    run.mkdir(mode=0o700)
    for path, source in sealing.files.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for path, data in sealing.uploads.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (run / "connection.json").write_text(sealing.connection.replace(RUN, str(run)), "utf-8")
    log = root / "stderr"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [part.replace(RUN, str(run)) for part in sealing.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            cwd=work,
            env=dict(os.environ) | _variables(sealing, matplotlib=str(root / "matplotlib")),
            start_new_session=True,
        )
    return SandboxProcess(process, process.pid, run, folder, log, sealed=False)


def _arguments(sealing: Sealing, descriptors: list[int], info: int) -> list[str]:
    limits = sealing.limits

    def content(data: bytes) -> str:
        descriptor = os.memfd_create("nbjudge")
        descriptors.append(descriptor)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return str(descriptor)

    def tmpfs(path: str, size: int) -> list[str]:
        return ["--perms", "0700", "--size", str(size), "--tmpfs", path]

    arguments = [*_ISOLATION, *_USER, "--info-fd", str(info)]
    for path in _SYSTEM:
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    for path in _ETC:
        arguments += ["--ro-bind-try", path, path]
    arguments += ["--ro-bind-data", content(_PASSWD.encode()), "/etc/passwd"]
    arguments += ["--ro-bind-data", content(_GROUP.encode()), "/etc/group"]
    arguments += ["--ro-bind-data", content(_HOSTS.encode()), "/etc/hosts"]
    for path in _prefixes(sealing.prefixes):
        arguments += ["--ro-bind", path, path]
    for path in sealing.readonly:
        if not os.path.exists(path):
            raise ConfigurationError(
                f"The sandbox was asked to show {path}, which does not exist: correct `readonly` "
                "in nbjudge.configure(c, ...)."
            )
        arguments += ["--ro-bind", path, path]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    arguments += tmpfs("/dev/shm", limits.shm_bytes)  # noqa: S108 - inside
    arguments += tmpfs("/tmp", limits.tmp_bytes)  # noqa: S108 - inside
    arguments += tmpfs(RUN, MIB)
    arguments += ["--ro-bind-data", content(sealing.connection.encode()), f"{RUN}/connection.json"]
    arguments += tmpfs(WORK, limits.work_bytes)
    for name, data in sealing.uploads.items():
        arguments += ["--file", content(data), f"{WORK}/{name}"]
    for name, source in sealing.files.items():
        arguments += ["--ro-bind", str(source), f"{WORK}/{name}"]
    fonts = font_cache()
    if fonts is not None:
        arguments += ["--ro-bind", str(fonts), f"/tmp/matplotlib/{fonts.name}"]  # noqa: S108
    # The root and /dev are tmpfs of bubblewrap's, of no set size: nothing may be written there.
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
    for key, value in _variables(sealing, matplotlib="/tmp/matplotlib").items():  # noqa: S108
        arguments += ["--setenv", key, value]
    arguments += ["--chdir", WORK, "--", "/bin/sh", "-c", _LIMIT_SCRIPT, "sh"]
    address_space = 2 * limits.memory_bytes + 1024 * MIB
    arguments += [
        str(limits.open_files),
        str(address_space // 1024),
        str(max(limits.work_bytes, limits.tmp_bytes) // 512),
        str(limits.processes),
    ]
    return [*arguments, *sealing.argv]


def _prefixes(further: Sequence[str]) -> list[str]:
    """Return folders of the interpreter that the system folders do not hold."""
    found: list[str] = []
    for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, *further):
        real = os.path.realpath(path)
        for one in dict.fromkeys((path, real)):
            inside = any(one == top or one.startswith(top + "/") for top in (*_SYSTEM, *found))
            if one != "/" and not inside and os.path.isdir(one):
                found.append(one)
    return found


def _variables(sealing: Sealing, *, matplotlib: str) -> dict[str, str]:
    binaries = [os.path.join(p, "bin") for p in (*sealing.prefixes, sys.prefix)]
    variables = {
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
    for name in _KEPT_VARIABLES:
        if name in os.environ:
            variables[name] = os.environ[name]
    return variables | dict(sealing.environment)


def font_cache() -> Path | None:
    """Return matplotlib's list of fonts, made once for this user; None without matplotlib.

    Without it every kernel would search the machine's fonts again, for a second or more.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        name = f"matplotlib-{version('matplotlib')}-{sys.version_info[0]}{sys.version_info[1]}"
    except PackageNotFoundError:
        return None
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "nbjudge" / name
    found = sorted(folder.glob("fontlist-*.json"))
    if found:
        return found[0]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            subprocess.run(
                [sys.executable, "-c", "import matplotlib.font_manager"],
                env=dict(os.environ) | {"MPLCONFIGDIR": scratch, "MPLBACKEND": "agg"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=120,
                check=True,
            )
            for made in Path(scratch).glob("fontlist-*.json"):
                folder.mkdir(exist_ok=True)
                os.replace(made, folder / made.name)
    except (OSError, subprocess.SubprocessError):
        return None  # slower, not wrong
    found = sorted(folder.glob("fontlist-*.json"))
    return found[0] if found else None


def wait_for(path: Path, process: SandboxProcess, seconds: float) -> None:
    """Wait until a path appears in the sandbox.

    Raises
    ------
    KernelStartError
        If the process ended or the time is over.
    """
    deadline = time.monotonic() + seconds
    while not path.exists():
        if process.poll() is not None:
            raise KernelStartError(
                f"Starting a sealed kernel: it ended at once. {process.words()}".strip()
            )
        if time.monotonic() > deadline:
            raise KernelStartError(
                f"Starting a sealed kernel: it did not answer within {seconds:g} s. "
                f"Is the machine overloaded? {process.words()}".strip()
            )
        time.sleep(0.005)


# ---------------------------------------------------------------------------------------------
# What is missing where it cannot work


@dataclass(frozen=True)
class Diagnosis:
    """Whether sandboxes work here; if not, why and what to do."""

    ok: bool
    cause: str = ""
    way_out: str = ""
    facts: tuple[str, ...] = ()


_APPARMOR = """\
As root, write /etc/apparmor.d/bwrap:
  abi <abi/4.0>,
  include <tunables/global>
  profile bwrap /usr/bin/bwrap flags=(unconfined) {
    userns,
  }
and run: systemctl reload apparmor"""


def diagnose(words: str | None = None) -> Diagnosis:
    """Find out whether a sandbox can be made here.

    Parameters
    ----------
    words
        What bubblewrap said when it failed; None tries it.
    """
    if sys.platform != "linux":
        return Diagnosis(
            ok=False,
            cause=f"The sandbox needs Linux; this is {sys.platform}.",
            way_out="Grade in a Linux virtual machine or on a Linux server. Notebooks that you "
            "wrote yourself can be run with --unsealed.",
        )
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Diagnosis(
            ok=False,
            cause="bubblewrap (the command bwrap) is not installed.",
            way_out="Install it: apt-get install bubblewrap (Debian, Ubuntu), "
            "dnf install bubblewrap (Fedora), pacman -S bubblewrap (Arch).",
        )
    facts = _facts(bwrap)
    if words is None:
        words = _try(bwrap)
        if words is None:
            return Diagnosis(ok=True, facts=facts)
    cause, way_out = _explain(words)
    return Diagnosis(ok=False, cause=cause, way_out=way_out, facts=facts)


def _try(bwrap: str) -> str | None:
    """Make the smallest sandbox; return what bubblewrap said if it failed."""
    command = [
        bwrap,
        *_ISOLATION,
        *_USER,
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    try:
        done = subprocess.run(
            [*command, "--", "/bin/sh", "-c", "exit 0"],
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.decode("utf-8", "replace")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""


def _in_container() -> bool:
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


def _facts(bwrap: str) -> tuple[str, ...]:
    version = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        version = subprocess.run(
            [bwrap, "--version"], capture_output=True, timeout=10, check=False, text=True
        ).stdout.strip()
    facts = [f"{version or 'bubblewrap'} at {bwrap}", f"user id {os.getuid()}"]
    for name in (
        "kernel/apparmor_restrict_unprivileged_userns",
        "kernel/unprivileged_userns_clone",
        "user/max_user_namespaces",
    ):
        value = _read(f"/proc/sys/{name}")
        if value:
            facts.append(f"{name.replace('/', '.')} = {value}")
    if _in_container():
        facts.append("inside a container")
    return tuple(facts)


def _explain(words: str) -> tuple[str, str]:
    said = words.strip().splitlines()[-1] if words.strip() else "nothing"
    lower = words.lower()
    if "unknown option" in lower:
        return (
            f"This bubblewrap is too old (it said: {said}).",
            "Version 0.8 or newer is needed (Debian 12, Ubuntu 24.04 have it).",
        )
    if _read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" and os.getuid():
        return (
            "Ubuntu's AppArmor rule forbids user namespaces to unprivileged programs "
            f"(bubblewrap said: {said}).",
            _APPARMOR,
        )
    if _read("/proc/sys/kernel/unprivileged_userns_clone") == "0" and os.getuid():
        return (
            f"This kernel forbids user namespaces to ordinary users (bubblewrap said: {said}).",
            "As root: sysctl -w kernel.unprivileged_userns_clone=1 "
            "(and in /etc/sysctl.d/ to keep it).",
        )
    if _read("/proc/sys/user/max_user_namespaces") == "0":
        return (
            f"User namespaces are switched off here (bubblewrap said: {said}).",
            "As root: sysctl -w user.max_user_namespaces=15000 (and in /etc/sysctl.d/ to keep it).",
        )
    if _in_container():
        return (
            f"This container does not allow namespaces inside it (bubblewrap said: {said}).",
            "Start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined, or grade outside the container.",
        )
    return (
        f"bubblewrap cannot make a sandbox here (it said: {said}).",
        "If this shell itself runs in a sandbox or container, nested namespaces are refused: "
        "grade outside it. Otherwise ask the administrator to allow user namespaces.",
    )
