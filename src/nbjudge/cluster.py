"""Many submissions on a Dask cluster: each goes to one worker by value, its result comes back.

A scheduler passes on what client and workers send; hidden tests are among it. Dask has no
authentication but TLS, so that everything that is not this machine must be reached by TLS.

Nothing of Dask is imported before a cluster is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import operator
import pickle
import queue
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nbjudge import environment
from nbjudge.errors import ClusterError, ConfigurationError, WorkerDied
from nbjudge.submissions import Submission
from nbjudge.worker import Graded, Outcome, Shared, Worker, fault, graded

_LOOK_SECONDS = 1.0
"""How often workers are counted while nothing else happens."""
_CONNECT_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0
"""How long to wait for a worker when there is none."""
_OTHERS_SECONDS = 5.0
"""The same where some came and all were refused."""
_DEATHS = 2
"""Workers that one submission may cost."""


def _to_stderr(sentence: str) -> None:
    print(f"nbjudge: {sentence}", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Where a cluster's scheduler is, and how to be believed by it."""

    address: str
    """``tls://host:port``; ``tcp://`` on this machine only."""
    tls_ca: Path | None = None
    """Certificate of the authority that signed everybody's; by default as in Dask's configuration,
    as are the other two."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    patience_seconds: float = _PATIENCE_SECONDS
    """How long to wait while there is no worker."""
    say: Callable[[str], None] = _to_stderr
    """Called with a sentence when a worker is refused or lost."""


# Safe addresses.


def is_loopback(address: str) -> bool:
    """Tell whether an address of Dask's is on this machine and seen by nobody else.

    >>> [is_loopback(a) for a in ("tcp://127.0.0.1:8786", "tcp://[::1]:1", "tcp://10.0.0.1:8786")]
    [True, True, False]
    """
    host = _split(address)[1]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(address: str) -> tuple[str, str]:
    """Return protocol and host; Dask takes an address without a protocol for TCP."""
    whole = address if "://" in address else f"tcp://{address}"
    try:
        parts = urlsplit(whole)
        return parts.scheme.lower(), parts.hostname or ""
    except ValueError:
        return "", ""


def refuse_open(address: str, whose: str) -> None:
    """Refuse an address over which hidden tests would travel readable by others.

    Raises
    ------
    ConfigurationError
        With how to use TLS.
    """
    protocol, host = _split(address)
    if protocol not in ("tcp", "tls") or not host:
        raise ConfigurationError(
            f"Grading on a cluster: {whose} {address!r} is none; expected tls://HOST:PORT (or "
            "tcp://127.0.0.1:PORT on this machine)."
        )
    if protocol != "tls" and not is_loopback(address):
        raise ConfigurationError(
            f"Grading on a cluster: {whose} {address} is not encrypted, and anyone who reaches it "
            "could read hidden tests and change marks. Start scheduler and workers with "
            "--protocol tls and certificates (docs/scaling.md), and name the scheduler "
            "tls://HOST:PORT with --tls-ca, --tls-cert and --tls-key, or set these in Dask's "
            "configuration. Without TLS, everything must be on this machine and say so: "
            "dask scheduler --host 127.0.0.1."
        )


def _security(scheduler: Scheduler) -> Any:
    """Return Dask's object of TLS, or None where there is none."""
    from distributed.security import Security

    given = {
        "tls_ca_file": scheduler.tls_ca,
        "tls_client_cert": scheduler.tls_cert,
        "tls_client_key": scheduler.tls_key,
    }
    given = {name: path for name, path in given.items() if path is not None}
    if _split(scheduler.address)[0] != "tls":
        if given:
            raise ConfigurationError(
                f"Connecting to {scheduler.address}: --tls-ca, --tls-cert and --tls-key are for an "
                "address that begins with tls://."
            )
        return None
    security = Security(
        require_encryption=True, **{name: str(path) for name, path in given.items()}
    )
    options = {
        "--tls-ca": security.tls_ca_file,
        "--tls-cert": security.tls_client_cert,
        "--tls-key": security.tls_client_key,
    }
    for option, value in options.items():
        # Dask's configuration may hold the text of a certificate in place of a file's name.
        if value is None or ("\n" not in value and not Path(value).is_file()):
            what = "is not given" if value is None else f"is {value}, which is no file"
            raise ConfigurationError(
                f"Connecting to {scheduler.address}: {option} {what}. TLS needs the authority's "
                "certificate, and a certificate and key of your own that it signed: give --tls-ca, "
                "--tls-cert and --tls-key, or set distributed.comm.tls in Dask's configuration "
                "(docs/scaling.md makes them with openssl)."
            )
    return security


@contextlib.contextmanager
def _connected(scheduler: Scheduler) -> Iterator[Any]:
    refuse_open(scheduler.address, "the scheduler's address")
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError(
            f"Grading on a cluster needs Dask: {error}. Install it here, and in the same versions "
            "wherever workers run: pip install 'nbjudge[dask]'."
        ) from error
    security = _security(scheduler)
    with _event_loop() as loop:
        try:
            client = Client(
                scheduler.address,
                security=security,
                timeout=_CONNECT_SECONDS,
                set_as_default=False,
                direct_to_workers=False,  # only the scheduler must be reached from here
                loop=loop,
                name="nbjudge",
            )
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"Connecting to the scheduler {scheduler.address}: {error}. See that it runs, that "
                "no firewall is in between, and that both sides' certificates are signed by the "
                "same authority."
            ) from error
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def _event_loop() -> Iterator[Any]:
    """Give an event loop in a thread: one of its own, a client that cannot connect leaves there."""
    from tornado.ioloop import IOLoop

    started: Future[tuple[IOLoop, asyncio.Event]] = Future()

    async def run() -> None:
        end = asyncio.Event()
        started.set_result((IOLoop.current(), end))
        await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    loop, end = started.result()
    try:
        yield loop
    finally:
        loop.add_callback(end.set)
        thread.join()


# At a worker.


def examine(kernels: list[str], readonly: list[str], *, unsealed: bool) -> Any:
    """Return, at a worker, the versions of what is there and what it lacks."""
    missing = environment.lacks(kernels=kernels, readonly=readonly, unsealed=unsealed)
    return environment.versions(), missing


class Held:
    """A class's shared data at a worker, with a thread that grades.

    Sandboxes end with the thread that started them, and Dask promises nothing of its threads.
    This one ends, with all that it kept, when Dask lets go of the data: the client has ended, in
    whatever way, or the worker.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._starting = threading.Lock()
        self._orders: queue.SimpleQueue[_Order | None] | None = None

    def __reduce__(self) -> tuple[type[Held], tuple[Shared]]:
        return Held, (self._shared,)

    def __call__(self, submission: bytes) -> bytes:
        """Return what comes of a pickled submission, pickled; called by Dask."""
        from distributed import get_worker

        # Dask removes this folder: after a worker that was killed, when the next one starts there.
        return self.grade(submission, get_worker().local_directory)

    def grade(self, submission: bytes, scratch: str | None = None) -> bytes:
        """Do so in the thread that grades; the first call says where temporary files go."""
        with self._starting:
            if self._orders is None:
                self._orders = queue.SimpleQueue()
                thread = threading.Thread(
                    target=_serve,
                    args=(self._orders, self._shared, scratch),
                    name=THREAD,
                    daemon=True,
                )
                thread.start()
                weakref.finalize(self, _end, self._orders, thread)
        order = _Order(submission)
        self._orders.put(order)
        return order.answer.result()


THREAD = "nbjudge grading"
"""Name of the thread that grades at a worker."""
_END_SECONDS = 5.0
"""How long a worker that ends may take to close what it kept."""


@dataclass(frozen=True)
class _Order:
    submission: bytes
    answer: Future[bytes] = field(default_factory=Future)


def _serve(orders: queue.SimpleQueue[_Order | None], shared: Shared, scratch: str | None) -> None:
    with contextlib.ExitStack() as kept:
        worker: Worker | None = None
        while (order := orders.get()) is not None:
            try:
                if worker is None:
                    worker = kept.enter_context(contextlib.closing(Worker(shared, scratch)))
                # From the client, over TLS or from this machine: as trusted as the assignment.
                submission = pickle.loads(order.submission)  # noqa: S301
                order.answer.set_result(pickle.dumps(worker.grade(submission)))
            except BaseException as error:  # somebody waits for the answer, whatever it is
                order.answer.set_exception(error)
            del order


def _end(orders: queue.SimpleQueue[_Order | None], thread: threading.Thread) -> None:
    orders.put(None)
    thread.join(_END_SECONDS)


# At the client.


def grade_on_cluster(
    submissions: Iterable[Submission], shared: Shared, scheduler: Scheduler
) -> Iterator[Graded]:
    """Grade submissions on a cluster; yield each as it is done, in any order.

    Every worker is examined first: what differs from here, and could give other marks, is
    refused by name. A worker has one submission at a time; where it is lost, another one gets
    that submission, and where that is lost too, the submission is yielded with an error.

    Raises
    ------
    ConfigurationError
        If what travels could be read by others, or an option of TLS is wrong.
    ClusterError
        If the scheduler cannot be reached any more, or no worker may grade.
    """
    with _connected(scheduler) as client:
        # A scheduler that is reached over loopback may listen to the network as well.
        run = _Run(client, shared, scheduler)
        refuse_open(run.ask(client.scheduler_info)["address"], "the scheduler listens at")
        try:
            yield from run.graded(submissions)
        finally:
            run.close()


class _GoneError(Exception):
    """A worker did not take what was sent to it."""


@dataclass(eq=False)
class _Member:
    """A worker that may grade."""

    address: str
    executor: Executor
    held: Any
    """Dask's future of the shared data there."""


@dataclass(frozen=True, eq=False)
class _Turn:
    submission: Submission
    deaths: int = 0


class _Run:
    """One class on one cluster."""

    def __init__(self, client: Any, shared: Shared, scheduler: Scheduler) -> None:
        self._client = client
        self._shared = shared
        self._scheduler = scheduler
        self._here = environment.versions()
        self._members: dict[str, _Member] = {}
        self._refused: dict[str, str] = {}
        self._examined: dict[Future[Any], tuple[str, Executor]] = {}
        self._graded: dict[Future[bytes], tuple[_Member, _Turn]] = {}
        self._back: deque[_Turn] = deque()
        self._alone_since = time.monotonic()
        self._has_had_members = False

    def graded(self, submissions: Iterable[Submission]) -> Iterator[Graded]:
        """Yield each submission once."""
        rest = (_Turn(submission) for submission in submissions)
        ahead = next(rest, None)
        while ahead or self._back or self._graded:
            self._look()
            yield from self._hopeless()
            for member in list(self._idle()):
                turn = self._back.popleft() if self._back else ahead
                if turn is None:
                    break
                if turn is ahead:
                    ahead = next(rest, None)
                self._give(member, turn)
            awaited: list[Future[Any]] = [*self._graded, *self._examined]
            if not awaited:
                time.sleep(_LOOK_SECONDS / 10)
            done, _pending = wait(awaited, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                if future in self._examined:
                    self._judge(future)
                elif future in self._graded:
                    yield from self._take(future)

    def close(self) -> None:
        """Tell the cluster that nothing is wanted any more."""
        with contextlib.suppress(Exception):  # the scheduler may be gone: it lets go of all then
            for future in (*self._graded, *self._examined):
                future.cancel()

    def ask(self, question: Callable[[], Any]) -> Any:
        """Return what the scheduler says."""
        try:
            return question()
        except (OSError, RuntimeError, ValueError, CancelledError) as error:
            raise ClusterError(
                f"Grading on {self._scheduler.address}: the scheduler does not answer any more "
                f"({type(error).__name__}: {error}). What was graded until now is kept; start the "
                "cluster again and grade again."
            ) from error

    # Workers come and go.

    def _look(self) -> None:
        threads: dict[str, int] = self.ask(self._client.nthreads)
        for address in [address for address in self._members if address not in threads]:
            self._lose(self._members[address])
        for future, (address, _executor) in list(self._examined.items()):
            if address not in threads:
                del self._examined[future]
                future.cancel()
        for address in [address for address in self._refused if address not in threads]:
            del self._refused[address]
        known = {*self._members, *self._refused, *(a for a, _e in self._examined.values())}
        for address, number in threads.items():
            if address not in known:
                self._meet(address, number)
        if self._members:
            self._alone_since = time.monotonic()
        elif not self._examined:
            self._despair()

    def _meet(self, address: str, threads: int) -> None:
        """Begin to examine a worker."""
        try:
            refuse_open(address, "the worker")
        except ConfigurationError as error:
            self._refuse(address, str(error))
            return
        if threads != 1:
            self._refuse(
                address,
                f"it would grade {threads} submissions at a time in one process; start it with "
                "--nthreads 1 (and --nworkers for more at a time)",
            )
            return
        executor = self._client.get_executor(
            workers=[address], allow_other_workers=False, pure=False
        )
        settings = self._shared.settings
        kernels = [settings.kernel_name or n.kernel_name for n in self._shared.assignment.notebooks]
        # As text: a worker that cannot import what it is sent would end without a word.
        call = f"examine({sorted(set(kernels))!r}, {list(settings.readonly)!r}, "
        call += f"unsealed={settings.unsealed!r})"
        future = executor.submit(eval, f"__import__('nbjudge.cluster').cluster.{call}")
        self._examined[future] = address, executor

    def _judge(self, future: Future[Any]) -> None:
        """Let an examined worker grade, or refuse it."""
        address, executor = self._examined.pop(future)
        try:
            there, missing = future.result()
        except CancelledError:
            return  # it has gone; whoever comes in its place is examined too
        except Exception as error:  # another nbjudge, or none
            self._refuse(
                address,
                f"it cannot run this version of nbjudge ({type(error).__name__}: {error}). Install "
                f"the same there: pip install 'nbjudge[dask]=={self._here['nbjudge']}'",
            )
            return
        wrong = [*environment.differences(self._here, there), *missing]
        if wrong:
            self._refuse(address, "; ".join(wrong))
            return
        with contextlib.suppress(_GoneError):
            held = self._send(address, Held(self._shared))
            self._members[address] = _Member(address, executor, held)
            self._has_had_members = True

    def _refuse(self, address: str, why: str) -> None:
        self._refused[address] = why
        self._scheduler.say(f"the worker {address} is refused: {why}.")

    def _lose(self, member: _Member) -> None:
        """Take a worker out; what it was grading is for another one."""
        del self._members[member.address]
        for future, (whose, turn) in list(self._graded.items()):
            # What has come back already is good.
            if whose is member and not future.done():
                del self._graded[future]
                future.cancel()
                self._give_back(member, turn)

    def _give_back(self, member: _Member, turn: _Turn) -> None:
        self._back.append(_Turn(turn.submission, turn.deaths + 1))
        self._scheduler.say(
            f"the worker {member.address} was lost while it graded {turn.submission.student}."
        )

    def _despair(self) -> None:
        """Give up where nobody may grade."""
        waited = time.monotonic() - self._alone_since
        patience = self._scheduler.patience_seconds
        if self._refused and not self._has_had_members:
            patience = min(patience, _OTHERS_SECONDS)
        if waited < patience:
            return
        if self._refused:
            said = "".join(f"\n  {address}: {why}." for address, why in self._refused.items())
            raise ClusterError(
                f"Grading on {self._scheduler.address}: no worker may grade. Refused:{said}"
            )
        raise ClusterError(
            f"Grading on {self._scheduler.address}: it has had no worker for {waited:.0f} s. Start "
            "some: dask worker ADDRESS --nthreads 1 --nworkers N (docs/scaling.md)."
        )

    # Submissions.

    def _idle(self) -> Iterator[_Member]:
        busy = {member.address for member, _turn in self._graded.values()}
        return (member for member in self._members.values() if member.address not in busy)

    def _give(self, member: _Member, turn: _Turn) -> None:
        try:
            data = self._send(member.address, pickle.dumps(turn.submission))
            future = member.executor.submit(operator.call, member.held, data)
        except _GoneError:
            self._back.appendleft(turn)
            self._members.pop(member.address, None)
        else:
            self._graded[future] = member, turn

    def _send(self, address: str, value: Any) -> Any:
        """Put a value into one worker's memory; a scheduler does not open what is sent so."""
        try:
            return self._client.scatter(value, workers=[address], direct=False, hash=False)
        except Exception as error:  # the worker has gone or the scheduler: the next look says which
            raise _GoneError from error

    def _take(self, future: Future[bytes]) -> Iterator[Graded]:
        """Yield what came back; where nothing did, another worker's turn has come."""
        from distributed.scheduler import KilledWorker

        member, turn = self._graded.pop(future)
        outcome: Outcome
        try:
            # Workers are machines of whoever grades: what students made is data inside of it.
            outcome = pickle.loads(future.result())  # noqa: S301
        except (CancelledError, KilledWorker):
            # It may have been replaced under the same address: whoever is there is examined.
            self._members.pop(member.address, None)
            self._give_back(member, turn)
        except Exception as error:
            yield graded(turn.submission, fault(turn.submission, error))
        else:
            yield graded(turn.submission, outcome)

    def _hopeless(self) -> Iterator[Graded]:
        """Yield what has cost too many workers."""
        for turn in [turn for turn in self._back if turn.deaths >= _DEATHS]:
            self._back.remove(turn)
            yield graded(turn.submission, _died(turn.submission, self._scheduler.address))


def _died(submission: Submission, where: str) -> WorkerDied:
    """Return the error of a submission whose workers have ended."""
    return WorkerDied(
        f"Grading {submission.assignment} of {submission.student} on {where}: the worker was lost, "
        "twice. Look for a lack of memory on the workers' machines, and grade the submission again."
    )
