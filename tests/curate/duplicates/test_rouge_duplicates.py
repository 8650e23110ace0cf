from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates import rouge_l as duplicates
from studio.curate.duplicates.rouge_l import Pair, find_duplicates
from studio.errors import StudioError, UsageError
from studio.text.rouge import Vocabulary, common
from studio.text.tokens import normalise, tokenize

WORDS = st.sampled_from(["red", "blue", "cat", "of", "of", "the", "the", "写", "一", "首", "诗", "?", "..."])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
SETS = st.lists(TEXTS, max_size=14)
THRESHOLDS = st.one_of(st.just(Fraction(7, 10)), st.fractions(0, 1, max_denominator=12))


def pairs(rows, threshold=0.7):
    return [pair for pair in find_duplicates(rows, threshold) if pair]


def brute_force(texts, threshold):
    """Compare each text with every kept one, in exact fractions."""
    kept, found = [], []
    for row, text in enumerate(texts):
        tokens = tokenize(text)
        best = None
        for other in kept:
            others = tokenize(texts[other])
            if tokens and others:
                score = Fraction(2 * common(tokens, others), len(tokens) + len(others))
                matches = score > threshold or tokens == others
            else:
                score = Fraction(1)
                matches = not tokens and not others and normalise(text) == normalise(texts[other])
            if matches and (best is None or score > best[0]):
                best = (score, other)
        if best:
            found.append((best[1], row, best[0]))
        else:
            kept.append(row)
    return found


@given(SETS, THRESHOLDS)
def test_the_pairs_are_those_of_comparing_all(texts, threshold):
    expected = [Pair(left, right, pytest.approx(float(score))) for left, right, score in brute_force(texts, threshold)]
    assert pairs(enumerate(texts), threshold) == expected


def edited(rng, words):
    """The words with some of them replaced, dropped or moved: sometimes a near-duplicate, sometimes just not."""
    words = list(words)
    for _ in range(rng.randrange(len(words) // 2)):
        words[rng.randrange(len(words))] = rng.choice("甲乙丙丁戊己庚辛壬癸")
    cut = rng.randrange(len(words) // 3)
    return words[cut:] + words[: cut // 2]


@pytest.mark.parametrize("seed", range(4))
def test_long_texts_are_decided_as_by_comparing_all(seed):
    rng = random.Random(seed)
    bases = [[rng.choice("春夏秋冬山水风云雨雪花草树木鸟兽") for _ in range(rng.randrange(80, 300))] for _ in range(4)]
    texts = ["".join(edited(rng, rng.choice(bases))) for _ in range(40)]
    expected = [(left, right) for left, right, _ in brute_force(texts, Fraction(7, 10))]
    assert [(pair.left, pair.right) for pair in pairs(enumerate(texts))] == expected
    assert 3 < len(expected) < 37


def test_near_duplicates_in_both_languages():
    rows = [
        (1, "Write a short poem about the sea in autumn."),
        (2, "写一首关于秋天大海的短诗。"),
        (3, "Write a short poem about the sea in winter."),
        (4, "写一首关于冬天大海的短诗！"),
        (5, "Explain how a bill becomes law."),
    ]
    assert pairs(rows) == [Pair(1, 3, pytest.approx(8 / 9)), Pair(2, 4, pytest.approx(11 / 12))]


def test_exactly_the_threshold_is_kept():
    rows = [(1, "a b c d e f g h i j"), (2, "a b c d e f g x y z")]
    assert pairs(rows, 0.7) == []
    assert pairs(rows, 0.69) == [Pair(1, 2, pytest.approx(0.7))]


def test_a_row_like_a_dropped_one_only_is_kept():
    rows = [(1, "a b c d e f"), (2, "a b c d e x"), (3, "a b c y e x")]
    assert [(pair.left, pair.right) for pair in pairs(rows, 0.7)] == [(1, 2)]


def test_texts_without_tokens_match_only_when_they_are_equal():
    rows = [(1, "?!"), (2, "..."), (3, " ?! "), (4, ""), (5, " ")]
    assert [(pair.left, pair.right) for pair in pairs(rows)] == [(1, 3), (4, 5)]


def test_at_threshold_one_the_same_tokens_still_match():
    rows = [(1, "Sort a list"), (2, "sort a list!"), (3, "sort this list")]
    assert pairs(rows, 1.0) == [Pair(1, 2, 1.0)]


def test_each_row_has_an_answer():
    rows = [(3, "name a river"), (5, "Name a river."), (8, "写一首诗")]
    assert list(find_duplicates(rows)) == [None, Pair(3, 5, 1.0), None]


def test_more_different_tokens_than_characters_is_an_error_people_can_read(monkeypatch):
    monkeypatch.setattr(duplicates, "Vocabulary", lambda: Vocabulary(capacity=3))
    with pytest.raises(StudioError, match="more than 3 different tokens"):
        list(find_duplicates([(1, "one two three four")]))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 70.0])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(UsageError, match="between 0 and 1"):
        list(find_duplicates([(1, "a")], threshold))
