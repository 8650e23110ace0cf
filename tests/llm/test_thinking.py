from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.llm.thinking import Listener, Parts, attach, join, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The Loire.", Parts("", "The Loire.")),
        ("  spaces stay\n", Parts("", "  spaces stay\n")),
        ("<think>\nA river.\n</think>\n\nThe Loire.", Parts("A river.", "The Loire.")),
        ("\n <thinking>一条河。</thinking>卢瓦尔河。", Parts("一条河。", "卢瓦尔河。")),
        ("<think>\n\n</think>\n\nThe Loire.", Parts("", "The Loire.")),
        ("<think>one</think>\n<think>two</think>\nThe Loire.", Parts("one\n\ntwo", "The Loire.")),
        ("<think>cut by len", Parts("cut by len", "")),
        ("A river.\n</think>\n\nThe Loire.", Parts("A river.", "The Loire.", implied=True)),
        ("先想一想。</think>\n卢瓦尔河。", Parts("先想一想。", "卢瓦尔河。", implied=True)),
        ("A river.\n</think>", Parts("A river.", "", implied=True)),
        ("Write <think> and </think>\naround it.", Parts("", "Write <think> and </think>\naround it.")),
        ("The tag `</think>` ends a thought.", Parts("", "The tag `</think>` ends a thought.")),
        ("Here: <think>inside</think> it stays.", Parts("", "Here: <think>inside</think> it stays.")),
    ],
)
def test_thoughts_are_told_from_answers(text, parts):
    assert split(text) == parts


def test_thoughts_are_attached_as_reasoning_templates_have_them():
    assert attach("A river.", "The Loire.") == "<think>\nA river.\n</think>\n\nThe Loire."
    assert attach("", "The Loire.") == "The Loire."


@given(st.text(alphabet="ab 河\n").map(str.strip), st.text(alphabet="ab 河\n").map(str.strip))
def test_what_was_attached_comes_apart_again(thinking, answer):
    assert split(attach(thinking, answer)) == Parts(thinking, answer)


def test_empty_thoughts_leave_no_gap():
    assert join(["", " one ", "\n", "two"]) == "one\n\ntwo"


texts = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<thinking>", "</thinking>", "<", "</", "\n", " ", "word ", "河", "think>"]
    ),
    max_size=12,
).map("".join)


@given(texts, st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_a_stream_lets_through_the_answer_and_nothing_else(text, sizes, implied):
    whole = split(text)
    if whole.implied and not implied:
        return
    listener, heard, at, turn = Listener(implied=implied), "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        heard += listener.hear(text[at : at + size])
        at, turn = at + size, turn + 1
    assert heard + listener.flush(whole.answer) == whole.answer


def test_an_answer_is_heard_as_soon_as_it_cannot_be_a_thought():
    listener = Listener()
    assert [listener.hear(piece) for piece in ("<", "th", "ink>a", "</thi", "nk>", "\n\n", "The", " Loire")] == [
        "",
        "",
        "",
        "",
        "",
        "",
        "The",
        " Loire",
    ]
    plain = Listener()
    assert [plain.hear(piece) for piece in (" ", "The", " Loire")] == ["", " The", " Loire"]


def test_thoughts_that_were_expected_and_did_not_come_are_no_loss():
    listener = Listener(implied=True)
    said = "Write <think> and </think>\naround it."
    assert "".join(listener.hear(letter) for letter in said) + listener.flush(said) == said


def test_long_thoughts_do_not_pile_up():
    listener = Listener()
    for piece in ["<think>", *["and then " * 100] * 1000]:
        assert listener.hear(piece) == ""
    assert len(listener._held) < 50
