"""What one student's notebook may use: times, memory, processes, bytes."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one sandboxed kernel; every one ends in a verdict and a sentence.

    Times are wall-clock seconds, sizes are bytes.
    """

    start_seconds: float = 60.0
    """Until the kernel answers for the first time."""
    cell_seconds: float = 60.0
    """One cell of the notebook."""
    probe_seconds: float = 20.0
    """One call of a student's function by a test."""
    judge_seconds: float = 60.0
    """One test cell in the judge, the time spent waiting for the kernel not counted."""
    notebook_seconds: float = 600.0
    """The whole notebook: cells, probes, restarts of the kernel. What is not done by then is
    run and judged in haste, and at twice this time no more."""
    late_seconds: float = 2.0
    """One cell or probe when the notebook's time is used up."""
    restarts: int = 30
    """How many times a kernel that died is replaced in one notebook."""
    memory_bytes: int = 3 * GIB
    """The whole process tree: proportional resident memory, tmpfs and memfd pages."""
    judge_memory_bytes: int = 8 * GIB
    """Address space of the judge process, libraries and reserved pages included."""
    processes: int = 128
    """Processes and threads in the sandbox."""
    open_files: int = 1024
    """File descriptors of one process."""
    work_bytes: int = 256 * MIB
    """The work folder (a tmpfs)."""
    tmp_bytes: int = 256 * MIB
    """The private /tmp (a tmpfs)."""
    shm_bytes: int = 64 * MIB
    """The private /dev/shm (a tmpfs)."""
    output_bytes: int = 2 * MIB
    """Outputs kept of one cell; what comes after is dropped, and the cell goes on."""
    notebook_output_bytes: int = 20 * MIB
    """Outputs kept of the whole notebook."""
    reply_bytes: int = 64 * MIB
    """One reply to a probe."""
    upload_bytes: int = 64 * MIB
    """One submitted file; a larger one is not read."""
