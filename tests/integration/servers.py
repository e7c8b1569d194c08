"""Servers that a test starts and stops itself: PostgreSQL, and SLURM on one node.

Debian's packages are installed by `make test` as root (tools/system.sh).  Where a server cannot
start, its tests are skipped with the reason; with NBJUDGE_SERVERS=required, as in continuous
integration, they fail.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

WAIT_SECONDS = 60


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where servers are required."""
    if os.environ.get("NBJUDGE_SERVERS") == "required":
        pytest.fail(f"{reason} (NBJUDGE_SERVERS=required)")
    pytest.skip(reason)


def program(name: str, package: str, folders: Sequence[Path] = ()) -> str:
    """Return where a program is."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        unavailable(f"there is no {name} here: apt-get install {package}")
    return found


def user(name: str, package: str) -> pwd.struct_passwd:
    """Return a system user that a package makes."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        unavailable(f"there is no user {name} here: apt-get install {package}")


def until(what: str, condition, words: Path | None = None) -> None:
    """Wait for what a server does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            said = words.read_text("utf-8", "replace")[-2000:] if words else ""
            unavailable(f"{what} in {WAIT_SECONDS} s: {said}")
        time.sleep(0.02)


@contextlib.contextmanager
def folder_of(owner: str) -> Iterator[Path]:
    """Give a folder that another user may reach: pytest's are this user's alone."""
    folder = Path(tempfile.mkdtemp(prefix="nbj-server-", dir="/tmp"))
    try:
        shutil.chown(folder, owner)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    words: Path,
    *,
    end: signal.Signals = signal.SIGTERM,
    environment: dict[str, str] | None = None,
    account: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the block ends."""
    with words.open("ab") as stream:
        process = subprocess.Popen(
            argv,
            stdout=stream,
            stderr=stream,
            env=os.environ | (environment or {}),
            user=account,
            group=None if account is None else pwd.getpwnam(account).pw_gid,
            extra_groups=None if account is None else [],
        )
    try:
        yield process
    finally:
        process.send_signal(end)
        process.wait(WAIT_SECONDS)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server with an empty database; give its SQLAlchemy URL."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb = program("initdb", "postgresql", versions)
    postgres = program("postgres", "postgresql", versions)
    # It refuses to be run by root.
    is_root = os.geteuid() == 0
    owner = user("postgres", "postgresql").pw_name if is_root else getpass.getuser()
    account = owner if is_root else None
    with folder_of(owner) as folder:
        data, words = folder / "data", folder / "words.txt"
        words.touch()
        options = ["--auth=trust", "--username=teacher", "--encoding=UTF8", "--no-sync"]
        made = subprocess.run(
            [initdb, "--pgdata", str(data), "--no-locale", *options],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=account,
        )
        if made.returncode != 0:
            unavailable(f"PostgreSQL made no database: {made.stderr[-500:]}")
        argv = [postgres, "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        with running([*argv, "-F"], words, end=signal.SIGINT, account=account):
            until("PostgreSQL did not start", lambda: _answers(folder / ".s.PGSQL.5432"), words)
            yield f"postgresql+psycopg://teacher@/postgres?host={folder}"


def _answers(path: Path) -> bool:
    import psycopg

    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host=str(path.parent), user="teacher", dbname="postgres").close()
        return True
    return False


@contextlib.contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """Run SLURM on this one node; give the environment in which its commands find it."""
    if os.geteuid() != 0:
        unavailable("SLURM's daemons start as root")
    munged, slurmctld, slurmd, sinfo = (
        program(name, "munge slurmctld slurmd slurm-client")
        for name in ("munged", "slurmctld", "slurmd", "sinfo")
    )
    account = user("munge", "munge").pw_name
    with folder_of(account) as keys, folder_of("root") as folder:
        words = folder / "words.txt"
        key, munge = keys / "munge.key", keys / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        shutil.chown(key, account)
        keys.chmod(0o755)  # others reach the socket in it
        configuration = folder / "slurm.conf"
        configuration.write_text(_slurm_conf(folder, munge), "utf-8")
        environment = {"SLURM_CONF": str(configuration)}
        names = {"key": key, "log": keys / "log", "pid": keys / "pid", "seed": keys / "seed"}
        files = [f"--{name}-file={path}" for name, path in names.items()]
        with contextlib.ExitStack() as started:
            argv = [munged, "--foreground", f"--socket={munge}", *files]
            started.enter_context(running(argv, words, account=account))
            until("munge did not start", munge.exists, words)
            for argv in ([slurmctld, "-D", "-i"], [slurmd, "-D", "-N", _NODE]):
                started.enter_context(running(argv, words, environment=environment))

            def is_idle() -> bool:
                asked = subprocess.run(
                    [sinfo, "--noheader", "--format=%T"],
                    env=os.environ | environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                return asked.stdout.strip() == "idle"

            until("SLURM's node was not ready", is_idle, words)
            yield environment


_NODE = "node"


def _slurm_conf(folder: Path, munge: Path) -> str:
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (first, second)]
    return f"""\
ClusterName=test
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
KillWait=2
NodeName={_NODE} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000
PartitionName=test Nodes={_NODE} Default=YES MaxTime=INFINITE State=UP
"""
