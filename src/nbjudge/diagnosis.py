"""Why no sandbox can be made here, and what to do about it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from nbjudge.errors import SandboxUnavailable

_APPARMOR = """\
As root, write /etc/apparmor.d/bwrap:
  abi <abi/4.0>,
  include <tunables/global>
  profile bwrap {bwrap} flags=(unconfined) {{
    userns,
  }}
and run: systemctl reload apparmor"""

_MISSING = (
    "bubblewrap (the command bwrap) is not installed.",
    "Install it: apt-get install bubblewrap (Debian, Ubuntu), "
    "dnf install bubblewrap (Fedora), pacman -S bubblewrap (Arch).",
)


@dataclass(frozen=True)
class Diagnosis:
    """Whether sandboxes work here; if not, why and what to do."""

    ok: bool
    cause: str = ""
    way_out: str = ""
    facts: tuple[str, ...] = ()


def not_linux(platform: str) -> SandboxUnavailable:
    """Return the error of a machine that can never make one."""
    return SandboxUnavailable(
        f"The sandbox needs Linux; this is {platform}.",
        "Grade in a Linux virtual machine or on a Linux server. Notebooks that you "
        "wrote yourself can be run with --unsealed.",
    )


def missing() -> SandboxUnavailable:
    """Return the error of a machine without bubblewrap."""
    return SandboxUnavailable(*_MISSING)


def explained(words: str, bwrap: str) -> SandboxUnavailable:
    """Return the error that says why bubblewrap failed.

    Parameters
    ----------
    words
        What it said.
    bwrap
        Where it is.
    """
    return SandboxUnavailable(*_explain(words, bwrap))


def facts(bwrap: str | None) -> tuple[str, ...]:
    """Return what was found on this machine that decides whether a sandbox can be made."""
    found = [_version(bwrap) + f" at {bwrap}" if bwrap else "no bubblewrap"]
    found.append(f"user id {os.getuid()}")
    for name in (
        "kernel/apparmor_restrict_unprivileged_userns",
        "kernel/unprivileged_userns_clone",
        "user/max_user_namespaces",
    ):
        value = _read(f"/proc/sys/{name}")
        if value:
            found.append(f"{name.replace('/', '.')} = {value}")
    if _in_container():
        found.append("inside a container")
    return tuple(found)


def _version(bwrap: str) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [bwrap, "--version"], capture_output=True, timeout=10, check=False, text=True
        )
        return done.stdout.strip() or "bubblewrap"
    return "bubblewrap"


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""


def _in_container() -> bool:
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


def _explain(words: str, bwrap: str) -> tuple[str, str]:
    lines = words.strip().splitlines()
    said = next((line for line in lines if line.startswith("bwrap:")), lines[-1] if lines else "")
    said = said or "nothing"
    lower = words.lower()
    if "unknown option" in lower:
        return (
            f"This bubblewrap is too old (it said: {said}).",
            "Version 0.8 or newer is needed (Debian 12, Ubuntu 24.04 have it).",
        )
    if "execvp" in lower:
        return (
            f"The sandbox was made, but its first program does not start in it ({said}).",
            "When root grades, the sandbox belongs to nobody, who must be able to read the Python "
            "environment: chmod -R o+rX on it. Otherwise show what is missing with `readonly` in "
            "nbjudge.configure(c, ...).",
        )
    if _read("/proc/sys/user/max_user_namespaces") == "0":
        return (
            f"User namespaces are switched off here (bubblewrap said: {said}).",
            "As root: sysctl -w user.max_user_namespaces=15000 (and in /etc/sysctl.d/ to keep it).",
        )
    refused = "permi" in lower  # No permissions, Permission denied, Operation not permitted
    if refused and _read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return (
            f"This kernel forbids user namespaces to ordinary users (bubblewrap said: {said}).",
            "As root: sysctl -w kernel.unprivileged_userns_clone=1 "
            "(and in /etc/sysctl.d/ to keep it).",
        )
    if refused and _read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "Ubuntu's AppArmor rule forbids user namespaces to unprivileged programs "
            f"(bubblewrap said: {said}).",
            _APPARMOR.format(bwrap=bwrap),
        )
    if "max_*_namespaces" in lower or "nesting depth" in lower:
        return (
            f"No further user namespace can be made here (bubblewrap said: {said}).",
            "This shell runs inside a sandbox that forbids it: grade outside. If it does not, see "
            "user.max_user_namespaces in sysctl.",
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
