from __future__ import annotations

import pytest

from studio.alpaca.census import EDGES, Census, trained_tokens
from studio.alpaca.lengths import length_of
from studio.alpaca.rows import Kto, Preference, Pretrain, Sft


def words(text):
    """A tokenizer of words."""
    return len(text.split())


def trained(row, cutoff=1000):
    return trained_tokens(row, length_of(row, words), cutoff, words)


def test_what_the_loss_is_taken_on():
    past = (("one two", "three four five"),)
    assert trained(Pretrain("a b c")) == 3
    assert trained(Sft("q w e", "", "a b", "s", past)) == 2 + 3
    assert trained(Preference("q", "", "a b c", "d", history=past)) == 3 + 1
    assert trained(Kto(instruction="q", output="a b", history=past, kto_tag=True)) == 2


def test_what_is_cut_off_is_not_trained_on():
    row = Sft("q", "", "a " * 500)
    assert trained(row, cutoff=100) == 100 - length_of(row, words).source
    assert trained(Pretrain("a " * 500), cutoff=100) == 500, "texts are packed, not cut"


def census(type_, rows, cutoff=64):
    counted = Census(type_, cutoff, words)
    for row in rows:
        counted.see(row, status="accepted")
    return counted.facts()


def test_bars_run_without_gaps_from_the_shortest_row_to_the_longest_or_the_cutoff():
    facts = census("sft", [Sft("q", "", "a " * n) for n in (10, 10, 400)])
    assert [below for _, below, _ in facts.lengths[:-1]] == [start for start, _, _ in facts.lengths[1:]]
    assert sum(rows for _, _, rows in facts.lengths) == facts.rows == 3
    assert (facts.lengths[0][2], facts.lengths[-1][2]) == (2, 1)
    short = census("sft", [Sft("q", "", "a")], cutoff=2048)
    assert short.lengths[-1][1] == 2048, "the bar that ends at the cutoff"
    assert census("pretrain", [Pretrain("a")], cutoff=2048).lengths == [(0, 16, 1)]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 23, 10**9])
def test_every_length_has_a_bar(length):
    counted = Census("pretrain", 64, lambda text: length)
    counted.see(Pretrain("x"))
    assert len(EDGES) == len(set(EDGES))
    assert sum(rows for _, _, rows in counted.facts().lengths) == 1


def test_labels_and_languages():
    facts = census("sft", [Sft("潮水何时退去？"), Sft("When?"), Sft("用 Python 写排序")])
    assert facts.by == {"language": {"zh": 2, "en": 1}, "status": {"accepted": 3}}


def test_no_rows():
    assert census("sft", []).lengths == []
