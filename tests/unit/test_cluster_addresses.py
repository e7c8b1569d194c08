"""Hidden tests travel to a cluster: over TLS, or not at all."""

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from nbjudge import cluster
from nbjudge.errors import ConfigurationError
from nbjudge.parallel import Scheduler, grade_many
from nbjudge.settings import Settings
from nbjudge.worker import Shared

OPEN = [
    "tcp://192.0.2.7:8786",
    "192.0.2.7:8786",
    "tcp://grader.example.org:8786",
    "tcp://0.0.0.0:8786",
    "tcp://[2001:db8::1]:8786",
    "TCP://192.0.2.7:8786",
    "tcp://127.0.0.1.example.org:8786",
]
SAFE = [
    "tcp://127.0.0.1:8786",
    "tcp://localhost:1",
    "127.0.0.2:1",
    "tcp://[::1]:1",
    "tls://192.0.2.7:8786",
]


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_another_machine_is_refused_without_tls(address):
    with pytest.raises(ConfigurationError) as refusal:
        cluster.refuse_open(address, "the worker")

    said = str(refusal.value)
    assert f"the worker {address} is not encrypted" in said
    assert "tls://HOST:PORT with --tls-ca, --tls-cert and --tls-key" in said


@pytest.mark.parametrize("address", SAFE)
def test_this_machine_and_tls_are_safe(address):
    cluster.refuse_open(address, "the worker")


@pytest.mark.parametrize("address", ["", "ws://127.0.0.1:1", "inproc://1", "tls://", "tcp://["])
def test_what_is_no_address_of_tcp_or_tls_is_refused(address):
    with pytest.raises(ConfigurationError, match="expected tls://HOST:PORT"):
        cluster.refuse_open(address, "the scheduler's address")


def refused(**options):
    scheduler = Scheduler(**options)
    with pytest.raises(ConfigurationError) as refusal:
        list(grade_many([], None, Settings(), b"s", workers=1, scheduler=scheduler))
    return str(refusal.value)


def test_nothing_is_sent_before_the_address_is_known_to_be_safe():
    assert "is not encrypted" in refused(address=OPEN[0])


@pytest.mark.parametrize("missing", ["tls_ca", "tls_cert", "tls_key"])
def test_tls_without_one_of_its_files_is_refused_by_the_options_name(tmp_path, missing):
    files = {name: tmp_path / name for name in ("tls_ca", "tls_cert", "tls_key")}
    for path in files.values():
        path.write_text("")
    option = "--" + missing.replace("_", "-")

    assert f"{option} is not given" in refused(
        address="tls://127.0.0.1:1", **{k: v for k, v in files.items() if k != missing}
    )
    files[missing].unlink()
    assert f"{option} is {files[missing]}, which is no file" in refused(
        address="tls://127.0.0.1:1", **files
    )


def test_options_of_tls_for_an_address_without_it_are_refused(tmp_path):
    said = refused(address="tcp://127.0.0.1:1", tls_ca=tmp_path / "ca.pem")

    assert "--tls-ca, --tls-cert and --tls-key are for an address that begins with tls://" in said


class Recorder:
    """In the place of a worker: says in which thread it is used."""

    threads: ClassVar[list] = []

    def __init__(self, *_arguments):
        self.threads.append(threading.current_thread())

    def grade(self, submission):
        self.threads.append(threading.current_thread())
        return submission * 2

    def close(self):
        self.threads.append(threading.current_thread())


@pytest.fixture
def threads(monkeypatch):
    """Give the threads in which a worker is made, grades and is closed, in that order."""
    Recorder.threads.clear()
    monkeypatch.setattr(cluster, "Worker", Recorder)
    return Recorder.threads


def test_a_worker_grades_in_one_thread_that_ends_with_its_data(threads):
    held = cluster.Held(Shared(None, Settings(), b"secret"))
    for number in range(3):  # Dask calls from whatever thread it has
        with ThreadPoolExecutor(1) as callers:
            answer = callers.submit(held.grade, pickle.dumps(number)).result()
        assert answer == pickle.dumps(2 * number)

    (only,) = {thread.ident for thread in threads}
    assert only not in {threading.get_ident()}
    assert threads[0].name == cluster.THREAD
    del held
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert len(threads) == 1 + 3 + 1


def test_an_error_of_a_worker_reaches_the_one_who_waits(threads):
    held = cluster.Held(Shared(None, Settings(), b"secret"))

    with pytest.raises(TypeError):
        held.grade(pickle.dumps({}))
    assert held.grade(pickle.dumps(4)) == pickle.dumps(8)
    del held
    threads[0].join(5)


def test_held_data_travels_without_its_thread(threads):
    held = cluster.Held(Shared(None, Settings(), os.urandom(8)))
    held.grade(pickle.dumps(1))

    copy = pickle.loads(pickle.dumps(held))  # noqa: S301

    assert copy._shared == held._shared
    assert copy._orders is None
    del held
    threads[0].join(5)
