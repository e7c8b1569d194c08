"""Where no sandbox can be made, the first word says why, and what to do about it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from inside import SECONDS

from nbjudge import diagnosis, handover, sandbox
from nbjudge.errors import SandboxUnavailable
from nbjudge.kernel import KernelSetup, SealedKernel
from nbjudge.limits import Limits

pytestmark = pytest.mark.usefixtures("orphans_come_back")

DOCTOR = [str(Path(sys.executable).with_name("nbjudge")), "doctor"]
KERNEL = """
from nbjudge.errors import SandboxUnavailable
from nbjudge.kernel import KernelSetup, SealedKernel
try:
    with SealedKernel(KernelSetup()) as kernel:
        print(kernel.run("print(6 * 7)", seconds=20, output_bytes=100).outputs[0]["text"])
except SandboxUnavailable as error:
    print(error)
"""
START = [sys.executable, "-c", KERNEL]


def run(command, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS * 2, check=False, **options
    )


def test_doctor_says_that_the_sandbox_works_and_what_was_found():
    done = run(DOCTOR)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bubblewrap" in done.stdout
    assert "The sandbox works" in done.stdout


WITHOUT_NAMESPACES = ["bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/"]


def test_inside_a_sandbox_that_forbids_namespaces_the_cause_and_the_way_out_are_named():
    doctor, kernel = run([*WITHOUT_NAMESPACES, *DOCTOR]), run([*WITHOUT_NAMESPACES, *START])
    assert doctor.returncode == 3, doctor.stdout + doctor.stderr
    for said in (doctor.stdout, kernel.stdout):
        assert "No further user namespace can be made here (bubblewrap said: bwrap: " in said
        assert "grade outside" in said
    assert "Traceback" not in doctor.stderr + kernel.stderr


def test_a_root_that_is_only_root_inside_a_namespace_can_seal():
    if os.getuid() != 0:
        pytest.skip("needs a namespace of which this user is root")
    done = run(["bwrap", "--unshare-user", "--dev-bind", "/", "/", *START])
    assert done.stdout.strip() == "42", done.stdout + done.stderr


def test_without_bubblewrap_its_package_is_named(tmp_path):
    environment = dict(os.environ) | {"PATH": str(tmp_path)}
    for done in (run(DOCTOR, env=environment), run(START, env=environment)):
        assert "bwrap) is not installed" in done.stdout
        assert "apt-get install bubblewrap" in done.stdout


def fake_bwrap(folder, script):
    path = folder / "bwrap"
    path.write_text(script)
    path.chmod(0o755)
    return dict(os.environ) | {"PATH": f"{folder}:{os.environ['PATH']}"}


FAKES = {
    "is too old": (
        "#!/bin/sh\necho 'bwrap: Unknown option --disable-userns' >&2; exit 1",
        ("too old", "Unknown option --disable-userns", "0.8 or newer"),
    ),
    "dies without a word": ("#!/bin/sh\nexit 1", ("said: nothing",)),
    "is not a program": ("garbage", ("Exec format error",)),
}


@pytest.mark.parametrize("fault", FAKES)
def test_a_bubblewrap_that_is_of_no_use_is_described(tmp_path, fault):
    script, words = FAKES[fault]
    environment = fake_bwrap(tmp_path, script)
    doctor, kernel = run(DOCTOR, env=environment), run(START, env=environment)
    assert doctor.returncode == 3
    for said in (doctor.stdout, kernel.stdout):
        assert all(word in said for word in words), said
    assert "Traceback" not in doctor.stderr + kernel.stderr


DENIED = "bwrap: setting up uid map: Permission denied"
NO_PERMISSION = "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces."  # noqa: E501
EXCEEDED = "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"  # noqa: E501
APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
CLONE = "/proc/sys/kernel/unprivileged_userns_clone"
MAXIMUM = "/proc/sys/user/max_user_namespaces"
CAUSES = {
    "Ubuntu's rule": (DENIED, {APPARMOR: "1"}, False, "AppArmor", "profile bwrap /opt/bwrap "),
    "Ubuntu's rule, not the reason": (EXCEEDED, {APPARMOR: "1"}, False, "No further", "outside"),
    "an old Debian's rule": (
        NO_PERMISSION,
        {CLONE: "0"},
        False,
        "ordinary users",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    "switched off": (EXCEEDED, {MAXIMUM: "0"}, False, "switched off", "user.max_user_namespaces="),
    "a container": (NO_PERMISSION, {}, True, "container", "--security-opt seccomp=unconfined"),
    "something else": ("bwrap: Strange", {}, False, "it said: bwrap: Strange", "administrator"),
    "an environment that nobody can read": (
        "bwrap: execvp /root/venv/bin/python: Permission denied",
        {APPARMOR: "1"},
        True,
        "/root/venv/bin/python",
        "chmod -R o+rX",
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause_is_told_from_the_others(monkeypatch, name):
    words, files, container, cause, way_out = CAUSES[name]
    monkeypatch.setattr(diagnosis, "_read", lambda path: files.get(path, ""))
    monkeypatch.setattr(diagnosis, "_in_container", lambda: container)
    error = diagnosis.explained(f"warning: first\n{words}\n", "/opt/bwrap")
    assert cause in error.cause
    assert way_out in error.way_out


def test_a_machine_that_is_not_linux_is_told_where_to_grade(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match=r"darwin.*Linux server.*--unsealed"):
        SealedKernel(KernelSetup()).start()


def test_a_root_that_cannot_become_another_user_does_not_run_students_code(monkeypatch):
    if os.getuid() != 0:
        pytest.skip("only root has something to give away")
    monkeypatch.setattr(handover, "_capabilities", lambda: 0)
    with pytest.raises(SandboxUnavailable, match="must not run as root"):
        sandbox.seal(sandbox.Sealing(argv=("true",), connection="", limits=Limits()))


def test_the_facts_name_what_decides():
    facts = diagnosis.facts(shutil.which("bwrap"))
    assert facts[0].startswith("bubblewrap ")
    assert f"user id {os.getuid()}" in facts
    assert diagnosis.facts(None)[0] == "no bubblewrap"
