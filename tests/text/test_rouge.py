from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.text.rouge import Vocabulary, common, exact, exceeds, rouge_l
from studio.text.tokens import tokenize

SEVEN_TENTHS = Fraction(7, 10)
FEW_WORDS = st.lists(st.sampled_from(["a", "b", "c", "字", "词"]), max_size=12)


def plain_lcs(left, right):
    """The textbook table, row by row."""
    above = [0] * (len(right) + 1)
    for token in left:
        row = [0]
        for column, other in enumerate(right):
            row.append(above[column] + 1 if token == other else max(row[-1], above[column + 1]))
        above = row
    return above[-1]


def test_identical_chinese_sentences_score_one():
    tokens = tokenize("今天的作业是写一首关于秋天的诗。")
    assert rouge_l(tokens, tokens) == 1.0


def test_a_shared_latin_word_does_not_make_chinese_sentences_equal():
    left, right = tokenize("用 Python 写一个快速排序"), tokenize("用 Python 画一只猫")
    assert (len(left), len(right), common(left, right)) == (9, 6, 3)
    assert rouge_l(left, right) == pytest.approx(0.4)


def test_exactly_the_threshold_does_not_exceed_it():
    ten = list("abcdefghij")
    seven_shared = list("abcdefgxyz")
    assert rouge_l(ten, seven_shared) == pytest.approx(0.7)
    assert not exceeds(ten, seven_shared, SEVEN_TENTHS)
    assert exceeds(ten, seven_shared, Fraction(69, 100))
    assert exceeds(ten, list("abcdefghyz"), SEVEN_TENTHS)


def test_a_written_threshold_is_the_decimal_it_shows():
    assert exact(0.7) == SEVEN_TENTHS
    assert exact(SEVEN_TENTHS) is SEVEN_TENTHS


def test_nothing_is_like_an_empty_text():
    assert rouge_l([], []) == 0.0
    assert not exceeds([], [], Fraction(0))


@given(FEW_WORDS, FEW_WORDS)
def test_the_longest_common_subsequence_is_the_textbook_one(left, right):
    assert common(left, right) == plain_lcs(left, right)


@given(FEW_WORDS, FEW_WORDS, st.fractions(0, 1, max_denominator=20))
def test_exceeds_is_the_exact_comparison(left, right, threshold):
    score = Fraction(2 * plain_lcs(left, right), len(left) + len(right)) if left and right else Fraction(-1)
    assert exceeds(left, right, threshold) == (score > threshold)


def test_codes_stay_the_same_and_avoid_the_surrogates():
    codes = Vocabulary()
    words = [str(number) for number in range(0xD7FE, 0xE003)]
    codes.encode(str(number) for number in range(0xE010))
    encoded = codes.encode(words)
    assert encoded == codes.encode(words)
    assert len(set(encoded)) == len(words)
    encoded.encode("utf-8")


def test_a_full_vocabulary_says_so():
    codes = Vocabulary(capacity=2)
    codes.encode(["a", "b", "a"])
    with pytest.raises(OverflowError):
        codes.encode(["c"])
    assert len(codes.encode(["b", "a"])) == len(codes) == 2
