"""Outputs of one cell, from what a kernel publishes: well-formed, up to a number of bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Output = dict[str, Any]
"""An output as nbformat 4 has it."""

_NAME_CHARACTERS = 200
_ERROR_CHARACTERS = 500
_OUTPUT_COST = 100
_STREAM_COST = 16


@dataclass
class Collector:
    """Takes messages as they come.

    Attributes
    ----------
    room
        Bytes still taken; what comes after is dropped.
    truncated
        Whether something was.
    """

    room: int
    outputs: list[Output] = field(default_factory=list)
    truncated: bool = False
    execution_count: int | None = None
    _displays: dict[str, list[Output]] = field(default_factory=dict)
    _clear_next: bool = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Take the content of one message of the iopub channel."""
        if kind == "clear_output":
            if content.get("wait"):
                self._clear_next = True
            else:
                self._clear()
            return
        if kind == "execute_input":
            self.execution_count = _count(content)
            return
        output = _output(kind, content)
        if output is None:
            return
        if self._clear_next:
            self._clear()
            self._clear_next = False
        size = _size(output)
        if size > self.room:
            self.truncated = True
            if output["output_type"] == "stream":
                self._take_beginning(output)
            # An error says more than the flood before it: keep its name and message.
            if output["output_type"] == "error" and not self._has_error():
                self.outputs.append(_short(output))
            return
        self.room -= size
        transient = content.get("transient")
        identifier = transient.get("display_id") if isinstance(transient, dict) else None
        if kind == "update_display_data":
            for shown in self._displays.get(identifier, []) if isinstance(identifier, str) else ():
                shown["data"] = output["data"]
            return
        if output["output_type"] == "stream":
            self._append_stream(output["name"], output["text"][0])
            return
        self.outputs.append(output)
        if isinstance(identifier, str) and len(identifier) <= _NAME_CHARACTERS:
            self._displays.setdefault(identifier, []).append(output)

    def _take_beginning(self, output: Output) -> None:
        kept = output["text"][0].encode()[: max(0, self.room - _STREAM_COST)]
        self.room = 0
        if kept:
            self._append_stream(output["name"], kept.decode("utf-8", "ignore"))

    def _append_stream(self, name: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last["output_type"] == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def _has_error(self) -> bool:
        return any(output["output_type"] == "error" for output in self.outputs)

    def _clear(self) -> None:
        self.outputs.clear()
        self._displays.clear()

    def finished(self) -> tuple[Output, ...]:
        """Return the outputs, streams joined."""
        for output in self.outputs:
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
        return tuple(self.outputs)


def _text(value: object) -> str:
    """Return a string that can be written as UTF-8; empty for what is no string."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _count(content: dict[str, Any]) -> int | None:
    count = content.get("execution_count")
    return count if type(count) is int and 0 <= count < 1 << 31 else None


def _output(kind: str, content: dict[str, Any]) -> Output | None:
    if kind == "stream":
        if not isinstance(content.get("text"), str):
            return None
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": [_text(content["text"])]}
    if kind in {"display_data", "update_display_data", "execute_result"}:
        raw = content.get("data")
        data = {
            _text(mime): _text(value)
            for mime, value in (raw.items() if isinstance(raw, dict) else ())
            if len(mime) < _NAME_CHARACTERS and isinstance(value, str)
        }
        output: Output = {"output_type": "display_data", "data": data, "metadata": {}}
        if kind == "execute_result":
            output |= {"output_type": kind, "execution_count": _count(content)}
        return output
    if kind == "error":
        trace = content.get("traceback")
        return {
            "output_type": "error",
            "ename": _text(content.get("ename"))[:_NAME_CHARACTERS],
            "evalue": _text(content.get("evalue")),
            "traceback": [
                _text(line)
                for line in (trace if isinstance(trace, list) else [])
                if isinstance(line, str)
            ],
        }
    return None


def _size(output: Output) -> int:
    if output["output_type"] == "stream":
        return len(output["text"][0].encode()) + _STREAM_COST
    if output["output_type"] == "error":
        return _OUTPUT_COST + len(output["evalue"]) + sum(len(s) + 8 for s in output["traceback"])
    return _OUTPUT_COST + sum(len(mime) + len(value) for mime, value in output["data"].items())


def _short(output: Output) -> Output:
    return output | {"evalue": output["evalue"][:_ERROR_CHARACTERS], "traceback": []}
