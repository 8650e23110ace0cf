from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.probe.curve import DECILES, Curve, Point, counted, positions, weights_by_decile, wilson


@st.composite
def curves(draw):
    size = draw(st.integers(2, 300))
    indices = positions(size, draw(st.integers(2, min(size, 12))))
    asked = draw(st.lists(st.integers(0, 60), min_size=len(indices), max_size=len(indices)))
    return Curve(size, tuple(Point(index, n, draw(st.integers(0, n))) for index, n in zip(indices, asked, strict=True)))


def curve(*right, asked=20, size=None):
    indices = positions(size or len(right), len(right))
    return Curve(size or len(right), tuple(Point(index, asked, n) for index, n in zip(indices, right, strict=True)))


@pytest.mark.parametrize(
    ("size", "n", "expected"),
    [
        (10, 3, (0, 4, 9)),
        (20, 5, (0, 4, 9, 14, 19)),
        (30, 7, (0, 4, 9, 14, 19, 24, 29)),
        (75, 4, (0, 24, 49, 74)),
        (140, 5, (0, 34, 69, 104, 139)),
        (300, 7, (0, 49, 99, 149, 199, 249, 299)),
    ],
)
def test_positions_are_the_papers(size, n, expected):
    assert positions(size, n) == expected


@given(st.integers(2, 400), st.integers(2, 400))
def test_positions_are_different_ascending_and_reach_both_ends(size, n):
    if n > size:
        with pytest.raises(ValueError, match="positions"):
            positions(size, n)
        return
    found = positions(size, n)
    assert sorted(set(found)) == list(found)
    assert (found[0], found[-1], len(found)) == (0, size - 1, n)
    gaps = {right - left for left, right in pairwise(found)}
    assert max(gaps) - min(gaps) <= 1


def test_wilsons_interval_is_the_textbooks():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000), st.data())
def test_wilsons_bounds_are_the_shares_that_the_score_test_just_allows(asked, data):
    right = data.draw(st.integers(0, asked))
    low, high = wilson(right, asked)
    share = right / asked
    assert 0.0 <= low <= share <= high <= 1.0
    for bound in (low, high):
        if 0 < bound < 1:
            assert abs(share - bound) == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / asked), rel=1e-4)
    mirrored = wilson(asked - right, asked)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_answers_are_counted_by_position():
    found = counted(9, (0, 4, 8), [(0, True), (4, False), (0, False), (8, True)])
    assert found == Curve(9, (Point(0, 2, 1), Point(4, 1, 0), Point(8, 1, 1)))
    assert (found.asked, found.right) == (4, 2)
    assert [found.place(point) for point in found.points] == [0.0, 0.5, 1.0]


@given(curves())
def test_weights_are_ten_shares_of_one_and_none_is_zero(found):
    weights = weights_by_decile(found)
    assert len(weights) == DECILES
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) >= 0.02 - 1e-12


@given(curves())
def test_a_mirrored_curve_has_mirrored_weights(found):
    mirrored = Curve(
        found.size, tuple(Point(found.size - 1 - one.index, one.asked, one.right) for one in found.points[::-1])
    )
    assert weights_by_decile(mirrored) == pytest.approx(weights_by_decile(found)[::-1])


@given(st.integers(3, 12), st.integers(1, 50), st.data())
def test_a_flat_curve_has_equal_weights(n, asked, data):
    right = data.draw(st.integers(0, asked))
    assert weights_by_decile(curve(*[right] * n, asked=asked)) == pytest.approx([0.1] * 10)


@given(curves(), st.data())
def test_fewer_right_answers_somewhere_never_lower_the_weight_there(found, data):
    number = data.draw(st.integers(0, len(found.points) - 1))
    point = found.points[number]
    if not point.right:
        return
    worse = Curve(
        found.size,
        tuple(Point(one.index, one.asked, one.right - (one is point)) for one in found.points),
    )
    nearest = min(DECILES - 1, int(found.place(point) * DECILES))
    assert weights_by_decile(worse)[nearest] >= weights_by_decile(found)[nearest] - 1e-12


def test_the_middle_of_a_u_weighs_most_and_a_sure_end_still_something():
    weights = weights_by_decile(curve(1000, 400, 0, 400, 1000, asked=1000))
    assert weights[4] == pytest.approx(max(weights))
    assert weights == pytest.approx(weights[::-1])
    assert list(weights[:5]) == sorted(weights[:5])
    assert weights[0] > 0.02
    # Between a position's place and the next the line counts: decile 2 lies at 0.25, where 60 % were wrong.
    assert (weights[2] - 0.02) / (weights[4] - 0.02) == pytest.approx(0.575 / 0.92, abs=0.03)


def test_positions_without_an_answer_are_bridged():
    whole, gap = (
        curve(20, 10, 0, 10, 20),
        Curve(5, tuple(Point(i, 20 * (i != 1), (20, 0, 0, 10, 20)[i]) for i in range(5))),
    )
    assert weights_by_decile(gap) == pytest.approx(weights_by_decile(whole), abs=0.01)
    assert weights_by_decile(Curve(3, (Point(0, 0, 0), Point(1, 0, 0), Point(2, 0, 0)))) == (0.1,) * 10
