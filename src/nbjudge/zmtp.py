"""ZMTP, the protocol under ZeroMQ, as a client with every byte counted.

A ZeroMQ library would connect again by itself to whatever lies at the path by then, and hold a
message of endless parts in memory: its limits are per part.  The other side here is a student's
process, so this client connects once and reads with a bound on whole messages.

References
----------
ZMTP 3.0, https://rfc.zeromq.org/spec/23/ (greeting, NULL mechanism, framing).
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import Literal

CHUNK_BYTES = 1 << 18
_MORE, _LONG, _COMMAND = 1, 2, 4
_PART_COST = 64
"""An empty part takes memory too."""
_GREETING_BYTES = 64
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

Message = list[bytes] | None
"""The parts; None for a message that was larger than allowed and has been thrown away."""


class ConnectionLost(Exception):
    """The other side hung up, or does not speak ZMTP."""


class Framing:
    """Messages out of a stream of bytes.

    Parameters
    ----------
    max_bytes
        Of one message, all parts together; may be changed between messages.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._head = bytearray()
        self._head_size = 1
        self._flags = 0
        self._left = 0
        self._body = bytearray()
        self._parts: list[bytes] = []
        self._total = 0
        self._dropping = False

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; return the messages that they complete, commands left out."""
        found: list[Message] = []
        view = memoryview(data)
        while view:
            if self._left:
                taken = min(len(view), self._left)
                if not self._dropping:
                    self._body += view[:taken]
                self._left -= taken
                view = view[taken:]
                if not self._left:
                    self._end_part(found)
                continue
            self._head.append(view[0])
            view = view[1:]
            if len(self._head) == 1:
                self._head_size = 9 if self._head[0] & _LONG else 2
            elif len(self._head) == self._head_size:
                self._begin_part()
                if not self._left:
                    self._end_part(found)
        return found

    def _begin_part(self) -> None:
        self._flags = self._head[0]
        self._left = int.from_bytes(self._head[1:])
        self._head.clear()
        self._total += self._left + _PART_COST
        if self._total > self.max_bytes:
            self._dropping = True
            self._parts.clear()

    def _end_part(self, found: list[Message]) -> None:
        if not self._dropping and not self._flags & _COMMAND:
            self._parts.append(bytes(self._body))
        self._body.clear()
        if self._flags & _MORE:
            return
        if not self._flags & _COMMAND:
            found.append(None if self._dropping else self._parts)
        self._parts, self._total, self._dropping = [], 0, False


class Connection:
    """A connected ZMTP socket.

    Parameters
    ----------
    sock
        Connected; closed by :meth:`close`.
    kind
        ``SUB`` subscribes to everything.
    max_bytes
        Of one received message.
    """

    def __init__(self, sock: socket.socket, kind: Literal["DEALER", "SUB"], max_bytes: int) -> None:
        self._sock = sock
        self._kind = kind
        self._framing = Framing(max_bytes)

    def fileno(self) -> int:
        """Return the descriptor, for ``poll``."""
        return self._sock.fileno()

    def allow(self, max_bytes: int) -> None:
        """Set how large a received message may be."""
        self._framing.max_bytes = max_bytes

    def handshake(self, deadline: float) -> None:
        """Introduce ourselves and wait for the other side to do so.

        Raises
        ------
        ConnectionLost
            If it does not before ``deadline`` (of ``time.monotonic``), or says something else.
        """
        kind = self._kind.encode()
        ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4) + kind
        hello = _GREETING + bytes([_COMMAND, len(ready)]) + ready
        self._send(hello, deadline)
        greeting = self._exactly(_GREETING_BYTES, deadline)
        if greeting[0] != 0xFF or greeting[9] != 0x7F or greeting[10] < 3:
            raise ConnectionLost("the other side does not speak ZMTP 3")
        flags, size = self._exactly(2, deadline)
        if flags != _COMMAND or not self._exactly(size, deadline).startswith(b"\x05READY"):
            raise ConnectionLost("the other side refused the connection")
        if self._kind == "SUB":
            self.send([b"\x01"], deadline)  # subscribe to the empty prefix

    def _exactly(self, size: int, deadline: float) -> bytes:
        found = b""
        while len(found) < size:
            self._wait(select.POLLIN, deadline)
            try:
                part = self._sock.recv(size - len(found))
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            if not part:
                raise ConnectionLost("the other side hung up")
            found += part
        return found

    def send(self, parts: Sequence[bytes], deadline: float) -> None:
        """Send one message.

        Raises
        ------
        ConnectionLost
            If the other side hung up.
        TimeoutError
            If it does not read.
        """
        data = bytearray()
        for index, part in enumerate(parts):
            flags = _LONG | (_MORE if index + 1 < len(parts) else 0)
            data += bytes([flags]) + len(part).to_bytes(8) + part
        self._send(data, deadline)

    def _send(self, data: bytes | bytearray, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(select.POLLOUT, deadline)
            try:
                view = view[self._sock.send(view, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ConnectionLost(str(error)) from error

    def _wait(self, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._sock, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("the other side neither reads nor writes")

    def receive(self) -> list[Message]:
        """Return messages that have arrived, without waiting; not all of them if they are many.

        Raises
        ------
        ConnectionLost
            If the other side hung up and nothing is left to read.
        """
        try:
            data = self._sock.recv(CHUNK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        if not data:
            raise ConnectionLost("the other side hung up")
        return self._framing.feed(data)

    def close(self) -> None:
        """Hang up."""
        self._sock.close()
