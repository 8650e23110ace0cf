from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.llm import wire
from studio.llm.chat import Request, Usage
from studio.llm.wire import BrokenReplyError, Heard


def test_a_body_holds_what_was_chosen_and_nothing_else():
    assert wire.body(Request("m", (("system", "简短"), ("user", "hi")), sample=4), "max_tokens", stream=False) == {
        "model": "m",
        "messages": [{"role": "system", "content": "简短"}, {"role": "user", "content": "hi"}],
    }
    request = Request("m", (), 0.0, 0.9, 7, ("\n", "##"), {"type": "json_object"})
    assert wire.body(request, "max_completion_tokens", stream=True) == {
        "model": "m",
        "messages": [],
        "temperature": 0.0,
        "top_p": 0.9,
        "max_completion_tokens": 7,
        "stop": ["\n", "##"],
        "response_format": {"type": "json_object"},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_penalties_are_sent_when_they_are_chosen():
    request = Request("m", (), presence_penalty=2.0, frequency_penalty=0.0)
    assert wire.body(request, "max_tokens", stream=False) == {
        "model": "m",
        "messages": [],
        "presence_penalty": 2.0,
        "frequency_penalty": 0.0,
    }


def test_a_whole_answer_with_all_it_may_leave_out():
    full = {
        "model": "m-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "好"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4, "prompt_tokens_details": None},
    }
    assert wire.whole(json.dumps(full).encode()) == wire.Answer("好", "length", Usage(3, 1), "m-2026")
    full["usage"] |= {"prompt_tokens_details": {"cached_tokens": 2}}
    assert wire.whole(json.dumps(full).encode()).usage == Usage(3, 1, 2)
    full["usage"] = {"prompt_tokens": 3, "completion_tokens": 1, "prompt_cache_hit_tokens": 1}
    assert wire.whole(json.dumps(full).encode()).usage == Usage(3, 1, 1)
    bare = {"choices": [{"message": {"content": None}}]}
    assert wire.whole(json.dumps(bare).encode()) == wire.Answer("", "unknown", Usage(), "")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b'{"choices": [', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"\n<!doctype html>", "web page"),
        (b"[]", "not a chat completion"),
        (b"{}", "no choices"),
        (b'{"choices": "none"}', "not a chat completion"),
        (b'{"choices": []}', "empty choices"),
        (b'{"choices": [{}]}', "not a chat completion"),
        (b'{"choices": [{"message": {"content": ["x"]}}]}', "not a chat completion"),
        (b'{"error": {"message": "upstream is gone"}}', "upstream is gone"),
    ],
)
def test_what_is_no_answer_is_named(raw, says):
    with pytest.raises(BrokenReplyError, match=says):
        wire.whole(raw)


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode))
def test_whatever_comes_is_an_answer_or_a_broken_reply(raw):
    with pytest.raises(BrokenReplyError):
        wire.whole(raw)


def piece(content: str | None, finish_reason: str | None = None, **more: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": content, **more}, "finish_reason": finish_reason}], "model": "m"}


def test_a_stream_is_put_together_and_thinking_is_left_out():
    said: list[str] = []
    heard = Heard(said.append)
    heard.take(piece(None))
    assert not heard.spoke
    heard.take(piece(None, reasoning_content="let me see"))
    assert heard.spoke
    for event in (piece("你"), piece("好"), piece(None, "stop"), {"choices": [], "usage": {"completion_tokens": 2}}):
        heard.take(event)
    assert said == ["你", "好"]
    assert heard.answer() == wire.Answer("你好", "stop", Usage(0, 2), "m", "let me see")


def test_a_stream_without_finish_reason_is_no_answer():
    heard = Heard(lambda _: None)
    with pytest.raises(BrokenReplyError, match="before the first word"):
        heard.answer()
    heard.take(piece("half"))
    with pytest.raises(BrokenReplyError, match="in the middle") as caught:
        heard.answer()
    assert caught.value.paid


@pytest.mark.parametrize("event", [None, "text", [], {"choices": [{}]}, {"choices": [{"delta": "x"}]}])
def test_a_piece_of_another_shape_is_named(event):
    with pytest.raises(BrokenReplyError, match="not part of a chat completion"):
        Heard(lambda _: None).take(event)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"error": {"message": "gone"}}, "gone"),
        ({"message": "gone", "code": 3}, "gone"),
        ({"detail": "gone"}, "gone"),
        ({"error": "gone"}, "gone"),
        ("gone\n", "gone"),
        ("<html><title>502</title>", "a web page"),
        ("<!doctype html>", "a web page"),
        ({"error": {"message": "<400> InternalError: too many"}}, "<400> InternalError: too many"),
        (None, ""),
        ({"detail": [{"msg": "too hot"}]}, "[{'msg': 'too hot'}]"),
    ],
)
def test_the_words_of_an_error_are_found(error, text):
    assert wire.error_text(error) == text
