"""Outputs of a cell: what fits is kept as it was, what does not is cut, and all of it is clean."""

import pytest

from nbjudge.outputs import Collector


def collect(*messages, room=10_000):
    collector = Collector(room=room)
    for kind, content in messages:
        collector.take(kind, content)
    return collector, collector.finished()


def text(value, name="stdout"):
    return "stream", {"name": name, "text": value}


def test_streams_are_joined_as_long_as_they_are_the_same():
    _c, outputs = collect(text("a"), text("b"), text("c", "stderr"), text("d"))
    assert [(o["name"], o["text"]) for o in outputs] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_what_does_not_fit_is_cut_where_it_ends_to_fit():
    collector, outputs = collect(text("a" * 40), text("é" * 100), text("never"), room=200)
    assert collector.truncated
    assert outputs[0]["text"] == "a" * 40 + "é" * 64


def test_nothing_is_kept_where_there_is_no_room():
    collector, outputs = collect(text("a"), ("display_data", {"data": {"text/plain": "b"}}), room=0)
    assert (outputs, collector.truncated) == ((), True)


def test_an_error_without_room_keeps_its_name_once():
    error = "error", {"ename": "E", "evalue": "v" * 1000, "traceback": ["t" * 1000]}
    _c, outputs = collect(error, error, error, room=10)
    assert outputs == (
        {"output_type": "error", "ename": "E", "evalue": "v" * 500, "traceback": []},
    )


def test_clearing_waits_for_what_comes_next_if_asked():
    show = "display_data", {"data": {"text/plain": "x"}}
    assert collect(show, ("clear_output", {}))[1] == ()
    assert len(collect(show, ("clear_output", {"wait": True}))[1]) == 1
    _c, outputs = collect(text("a"), ("clear_output", {"wait": True}), text("b"))
    assert [o["text"] for o in outputs] == ["b"]


def test_an_update_changes_the_display_of_its_name_only():
    def shown(kind, value, name):
        return kind, {"data": {"text/plain": value}, "transient": {"display_id": name}}

    _c, outputs = collect(
        shown("display_data", "1", "a"),
        shown("display_data", "2", "b"),
        shown("update_display_data", "3", "a"),
        shown("update_display_data", "4", "nobody"),
    )
    assert [o["data"]["text/plain"] for o in outputs] == ["3", "2"]


STRANGE = [None, 3, [], {}, [[]], {"a": 1}, True, "\ud800", "\x00"]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize(
    "kind",
    ["stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"],
)
def test_strange_contents_give_outputs_of_the_right_types(kind, value):
    keys = ("text", "name", "data", "metadata", "ename", "evalue", "traceback", "transient")
    contents = [{key: value} for key in (*keys, "execution_count", "wait")]
    contents += [dict.fromkeys(keys, value), {"data": {"text/plain": value}}]
    contents += [{"traceback": [value]}, {"transient": {"display_id": value}, "data": {}}]
    _c, outputs = collect(*((kind, content) for content in contents))
    for output in outputs:
        for key, kept in output.items():
            assert _clean(kept), (key, kept)


def _clean(value):
    if isinstance(value, dict):
        return all(isinstance(v, str) and _clean(k) and _clean(v) for k, v in value.items())
    if isinstance(value, list):
        return all(isinstance(v, str) and _clean(v) for v in value)
    if isinstance(value, str):
        return value.encode("utf-8") is not None
    return value is None or type(value) is int


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (True, None), (-1, None), (2**40, None)])
def test_a_count_is_a_small_number(count, kept):
    collector, _o = collect(("execute_input", {"execution_count": count}))
    assert collector.execution_count == kept


def test_a_display_with_a_name_of_any_length_is_shown():
    content = {"data": {"text/plain": "x"}, "transient": {"display_id": "n" * 10_000}}
    assert len(collect(("display_data", content))[1]) == 1
