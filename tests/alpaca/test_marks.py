from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.marks import break_control_tokens, break_placeholders, control_tokens


@pytest.mark.parametrize(
    "token",
    ["<|im_start|>", "<|eot_id|>", "<|reserved_special_token_3|>", "<｜User｜>", "<s>", "</s>", "<pad>", "[/INST]",
     "<<SYS>>", "<</SYS>>", "<start_of_turn>", "[gMASK]"],
)  # fmt: skip
def test_token_is_found_and_broken(token):
    assert control_tokens(f"前{token}后{token}") == (token,)
    broken = break_control_tokens(f"前{token}后")
    assert control_tokens(broken) == ()
    assert broken.replace(" ", "") == f"前{token}后"


@pytest.mark.parametrize("text", ["a < b | c > d", "x[0]", "<b>bold</b>", "[INSTALL]", "<| not closed", "<|>|<|"])
def test_plain_text_is_left_alone(text):
    assert control_tokens(text) == ()
    assert break_control_tokens(text) == text


@given(st.text(st.sampled_from("<>|[]/ sSY｜INSTa")))
def test_breaking_leaves_none_and_only_adds_spaces(text):
    broken = break_control_tokens(text)
    assert control_tokens(broken) == ()
    assert broken.replace(" ", "") == text.replace(" ", "")


def test_placeholders_are_broken():
    assert break_placeholders("<image> and <video>, <audio>; <images>") == "< image> and < video>, < audio>; <images>"
