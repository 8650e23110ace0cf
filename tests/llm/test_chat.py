from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import ModelError, StudioError
from studio.llm.chat import Reply, Request, Usage

ASKED = Request("m", (("user", "写一首关于海的诗"),), temperature=0.7, stop=("\n",))


def test_a_key_is_32_hex_digits_and_the_same_for_equal_requests():
    again = Request("m", (("user", "写一首关于海的诗"),), temperature=0.7, stop=("\n",))
    assert ASKED.key() == again.key()
    assert len(ASKED.key()) == 32
    assert set(ASKED.key()) <= set(string.hexdigits.lower())


@pytest.mark.parametrize(
    "other",
    [
        Request("n", ASKED.messages, temperature=0.7, stop=("\n",)),
        Request("m", (("system", "写一首关于海的诗"),), temperature=0.7, stop=("\n",)),
        Request("m", (("user", "写一首关于海的歌"),), temperature=0.7, stop=("\n",)),
        Request("m", ASKED.messages, temperature=0.8, stop=("\n",)),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), top_p=0.9),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), max_tokens=5),
        Request("m", ASKED.messages, temperature=0.7),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), response_format={"type": "json_object"}),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), sample=1),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), presence_penalty=1.5),
        Request("m", ASKED.messages, temperature=0.7, stop=("\n",), frequency_penalty=1.5),
    ],
)
def test_every_field_is_part_of_the_key(other):
    assert other.key() != ASKED.key()


def test_the_key_is_pinned_so_that_old_ledgers_stay_readable():
    assert Request("m", (("user", "hi"),)).encode() == b'{"messages":[["user","hi"]],"model":"m"}'
    assert Request("m", (("user", "hi"),)).key() == "9154cf13eb8e54b135d43b5bf089abe1"


def test_whole_and_fractional_numbers_that_are_equal_have_one_key():
    assert Request("m", (), temperature=1).key() == Request("m", (), temperature=1.0).key()


def test_the_order_inside_response_format_does_not_matter():
    one = Request("m", (), response_format={"a": 1, "b": {"c": 2, "d": 3}})
    two = Request("m", (), response_format={"b": {"d": 3, "c": 2}, "a": 1})
    assert one.key() == two.key()


def test_a_lone_surrogate_is_a_clear_error():
    with pytest.raises(ModelError, match="not sent"):
        Request("m", (("user", "\ud800"),)).key()


@given(
    st.text(),
    st.sampled_from(["stop", "length"]),
    st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**9)),
    st.floats(0, 1e6),
    st.booleans(),
)
def test_a_reply_survives_the_ledger_except_for_replayed(text, finish_reason, usage, seconds, replayed):
    reply = Reply(text, finish_reason, usage, "m", seconds, replayed)
    assert Reply.decode(reply.encode()) == Reply(text, finish_reason, usage, "m", seconds, False)


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"text": 3}', b"\xff"])
def test_bytes_that_are_no_reply_are_a_clear_error(raw):
    with pytest.raises(StudioError, match="stored reply"):
        Reply.decode(raw)
