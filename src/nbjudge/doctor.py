"""What this machine offers for grading, each line something that was looked at just now."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from nbjudge.errors import MachineError
from nbjudge.limits import GIB, MIB, Limits
from nbjudge.sandbox import Diagnosis, diagnose

PACKAGES = ("numpy", "scipy", "matplotlib", "pandas", "scikit-learn", "tqdm", "torch")
"""What students' notebooks commonly import; a right answer must not die on one."""


@dataclass(frozen=True)
class Examination:
    """What was found."""

    diagnosis: Diagnosis
    facts: tuple[str, ...]
    fault: str = ""
    """Why a sealed kernel does not start although a sandbox can be made; empty if it does."""

    @property
    def healthy(self) -> bool:
        """Whether notebooks can be graded here."""
        return self.diagnosis.ok and not self.fault


def examine() -> Examination:
    """Try the sandbox, then a kernel in it."""
    diagnosis = diagnose()
    facts = (*_machine(), *diagnosis.facts, *_environment())
    if not diagnosis.ok:
        return Examination(diagnosis, facts)
    from nbjudge.kernel import KernelSetup, SealedKernel
    from nbjudge.warm import Warmth

    try:
        with Warmth(()) as warmth, SealedKernel(KernelSetup(warmth=warmth)) as kernel:
            run = kernel.run("import sys; print(sys.prefix)", seconds=20, output_bytes=10_000)
    except MachineError as error:
        return Examination(diagnosis, facts, str(error))
    facts = (*facts, _start(warmth.cold_because))
    prefix = "".join(output.get("text", "") for output in run.outputs).strip()
    if prefix != sys.prefix:
        return Examination(
            diagnosis, facts, f"The sealed kernel runs in {prefix or 'nothing'}, not {sys.prefix}."
        )
    return Examination(diagnosis, facts)


def _start(cold_because: str) -> str:
    if not cold_because:
        return "kernels start warm: forked from a Python that has imported what the course imports"
    return f"kernels start cold, seconds slower each, with the same marks: {cold_because}"


def _machine() -> Iterator[str]:
    import psutil

    from nbjudge.parallel import default_workers

    memory = psutil.virtual_memory()
    cores = default_workers()
    yield f"{platform.system()} {platform.release()}, {cores} cores, " + (
        f"{memory.total / GIB:.1f} GiB of memory ({memory.available / GIB:.1f} free)"
    )
    limit = Limits().memory_bytes
    if cores * limit > memory.available:
        yield (
            f"{cores} notebooks at a time may use {limit // MIB} MiB each, more than is free: use "
            f"fewer --workers, or a smaller memory_bytes, if notebooks really need that much"
        )


def _environment() -> Iterator[str]:
    yield f"Python {platform.python_version()} in {sys.prefix}"
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield "the kernel has: " + (", ".join(found) or "none of the usual packages")
    if missing:
        yield "the kernel lacks: " + ", ".join(missing)
