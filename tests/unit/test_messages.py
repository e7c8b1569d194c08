"""Signed messages: ours are read by Jupyter, and theirs by us only if they are well-formed."""

import json

import pytest
from jupyter_client.session import Session

from nbjudge.messages import Oversized, Received, Signer


@pytest.fixture
def signer():
    return Signer()


@pytest.fixture
def kernel(signer):
    """The other side, as jupyter_client has it."""
    return Session(key=signer.key.encode())


def answer(kernel, parent, kind="execute_reply", content=None):
    message = kernel.msg(kind, content or {"status": "ok"}, parent={"msg_id": parent})
    return kernel.serialize(message)


def sign(signer, *dicts):
    parts = [d if isinstance(d, bytes) else json.dumps(d).encode() for d in dicts]
    return [b"<IDS|MSG>", signer._sign(parts), *parts]


GOOD = ({"msg_type": "status"}, {"msg_id": "q"}, {}, {"execution_state": "idle"})


def test_jupyter_reads_what_we_pack(signer, kernel):
    identifier, parts = signer.pack("execute_request", {"code": "é"})
    _idents, rest = kernel.feed_identities(parts)
    message = kernel.deserialize(rest)
    assert message["header"]["msg_id"] == identifier
    assert (message["msg_type"], message["content"]) == ("execute_request", {"code": "é"})


def test_what_jupyter_packs_is_read_past_its_topic(signer, kernel):
    parts = [b"kernel.1.stream", *answer(kernel, "q", "stream", {"text": "é"})]
    assert signer.unpack(parts) == Received("stream", "q", {"text": "é"})


def test_two_messages_have_two_names(signer):
    assert signer.pack("a", {})[0] != signer.pack("a", {})[0]


def test_a_message_that_nobody_signed_is_none(signer):
    assert signer.unpack(sign(signer, *GOOD)) is not None
    assert signer.unpack(sign(Signer(), *GOOD)) is None
    parts = sign(signer, *GOOD)
    parts[-1] = b'{"execution_state": "busy"}'
    assert signer.unpack(parts) is None


@pytest.mark.parametrize(
    "dicts",
    [
        ([], {"msg_id": "q"}, {}, {}),
        ({"msg_type": 3}, {"msg_id": "q"}, {}, {}),
        ({"msg_type": "x"}, {}, {}, {}),
        ({"msg_type": "x"}, {"msg_id": ["q"]}, {}, {}),
        ({"msg_type": "x"}, {"msg_id": "q"}, {}, []),
        ({"msg_type": "x"}, {"msg_id": "q"}, {}, b"\xff\xfe\x00"),
        ({"msg_type": "x"}, {"msg_id": "q"}, {}, b"[" * 100_000),
        ({"msg_type": "x"}, {"msg_id": "q"}, {}, b'{"n": 1' + b"0" * 5000 + b"}"),
        ({"msg_type": "x", "more": "x" * 70_000}, {"msg_id": "q"}, {}, {}),
        ({"msg_type": "x"}, {"msg_id": "q", "more": [[]] * 40_000}, {}, {}),
        ({"msg_type": "x"}, {"msg_id": "q"}, {}),
    ],
)
def test_a_signed_message_that_is_malformed_is_none(signer, dicts):
    assert signer.unpack(sign(signer, *dicts)) is None


@pytest.mark.parametrize("parts", [[], [b"<IDS|MSG>"], [b"<IDS|MSG>", b"x"], [b"a", b"b"]])
def test_parts_that_are_no_message_are_none(signer, parts):
    assert signer.unpack(parts) is None


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'"",', b"1,"])
def test_a_text_that_would_become_millions_of_objects_is_not_parsed(signer, unit):
    content = b'{"data": [' + unit * 2_100_000 + b"0]}"
    with pytest.raises(Oversized):
        signer.unpack(sign(signer, *GOOD[:3], content))
