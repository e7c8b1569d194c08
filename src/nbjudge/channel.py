"""Requests of the judge to the student's kernel, and what comes back: values or proxies."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from nbjudge import sending, values
from nbjudge.agent import MAX_WARNINGS
from nbjudge.errors import HiddenTestError
from nbjudge.inert import printable
from nbjudge.raised import (
    MAX_MESSAGE,
    UNREADABLE,
    ErrorClasses,
    KernelLost,
    StudentError,
    StudentTimeout,
    student_error,
)
from nbjudge.remote import (
    ANCESTORS,
    KEPT,
    RAISED,
    Remote,
    known_class,
    makes_values,
    placed,
    type_for,
)
from nbjudge.sending import source_of


class Channel:
    """Requests to the student's kernel, one at a time.

    Parameters
    ----------
    send
        Takes a request's bytes, returns the reply's; raises :class:`KernelLost` or
        :class:`StudentTimeout`.
    max_bytes
        Largest request and reply.
    strict
        While proving the reference: refuse probes that return only truth values.
    named
        The name of a given cell's function or class, for passing it to the student's code.
    classes
        Exceptions that a test may expect.
    """

    def __init__(
        self,
        send: Callable[[bytes, str], bytes],
        *,
        max_bytes: int,
        strict: bool = False,
        named: sending.Named = lambda _value: None,
        classes: ErrorClasses | None = None,
    ) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._named = named
        self._classes = classes or ErrorClasses()
        self.strict = strict
        self.expected: frozenset[str] | None = None
        """Where the reference has objects in the test that is judged; None if it is not known."""
        self.objects: set[str] = set()
        """Where an object has come from, in place of a plain value."""
        self.asked = 0
        """How many requests were sent."""
        self.noticed: list[BaseException] = []
        """What ends a question though a test's own ``except`` may have caught it: the kernel is
        lost, a call did not end, a reply cannot be read, the instructor must act."""

    def refusal(self, sentence: str) -> HiddenTestError:
        """Make the error for what a test asks that cannot be had outside."""
        error = HiddenTestError(sentence)
        self.noticed.append(error)
        return error

    def name(self, name: str) -> Any:
        """Return what a name of the notebook is bound to, as a value or a proxy."""
        return self.request({"op": "get", "name": name}, name)

    def bind(self, name: str, value: Any) -> None:
        """Bind a name of the notebook until the next question."""
        self.request({"op": "bind", "name": name, "value": value}, name)

    def unbind(self, name: str) -> None:
        """Take a name out of the notebook until the next question."""
        self.request({"op": "unbind", "name": name}, name)

    def release(self, name: str) -> None:
        """Let a name of the notebook be what it was at the beginning of the question."""
        self.request({"op": "release", "name": name}, name)

    def has(self, name: str) -> bool:
        """Tell whether the notebook binds a name."""
        return self.request({"op": "has", "name": name}, name) is True

    def seed(self, seed: int) -> None:
        """Seed the kernel's global generators; names are bound again as they were."""
        self.request({"op": "seed", "seed": seed}, "seed")

    def seed_library(self, library: str, seed: Any) -> None:
        """Seed one library's global generator, as a test has seeded its own."""
        self.request({"op": "seed_library", "library": library, "seed": seed}, "seed")

    def source(self, target: Remote) -> str:
        """Return the source of a student's function or class."""
        text = self.request({"op": "source", "target": target}, "inspect.getsource")
        if not isinstance(text, str):
            raise OSError("the source cannot be read")
        return text

    def signature(self, target: Remote) -> inspect.Signature:
        """Return the parameters of a student's function, without annotations."""
        parts = self.request({"op": "signature", "target": target}, "inspect.signature")
        try:
            return inspect.Signature(
                [
                    inspect.Parameter(
                        name,
                        inspect._ParameterKind(kind),
                        default=inspect.Parameter.empty if default is None else default[0],
                    )
                    for name, kind, default in parts
                ]
            )
        except (TypeError, ValueError, IndexError):
            raise ValueError("the signature cannot be read") from None

    def probe(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Send a probe's body, run it there, return what it measured."""
        name = function.__name__
        result = self.request(
            {
                "op": "probe",
                "source": source_of(function),
                "name": name,
                "args": list(args),
                "kwargs": dict(kwargs),
            },
            name,
            f"{name} probe",
        )
        if self.strict and _only_booleans(result):
            raise self.refusal(
                f"The probe {name} returns only truth values. A probe runs beside the student's "
                "code, which can change its verdict: return what was measured (numbers, arrays) "
                "and compare in the test."
            )
        return result

    def request(self, request: Mapping[str, Any], label: str, origin: str | None = None) -> Any:
        """Send one request and return the decoded reply.

        Parameters
        ----------
        request
            The order.
        label
            What the test did, for sentences.
        origin
            Where the value comes from; by default the label, a name.

        Raises
        ------
        StudentError
            If the student's code raised.
        KernelLost
            If the kernel went away.
        HiddenTestError
            If an argument cannot be sent.
        """
        try:
            return self._request(request, label, label if origin is None else origin)
        except (HiddenTestError, KernelLost, StudentTimeout) as error:
            self.noticed.append(error)
            raise
        except StudentError as error:
            if error.nbjudge_report.type_name in UNREADABLE:
                self.noticed.append(error)
            raise

    def _request(self, request: Mapping[str, Any], label: str, source: str) -> Any:
        order = dict(request)
        self.asked += 1
        torch = sys.modules.get("torch")
        if torch is not None and not torch.is_grad_enabled():
            order["no_grad"] = True
        try:
            data = values.encode(order, handle=self._outgoing, max_bytes=self._max_bytes)
        except values.TooLarge as error:
            raise HiddenTestError(f"{label}: the arguments are too large to send.") from error
        reply_bytes = self._send(data, label)

        def remote(node: Mapping[str, Any]) -> Any:
            # What is kept of it goes back to the kernel: nothing but the number.
            if type(node.get("id")) is not int:
                raise values.MalformedValue("a handle without a number")
            known = known_class(node)
            asked = request["op"] == "attr" and request["name"] in ANCESTORS
            if known is not None and (asked or makes_values(known)):
                return known
            if node.get("raises") is not None:
                return self._classes.of(node["raises"], node.get("bases"))
            kept = {key: node.get(key) for key in KEPT}
            objects.append(type_for(node)(self, kept, label, f"{source}[?]"))
            return objects[-1]

        objects: list[Remote] = []
        try:
            reply = values.decode(reply_bytes, remote=remote, max_bytes=self._max_bytes)
        except values.MalformedValue as error:
            raise student_error({"type": "MalformedValue", "message": str(error)}, label) from None
        reply = reply if isinstance(reply, dict) else {}
        self._repeat(reply)
        if "ok" in reply:
            if objects:
                for found, place in placed(reply["ok"], source, exact=not self.strict):
                    object.__setattr__(found, "_nbjudge_origin", place)
            if self.strict:
                self.objects.update(found._nbjudge_origin for found in objects)
            return reply["ok"]
        report = reply.get("error")
        report = report if isinstance(report, dict) else {}
        raised = student_error(report, label, self._classes)
        if objects and report.get("object") is objects[0]:
            # An exception is an object wherever it is raised.
            object.__setattr__(objects[0], "_nbjudge_origin", RAISED)
            raised.nbjudge_remote = objects[0]
        raise raised

    def _repeat(self, reply: Mapping[str, Any]) -> None:
        """Print and warn as their code did: a test may listen; else it goes nowhere."""
        printed = reply.get("out")
        if isinstance(printed, str):
            sys.stdout.write(printed.encode("utf-8", "replace").decode("utf-8"))
        warned = reply.get("warned")
        for warning in warned[:MAX_WARNINGS] if isinstance(warned, list) else []:
            if isinstance(warning, dict):
                kind = self._classes.of(warning.get("own"), warning.get("bases"))
                category = kind if issubclass(kind, Warning) else UserWarning
                text = printable(warning.get("message"), MAX_MESSAGE)
                warnings.warn(text, category, stacklevel=4)

    def _outgoing(self, value: object) -> Mapping[str, Any]:
        if isinstance(value, Remote):
            return {"id": value._nbjudge_node["id"]}

        def define(order: Mapping[str, Any]) -> Mapping[str, Any]:
            made = self.request({"op": "define", **order}, str(order["name"]))
            if not isinstance(made, Remote):
                raise student_error({"type": "MalformedValue"}, str(order["name"]))
            return {"id": made._nbjudge_node["id"]}

        found: Mapping[str, Any] = sending.handle_of(value, self._named, define)
        return found


def _only_booleans(value: Any) -> bool:
    if isinstance(value, Remote):
        return False
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return str(dtype) in {"bool", "torch.bool"}
    if isinstance(value, dict):
        return bool(value) and all(_only_booleans(v) for v in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return bool(value) and all(_only_booleans(v) for v in value)
    return isinstance(value, bool)
