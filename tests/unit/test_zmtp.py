"""ZMTP frames: the same messages however the bytes arrive, and never more than allowed."""

import socket
import threading
import time
import tracemalloc

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.zmtp import Connection, ConnectionLost, Framing

MORE, LONG, COMMAND = 1, 2, 4
MIB = 1 << 20


def frame(data, flags=0, *, long=False):
    if long or len(data) > 255:
        return bytes([flags | LONG]) + len(data).to_bytes(8) + data
    return bytes([flags, len(data)]) + data


def message(*parts):
    last = len(parts) - 1
    return b"".join(frame(part, MORE if n < last else 0) for n, part in enumerate(parts))


PARTS = st.lists(st.binary(max_size=400), min_size=1, max_size=4)


@given(st.lists(PARTS, max_size=5), st.lists(st.integers(1, 300), min_size=1))
def test_messages_come_out_whole_however_their_bytes_are_cut(messages, cuts):
    stream = b"".join(message(*parts) for parts in messages)
    framing, found, position = Framing(MIB), [], 0
    while position < len(stream):
        for cut in cuts:
            found += framing.feed(stream[position : position + cut])
            position += cut
    assert found == messages


@given(st.lists(PARTS, min_size=1, max_size=5), st.integers(64, 600))
def test_a_message_beyond_the_limit_is_named_in_its_place_and_the_others_come_through(
    messages, limit
):
    stream = b"".join(message(*parts) for parts in messages)
    expected = [
        parts if sum(len(part) + 64 for part in parts) <= limit else None for parts in messages
    ]
    assert Framing(limit).feed(stream) == expected


def test_commands_are_no_messages():
    assert Framing(MIB).feed(frame(b"\x04PING", COMMAND) + message(b"a", b"")) == [[b"a", b""]]


def test_a_small_part_may_have_a_long_header():
    assert Framing(MIB).feed(frame(b"a", long=True)) == [[b"a"]]


def test_a_limit_raised_in_the_middle_of_a_message_does_not_bring_half_of_it_back():
    framing = Framing(100)
    stream = message(b"x" * 90, b"y")
    assert framing.feed(stream[:50]) == []
    framing.max_bytes = 10_000
    assert framing.feed(stream[50:] + message(b"next")) == [None, [b"next"]]


@pytest.mark.parametrize(
    "endless",
    [frame(b"x" * 10_000, MORE), frame(b"", MORE) * 500, frame(b"x" * 9_999, COMMAND | MORE)],
)
def test_a_message_of_parts_without_end_takes_no_memory(endless):
    framing = Framing(MIB)
    tracemalloc.start()
    try:
        for _ in range(300):
            assert framing.feed(endless) == []
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


def test_a_part_said_to_be_enormous_takes_the_memory_of_what_arrives():
    framing = Framing(MIB)
    assert framing.feed(bytes([LONG]) + b"\xff" * 8) == []
    for _ in range(100):
        assert framing.feed(b"x" * 100_000) == []


# Against the real thing


@pytest.fixture
def pair(tmp_path_factory):
    """A socket of libzmq and our connection to it: ``pair(zmq.ROUTER, "DEALER")``."""
    context = zmq.Context()
    opened = []

    def make(theirs, ours, max_bytes=MIB):
        path = f"{tmp_path_factory.mktemp('s')}/s"
        bound = context.socket(theirs)
        bound.linger = 0
        bound.bind(f"ipc://{path}")
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        connection = Connection(sock, ours, max_bytes)
        opened.extend((bound, connection))
        connection.handshake(time.monotonic() + 20)
        return bound, connection

    yield make
    for one in opened:
        one.close()
    context.term()


def received(connection):
    found = []
    while not found:
        found = connection.receive()
    return found


def test_a_dealer_talks_with_a_router(pair):
    router, dealer = pair(zmq.ROUTER, "DEALER")
    dealer.send([b"question", b"", b"x" * 70_000], time.monotonic() + 20)
    identity, *parts = router.recv_multipart()
    assert parts == [b"question", b"", b"x" * 70_000]
    router.send_multipart([identity, b"answer", b"y" * 300])
    assert received(dealer) == [[b"answer", b"y" * 300]]


@pytest.mark.parametrize("theirs", [zmq.PUB, zmq.XPUB])
def test_a_subscriber_hears_a_publisher(pair, theirs):
    publisher, subscriber = pair(theirs, "SUB", 1000)
    if theirs == zmq.XPUB:
        assert publisher.recv() == b"\x01"
    sending = threading.Event()

    def publish():  # a PUB says nothing of who listens
        while not sending.wait(0.01):
            publisher.send_multipart([b"topic", b"x" * 5000])
            publisher.send_multipart([b"topic", b"text"])

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        found = received(subscriber)
        while len(found) < 2:
            found += received(subscriber)
    finally:
        sending.set()
        thread.join()
    assert found[:2] in ([None, [b"topic", b"text"]], [[b"topic", b"text"], None])


def test_the_end_of_the_other_side_is_noticed(pair):
    router, dealer = pair(zmq.ROUTER, "DEALER")
    router.close()
    with pytest.raises(ConnectionLost):
        received(dealer)


@pytest.fixture
def plain():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(ours, "DEALER", MIB), theirs


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 200 OK\r\n" * 10, b"\xff" + bytes(8) + b"\x7f\x01" + bytes(60), b"\0" * 99],
)
def test_another_protocol_is_refused(plain, greeting):
    connection, theirs = plain
    theirs.sendall(greeting)
    with pytest.raises(ConnectionLost):
        connection.handshake(time.monotonic() + 20)


def test_a_silent_other_side_is_given_up(plain):
    connection, _theirs = plain
    with pytest.raises(TimeoutError):
        connection.handshake(time.monotonic() + 0.05)


def test_another_side_that_does_not_read_is_given_up(plain):
    connection, _theirs = plain
    with pytest.raises(TimeoutError):
        connection.send([b"x" * 10_000_000], time.monotonic() + 0.05)


def test_another_side_that_hangs_up_while_we_write_is_noticed(plain):
    connection, theirs = plain
    theirs.close()
    with pytest.raises(ConnectionLost):
        connection.send([b"x" * 10_000_000], time.monotonic() + 20)
