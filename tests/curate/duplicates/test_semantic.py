"""Semantic neighbours against the definition: every pair, compared in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates import semantic
from studio.curate.duplicates.semantic import blocks, has_direction, nearest, neighbours, unit
from studio.errors import UsageError

# Few directions over few numbers, so that equal vectors, equal cosines and cosines at a threshold come about.
NUMBERS = st.sampled_from([0, 0, 1, -1, 2, 3, 4, 0.1, 0.35, 1e-5, 1e6, -1e-9])
THRESHOLDS = st.one_of(
    st.sampled_from([0, 1, 0.5, 0.6, 0.8, 0.96, Fraction(7, 25), Fraction(24, 25)]),
    st.fractions(0, 1, max_denominator=40),
)


@st.composite
def sets(draw):
    width = draw(st.integers(1, 6))
    rows = draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width).filter(any), max_size=14))
    return unit(np.array(rows, np.float32).reshape(-1, width)) if rows else np.empty((0, width), np.float16)


def product(one, other):
    return sum((Fraction(float(x)) * Fraction(float(y)) for x, y in zip(one, other, strict=True)), Fraction())


def reaches(one, other, threshold):
    """The definition: x·y >= t·|x|·|y|, without a root and without rounding."""
    dot = product(one, other)
    return dot >= 0 and dot**2 >= Fraction(repr(threshold) if isinstance(threshold, float) else threshold) ** 2 * (
        product(one, one) * product(other, other)
    )


def all_pairs(vectors, threshold):
    return {pair for pair in combinations(range(len(vectors)), 2) if reaches(*vectors[list(pair)], threshold)}


def found(vectors, threshold, **sizes):
    scores = {}
    for left, right, score in neighbours(vectors, threshold, **sizes):
        assert list(zip(left, right, strict=True)) == sorted(zip(left, right, strict=True))
        for key, value in zip(zip(left.tolist(), right.tolist(), strict=True), score.tolist(), strict=True):
            assert key not in scores, "each pair once"
            scores[key] = value
    return scores


@given(sets(), THRESHOLDS, st.integers(1, 15), st.integers(1, 15))
def test_the_pairs_are_those_of_comparing_all_whatever_the_size_of_blocks(vectors, threshold, rows, columns):
    scores = found(vectors, threshold, rows=rows, columns=columns)
    assert scores.keys() == all_pairs(vectors, threshold)
    assert scores == found(vectors, threshold)
    for (left, right), score in scores.items():
        one, other = vectors[left], vectors[right]
        squared = product(one, other) ** 2 / (product(one, one) * product(other, other))
        assert score**2 == pytest.approx(float(squared), abs=1e-15)


@given(sets(), THRESHOLDS, st.integers(1, 15), st.integers(1, 15))
def test_there_is_an_answer_for_each_block(vectors, threshold, rows, columns):
    answers = list(neighbours(vectors, threshold, rows=rows, columns=columns))
    assert len(answers) == blocks(len(vectors), rows=rows, columns=columns)


def crowd(seed, count=700, width=96, centres=40):
    """Vectors about some centres: pairs at every distance, a few hundred of them within 0.00001 of any threshold."""
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal((centres, width))
    spread = rng.uniform(0.05, 1.2, (count, 1))
    return unit((middle[rng.integers(0, centres, count)] + spread * rng.standard_normal((count, width))).astype("f4"))


def exact_scores(vectors):
    """Every cosine from whole numbers: halves are multiples of 2^-24."""
    whole = (vectors.astype(np.float64) * 2**24).astype(np.int64)
    dots = whole @ whole.T
    squares = np.diag(dots)
    return dots.astype(np.float64) / np.sqrt(squares[:, None].astype(np.float64) * squares[None, :])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.3, 0.8, 0.95])
def test_many_vectors_about_the_threshold_are_decided_as_in_whole_numbers(seed, threshold):
    vectors = crowd(seed)
    scores = exact_scores(vectors)
    expected = {pair for pair in combinations(range(len(vectors)), 2) if scores[pair] >= threshold}
    near = sum(abs(scores[pair] - threshold) < 1e-3 for pair in combinations(range(len(vectors)), 2))
    assert near > 5, "the test has pairs that a sloppier search would get wrong"
    for rows, columns in ((2048, 1024), (64, 100), (700, 1), (1, 700)):
        answer = found(vectors, threshold, rows=rows, columns=columns)
        assert answer.keys() == expected
        assert {pair: scores[pair] for pair in expected} == pytest.approx(answer, abs=1e-15)


def test_scores_are_the_same_to_the_last_bit_pair_by_pair_and_block_by_block(monkeypatch):
    vectors = crowd(5)
    by_pair = found(vectors, 0.5)
    monkeypatch.setattr(semantic, "_DENSE", 10**9)
    by_block = found(vectors, 0.5)
    assert by_pair == by_block
    monkeypatch.setattr(semantic, "_CHUNK", 7)
    monkeypatch.setattr(semantic, "_DENSE", 0)
    assert found(vectors, 0.5) == by_pair


@pytest.mark.parametrize("width", [3, 384, 4096])
def test_the_slack_is_more_than_single_precision_loses(width):
    flat = unit(np.ones((64, width), np.float32) + np.arange(64, dtype=np.float32)[:, None] / 1e4)
    vectors = np.concatenate([flat, crowd(6, count=300, width=width)])
    singles, doubles = vectors.astype(np.float32), vectors.astype(np.float64)
    assert 0 < np.abs(singles @ singles.T - doubles @ doubles.T).max() < semantic._slack(width)


def test_exactly_the_threshold_counts_and_equal_vectors_are_one():
    vectors = unit(np.array([[1, 0], [0, 1], [1, 1], [-1, 0], [1, 0]], np.float32))
    assert found(vectors, 1.0) == {(0, 4): 1.0}
    assert found(vectors, 0) == {(0, 1): 0, (0, 2): pytest.approx(0.5**0.5), (0, 4): 1} | {
        (1, 2): pytest.approx(0.5**0.5),
        (1, 3): 0,
        (1, 4): 0,
        (2, 4): pytest.approx(0.5**0.5),
    }
    third = unit(np.array([[1, 1, 0], [1, 0, 1]], np.float32))
    assert found(third, 0.5) == {(0, 1): 0.5}
    assert found(third, 0.5000000000000001) == {}


def test_many_equal_vectors_are_each_others_neighbours():
    vectors = np.repeat(crowd(2, count=1), 300, axis=0)
    scores = found(vectors, 1.0, rows=128, columns=64)
    assert len(scores) == 300 * 299 // 2
    assert set(scores.values()) == {1.0}


@given(sets(), THRESHOLDS, st.integers(1, 5))
def test_the_nearest_of_one_are_the_best_of_comparing_with_all(vectors, threshold, most):
    if not len(vectors):
        return
    one, others = vectors[0], vectors[1:]
    expected = {place for place in range(len(others)) if reaches(one, others[place], threshold)}
    told = nearest(others, one, threshold, most=len(others) + 1)
    assert {place for place, _ in told} == expected
    pairs = found(vectors, threshold)
    assert all(score == pairs[0, place + 1] for place, score in told)
    assert told == sorted(told, key=lambda one: (-one[1], one[0]))
    assert nearest(others, one, threshold, most) == told[:most]


def test_the_nearest_among_many():
    vectors = crowd(3, count=1500)
    scores = exact_scores(vectors)[7]
    best = sorted(range(1500), key=lambda place: (-scores[place], place))[:10]
    assert [place for place, _ in nearest(vectors, vectors[7], 0.2)] == best
    assert best[0] == 7


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_vectors_become_of_length_one_whatever_their_scale(scale):
    rng = np.random.default_rng(4)
    vectors = unit((rng.standard_normal((50, 300)) * scale).astype(np.float32))
    assert vectors.dtype == np.float16
    assert np.abs(np.linalg.norm(vectors.astype(np.float64), axis=1) - 1).max() < 1e-3


def test_rows_without_a_direction_are_told_and_refused():
    rows = np.array([[1, 0], [0, 0], [np.nan, 1], [np.inf, 0]], np.float32)
    assert has_direction(rows).tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="direction"):
        unit(rows)


@pytest.mark.parametrize(
    "vectors",
    [np.ones((2, 3), np.float16), np.zeros((2, 3), np.float16), np.eye(3, dtype=np.float32), np.ones(3, "f2")],
)
def test_what_are_no_unit_vectors_in_halves_is_refused(vectors):
    with pytest.raises(ValueError, match="the vectors are not"):
        list(neighbours(vectors, 0.5))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 85])
def test_a_threshold_is_a_cosine_from_nought_to_one(threshold):
    vectors = unit(np.eye(3, dtype=np.float32))
    for search in (lambda: list(neighbours(vectors, threshold)), lambda: nearest(vectors, vectors[0], threshold)):
        with pytest.raises(UsageError, match="between 0 and 1"):
            search()


@given(st.integers(0, 0x7BFF), st.booleans())
def test_every_half_is_widened_as_it_is(bits, negative):
    half = np.array([[bits | (negative << 15)]], np.uint16).view(np.float16)
    wide = semantic._widened(half)
    assert wide.tobytes() == half.astype(np.float32).tobytes()
