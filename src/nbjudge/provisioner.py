"""A standard Jupyter kernel provisioner: any Jupyter front end, with the kernel sealed.

Grading drives its kernels itself (:mod:`nbjudge.kernel`), because its client has to cap what it
reads before the first byte arrives.  This provisioner gives the same sandbox to everything that
starts kernels the Jupyter way: a grader who opens a student's notebook in JupyterLab with the
kernel « Python 3 (sealed by nbjudge) » runs it without lending it their account.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import Dict, List, Unicode

from nbjudge import sandbox
from nbjudge.errors import ConfigurationError, SandboxUnavailable
from nbjudge.limits import Limits
from nbjudge.watchdog import View, Watchdog, tree

_POLL_SECONDS = 0.1
_PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}


class SealedProvisioner(KernelProvisionerBase):  # type: ignore[misc]
    """Starts a kernelspec's command in a sandbox, with copies of the files beside the notebook.

    What the kernel writes stays in its work folder, in memory, and goes with it.
    """

    limits = Dict(help="Any of nbjudge.limits.Limits by name, in its unit.").tag(config=True)
    readonly = List(Unicode(), help="Further folders that the kernel may read.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._process: sandbox.SandboxProcess | None = None
        self._view: View | None = None
        self._watchdog: Watchdog | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel is there; asked by the kernel manager before everything else."""
        return self._process is not None

    async def poll(self) -> int | None:
        """Return None while the kernel runs, else its exit code."""
        return 0 if self._process is None else self._process.poll()

    async def wait(self) -> int | None:
        """Wait for the end of a kernel that was asked to end; called by shutdown and restart."""
        while (code := await self.poll()) is None:
            await asyncio.sleep(_POLL_SECONDS)
        self._close_process()
        return code

    async def send_signal(self, signum: int) -> None:
        """Interrupt the kernel, and it alone; every other signal ends the sandbox."""
        if self._process is None:
            return
        if signum != signal.SIGINT:
            self._process.kill()
            return
        # The kernel is what bubblewrap's first process inside has started.
        for pid in tree(self._process.pid)[1:2]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once."""
        if self._process is not None:
            self._process.kill()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel; a sandbox holds nothing that a gentler end could save."""
        await self.kill(restart)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Return the command as it reads inside; called before every launch, restarts too."""
        extra = kwargs.pop("extra_arguments", None) or []
        kwargs = await super().pre_launch(**kwargs)
        manager = self.parent
        if not manager.connection_file:
            folder = Path(jupyter_runtime_dir())
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            manager.connection_file = str(folder / f"kernel-{self.kernel_id}.json")
        outside = os.path.realpath(manager.connection_file)
        inside = f"{sandbox.RUN}/connection.json"
        command = manager.format_kernel_cmd(extra_arguments=extra)
        return kwargs | {"cmd": [part.replace(outside, inside) for part in command]}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Start the sandbox; return where clients reach the kernel.

        Raises
        ------
        SandboxUnavailable
            If no sandbox can be made here, with the cause and the way out.
        ConfigurationError
            If the kernelspec names a limit that does not exist.
        """
        limits = self._limits()
        session = self.parent.session
        info: dict[str, Any] = {
            "transport": "ipc",
            "ip": f"{sandbox.RUN}/k",
            "key": session.key.decode(),
            "signature_scheme": session.signature_scheme,
            "kernel_name": self.kernel_spec.display_name,
            **_PORTS,
        }
        try:
            self._process = sandbox.seal(
                sandbox.Sealing(
                    argv=tuple(cmd),
                    connection=json.dumps(info),
                    limits=limits,
                    uploads=_files_beside(kwargs.get("cwd"), limits.work_bytes // 2),
                    readonly=tuple(self.readonly),
                    environment=dict(self.kernel_spec.env),
                    prefixes=(str(Path(cmd[0]).parent.parent),),
                )
            )
        except SandboxUnavailable as error:
            self.log.error("%s", error)
            raise
        self._view = self._process.view()
        self._watchdog = Watchdog(self._view, limits, lambda _breach: self._kill_now())
        self._watchdog.start()
        self.connection_info = info | {"ip": self._reach(), "key": session.key}
        return dict(self.connection_info)

    def _limits(self) -> Limits:
        try:
            return Limits(**dict(self.limits))
        except TypeError as error:
            raise ConfigurationError(
                f"Starting the sealed kernel {self.kernel_spec.display_name!r}: {error}. See "
                "`limits` in the kernelspec's metadata.kernel_provisioner.config."
            ) from error

    def _reach(self) -> str:
        """Return an address of the sockets that stays the same when the kernel restarts."""
        assert self._process is not None  # noqa: S101 - launch_kernel has just made it
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="nbjudge-")
        link = Path(self._folder.name) / "run"
        link.unlink(missing_ok=True)
        link.symlink_to(self._process.run_folder)
        return f"{link}/k"

    def _kill_now(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _close_process(self) -> None:
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        if self._view is not None:
            self._view.close()
            self._view = None
        if self._process is not None:
            self._process.close()
            self._process = None

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what was made; called when the kernel has ended."""
        self._close_process()
        if self._folder is not None and not restart:
            self._folder.cleanup()
            self._folder = None


def _files_beside(folder: object, room: int) -> dict[str, bytes]:
    """Return copies of the files in the notebook's folder, smallest first, while there is room."""
    found: dict[str, bytes] = {}
    if not isinstance(folder, str | os.PathLike):
        return found
    paths = [
        path
        for path in Path(folder).iterdir()
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
    ]
    for path in sorted(paths, key=lambda path: (path.stat().st_size, path.name)):
        room -= path.stat().st_size
        if room < 0:
            break
        found[path.name] = path.read_bytes()
    return found
