from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.checks import checker
from studio.alpaca.checks.length import cutoff_rule, too_few_tokens
from studio.alpaca.lengths import (
    Length,
    beginning,
    estimate_tokens,
    kept_of,
    length_of,
    packed_blocks,
)
from studio.alpaca.rows import Preference, Pretrain, Sft
from tests.support.row_strategies import rows


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


def over_cutoff(row, cutoff, count=estimate_tokens):
    return checker([cutoff_rule(cutoff, count)])(row)


def test_over_cutoff_says_what_is_lost():
    row = Sft(instruction="a" * 50, output="b" * 200)
    assert over_cutoff(row, 260, len) == []
    assert over_cutoff(row, 259, len) != []
    [issue] = over_cutoff(row, 200, len)
    assert (issue.code, issue.field) == ("over-cutoff", "output")
    assert issue.message == "260 tokens, the cutoff is 200: 60 of the answer would be cut off"
    [asked] = over_cutoff(Sft(instruction="潮" * 6000, output="好。"), 100)
    assert asked.field == "instruction"
    assert asked.message == "about 4,012 tokens, the cutoff is 100: 3,912 of the prompt would be cut off"
    assert over_cutoff(Pretrain(text="a" * 9000), 100) == []


@given(
    rows.filter(lambda row: not isinstance(row, Pretrain)), st.integers(1, 120), st.sampled_from([estimate_tokens, len])
)
def test_the_quick_look_at_a_length_never_misses(row, cutoff, count):
    assert bool(over_cutoff(row, cutoff, count)) == (length_of(row, count).total > cutoff)


def test_pretrain_texts_fill_blocks():
    assert [packed_blocks(tokens, 2048) for tokens in (2047, 2048, 5000)] == [0, 1, 2]


def test_too_little_text_is_an_issue_of_the_whole_set():
    texts = [Pretrain(text="x" * 40)] * 3
    issue = too_few_tokens(texts, 124, len)
    assert (issue.code, issue.severity) == ("too-few-tokens", "error")
    assert issue.message.startswith("123 tokens in all, less than one sample of 124")
    assert too_few_tokens(texts, 123, len) is None
    assert too_few_tokens(texts, 100).message.startswith("about 33 tokens")
    assert too_few_tokens([], 100) is None


def test_texts_are_read_only_until_there_are_enough():
    assert too_few_tokens(itertools.repeat(Pretrain(text="潮汐")), 1000) is None


@given(st.text(st.sampled_from("ab 港口é\U0001f6a2"), max_size=60), st.integers(0, 50))
def test_a_beginning_is_the_longest_within_the_tokens(text, tokens):
    found = beginning(text, tokens)
    assert text.startswith(found)
    assert estimate_tokens(found) <= tokens
    assert found == text or estimate_tokens(text[: len(found) + 1]) > tokens
