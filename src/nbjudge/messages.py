"""Jupyter's messages on the wire: signed when sent; read as if their author wished us ill.

References
----------
"Messaging in Jupyter", jupyter-client documentation (the wire protocol, version 5).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_DELIMITER = b"<IDS|MSG>"
_DICTS = 4
"""header, parent_header, metadata, content"""
_HEADER_BYTES = 1 << 16
# Parsed, `[],[],` takes twenty times the memory of its text: what makes objects is counted first.
_MARKS = (b"[", b"{", b'"', b",")
_MAX_MARKS = 2_000_000


class Oversized(Exception):
    """A message that would take too much memory to be read."""


@dataclass(frozen=True)
class Received:
    """A message that came from the kernel, or from whoever writes there in its name."""

    kind: str
    parent: str
    """Id of the request that it answers."""
    content: dict[str, Any]


class Signer:
    """Packs and unpacks the messages of one kernel.

    Attributes
    ----------
    key
        Shared with the kernel by its connection file.
    """

    def __init__(self) -> None:
        self.key = secrets.token_hex(16)
        self._session = secrets.token_hex(16)

    def pack(self, kind: str, content: Mapping[str, Any]) -> tuple[str, list[bytes]]:
        """Return the id of a new message and its parts."""
        identifier = secrets.token_hex(16)
        header = {
            "msg_id": identifier,
            "msg_type": kind,
            "session": self._session,
            "username": "nbjudge",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.3",
        }
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        return identifier, [_DELIMITER, self._sign(parts), *parts]

    def unpack(self, parts: Sequence[bytes]) -> Received | None:
        """Return what a message says; None for one that is malformed or not signed.

        Raises
        ------
        Oversized
            If it holds too many objects.
        """
        try:
            start = parts.index(_DELIMITER) + 1
            signature, *dicts = parts[start : start + 1 + _DICTS]
            if len(dicts) != _DICTS or not hmac.compare_digest(signature, self._sign(dicts)):
                return None
            if max(len(dicts[0]), len(dicts[1])) > _HEADER_BYTES:
                return None
            if sum(dicts[3].count(mark) for mark in _MARKS) > _MAX_MARKS:
                raise Oversized
            header, parent = json.loads(dicts[0]), json.loads(dicts[1])
            content = json.loads(dicts[3])
        except (ValueError, RecursionError):
            return None
        if not (isinstance(header, dict) and isinstance(parent, dict)):
            return None
        kind, identifier = header.get("msg_type"), parent.get("msg_id")
        if not isinstance(kind, str) or not isinstance(identifier, str):
            return None
        return Received(kind, identifier, content) if isinstance(content, dict) else None

    def _sign(self, parts: Sequence[bytes]) -> bytes:
        code = hmac.new(self.key.encode(), digestmod=hashlib.sha256)
        for part in parts:
            code.update(part)
        return code.hexdigest().encode()
