from __future__ import annotations

import pytest

from studio.alpaca.lengths import Length, estimate_tokens, kept_of, length_of, over_cutoff, packed_blocks
from studio.alpaca.rows import Preference, Pretrain, Sft


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("four", 1), ("fours", 2), ("潮汐水", 2), ("潮汐水车", 3), ("潮汐水 tide", 4)],
)
def test_estimate(text, tokens):
    assert estimate_tokens(text) == tokens


def test_length_counts_every_turn_and_the_longer_answer():
    talk = Sft(instruction="a", input="b", output="ccc", system="d", history=(("ee", "ffff"),))
    assert length_of(talk, len) == Length(3 + 1 + 2 + 20, 3 + 4)
    pair = Preference(instruction="a", chosen="b", rejected="cc")
    assert length_of(pair, len) == Length(11, 2)
    assert length_of(Pretrain(text="abc"), len) == Length(0, 3)


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        (Length(60, 30), Length(60, 30)),
        (Length(200, 30), Length(70, 30)),
        (Length(30, 200), Length(30, 70)),
        (Length(200, 200), Length(50, 50)),
        (Length(300, 100), Length(75, 25)),
    ],
)
def test_what_a_cutoff_of_100_keeps(length, kept):
    assert kept_of(length, 100) == kept


def test_over_cutoff_says_what_is_lost():
    row = Sft(instruction="a" * 50, output="b" * 200)
    assert over_cutoff(row, 260, len) is None
    assert over_cutoff(row, 259, len) is not None
    issue = over_cutoff(row, 200, len)
    assert (issue.code, issue.field) == ("over-cutoff", "output")
    assert issue.message == "260 tokens, the cutoff is 200: 60 of the answer would be cut off"
    asked = over_cutoff(Sft(instruction="潮" * 600, output="好。"), 100)
    assert asked.field == "instruction"
    assert asked.message == "about 412 tokens, the cutoff is 100: 312 of the prompt would be cut off"
    assert over_cutoff(Pretrain(text="a" * 9000), 100) is None


def test_pretrain_texts_fill_blocks():
    assert [packed_blocks(tokens, 2048) for tokens in (2047, 2048, 5000)] == [0, 1, 2]
