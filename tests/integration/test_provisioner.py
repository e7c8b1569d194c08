"""The kernelspec « Python 3 (sealed by nbjudge) », started as every Jupyter front end does."""

import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient

from nbjudge.errors import ConfigurationError
from nbjudge.watchdog import tree

NAME = "nbjudge-sealed"
SECONDS = 60


@contextmanager
def kernel(folder, **config):
    manager = KernelManager(kernel_name=NAME)
    if config:
        spec = manager.kernel_spec
        manager._kernel_spec = KernelSpec(
            **spec.to_dict()
            | {
                "metadata": {
                    "kernel_provisioner": {"provisioner_name": NAME, "config": dict(config)}
                }
            }
        )
    manager.start_kernel(cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        yield manager, client
    finally:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        manager.context.destroy(linger=0)


def value(client, expression):
    reply = client.execute_interactive(
        "", user_expressions={"x": expression}, timeout=SECONDS, store_history=False
    )
    shown = reply["content"]["user_expressions"]["x"]
    return shown["data"]["text/plain"] if shown["status"] == "ok" else shown["ename"]


def _send_sigint(manager):
    manager.signal_kernel(signal.SIGINT)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data.txt").write_text("forty-two", "utf-8")
    (tmp_path / "link").symlink_to("/etc/shadow")
    return tmp_path


def test_a_notebook_runs_and_sees_copies_of_the_files_beside_it(folder):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("import os; print(open('data.txt').read())"),
            nbformat.v4.new_code_cell(
                "open('data.txt', 'w').write('changed'); sorted(os.listdir())"
            ),
            nbformat.v4.new_code_cell(f"os.path.exists({str(folder)!r})"),
        ]
    )
    client = NotebookClient(
        notebook, kernel_name=NAME, resources={"metadata": {"path": str(folder)}}
    )
    done = client.execute()
    texts = [
        output.get("text") or output["data"]["text/plain"]
        for cell in done.cells
        for output in cell.outputs
    ]
    assert texts == ["forty-two\n", "['data.txt']", "False"]
    assert (folder / "data.txt").read_text("utf-8") == "forty-two"


@pytest.mark.parametrize("interrupt", [KernelManager.interrupt_kernel, _send_sigint])
def test_an_interrupt_reaches_the_kernel_alone(folder, interrupt):
    with kernel(folder) as (manager, client):
        # An error would make the kernel refuse what has been asked meanwhile.
        code = "x = 1\nprint('begun', flush=True)\nwhile True: pass"
        asked = client.execute(code, stop_on_error=False)
        while client.get_iopub_msg(timeout=SECONDS)["msg_type"] != "stream":
            pass
        interrupt(manager)
        # Asked twice whether it was ready, a slow kernel has answered twice.
        while (reply := client.get_shell_msg(timeout=SECONDS))["parent_header"]["msg_id"] != asked:
            pass
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert value(client, "x") == "1"


def test_a_restart_keeps_the_connection_and_forgets_the_rest(folder):
    with kernel(folder) as (manager, client):
        client.execute_interactive("x = 1; open('made', 'w').close()", timeout=SECONDS)
        before = Path(manager.connection_file).read_text("utf-8")
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=SECONDS)
        assert value(client, "x") == "NameError"
        assert value(client, "__import__('os').path.exists('made')") == "False"
        assert json.loads(Path(manager.connection_file).read_text("utf-8")) == json.loads(before)


def test_nothing_is_left_when_the_kernel_has_been_shut_down(folder):
    with kernel(folder) as (manager, client):
        client.execute_interactive(
            "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)",
            timeout=SECONDS,
        )
        pids = tree(manager.provisioner._process.pid)
        address = Path(manager.ip).parent
        assert len(pids) >= 3
        assert address.is_symlink()
        manager.shutdown_kernel(now=False)
    # The kernel of the machine ends what is left in the namespace just after its first process.
    deadline = time.monotonic() + SECONDS
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    assert not address.parent.exists()


def test_a_memory_limit_of_the_kernelspec_ends_the_kernel(folder):
    with kernel(folder, limits={"memory_bytes": 400 * 2**20}) as (manager, client):
        client.execute("import numpy, time; x = numpy.ones(2**27); time.sleep(1000)")
        deadline = time.monotonic() + SECONDS
        while manager.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not manager.is_alive()


def test_a_limit_that_does_not_exist_is_named(folder):
    manager = KernelManager(kernel_name=NAME)
    spec = manager.kernel_spec.to_dict() | {
        "metadata": {
            "kernel_provisioner": {"provisioner_name": NAME, "config": {"limits": {"memory": 1}}}
        }
    }
    manager._kernel_spec = KernelSpec(**spec)
    with pytest.raises(ConfigurationError, match="memory"):
        manager.start_kernel(cwd=str(folder))
    manager.context.destroy(linger=0)
