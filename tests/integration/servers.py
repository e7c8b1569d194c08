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
