from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.probe.curve import Curve, Point, positions
from studio.methods.probe.verdict import THIRDS, fisher, judge, percent, probability, third_of


def curve(*right, asked=20):
    size = len(right)
    return Curve(size, tuple(Point(index, asked, n) for index, n in enumerate(right)))


def exactly(a, n, b, m):
    """Fisher's two-sided p-value in whole numbers."""
    ways = {one: comb(n, one) * comb(m, a + b - one) for one in range(max(0, a + b - m), min(n, a + b) + 1)}
    return Fraction(sum(way for way in ways.values() if way <= ways[a]), comb(n + m, a + b))


def test_fisher_tastes_tea():
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_fishers_p_is_the_one_counted_in_whole_numbers(n, m, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assert fisher(a, n, b, m) == pytest.approx(float(exactly(a, n, b, m)), rel=1e-6)
    assert fisher(a, n, b, m) == pytest.approx(fisher(b, m, a, n), rel=1e-6)
    assert fisher(a, n, b, m) == pytest.approx(fisher(n - a, n, m - b, m), rel=1e-6)


@pytest.mark.parametrize(
    ("size", "n", "thirds"),
    [
        (5, 5, "hhmtt"),
        (3, 3, "hmt"),
        (25, 5, "hhmtt"),
        (10, 3, "hmt"),
        (75, 9, "hhhmmmttt"),
        (30, 7, "hhmmmtt"),
        (10, 5, "hhmtt"),
    ],
)
def test_positions_lie_in_thirds(size, n, thirds):
    found = Curve(size, tuple(Point(index, 1, 0) for index in positions(size, n)))
    assert "".join(third_of(found, point)[0] for point in found.points) == thirds


def test_a_u_is_called_one():
    found = judge(curve(19, 14, 5, 13, 20))
    assert (found.shape, found.weakest, found.sure) == ("u", ("middle",), True)
    assert found.words.startswith("A U-shape: head 82%, middle 25%, tail 82%. The middle is weakest, and not by chance")
    assert "5 of 20 right there, 66 of 80 elsewhere" in found.words
    assert found.p == pytest.approx(3 * float(exactly(5, 20, 66, 80)), rel=1e-6)


@pytest.mark.parametrize(
    ("right", "weakest"),
    [
        ((1, 2, 15, 16, 17), ("head",)),
        ((18, 17, 15, 2, 1), ("tail",)),
        ((18, 18, 2, 2, 2), ("middle", "tail")),
        ((2, 2, 2, 18, 18), ("head", "middle")),
        # The middle is weakest of all, but hardly weaker than the tail.
        ((18, 18, 2, 3, 3), ("middle",)),
    ],
)
def test_what_falls_off_to_one_side_is_no_u(right, weakest):
    found = judge(curve(*right))
    assert (found.shape, found.weakest, found.sure) == ("uneven", weakest, True)
    assert found.words.startswith("No sure U-shape: head ")
    assert "not by chance" in found.words


def test_an_arch_names_both_ends():
    found = judge(curve(3, 3, 19, 3, 3))
    assert (found.shape, found.weakest) == ("uneven", ("head", "tail"))
    assert "The head and the tail are weakest" in found.words


def test_a_head_that_alone_is_read_is_no_chance():
    # No third is surely weaker than the two others together, but the head is surely better.
    found = judge(curve(9, 1, 0, 0, 3))
    assert (found.shape, found.weakest, found.sure) == ("uneven", ("middle", "tail"), True)
    assert found.p == pytest.approx(3 * float(exactly(10, 40, 3, 60)), rel=1e-6)
    assert "The middle and the tail are weakest" in found.words
    assert "3 of 60 right there, 10 of 40 elsewhere" in found.words


def test_a_small_difference_may_be_chance():
    found = judge(curve(12, 11, 9, 12, 11))
    assert (found.shape, found.weakest, found.sure) == ("flat", ("middle",), False)
    assert "Chance alone may do this (p = 0.99)" in found.words


def test_the_same_shares_are_sure_with_more_questions():
    few, many = judge(curve(3, 3, 2, 3, 3, asked=4)), judge(curve(300, 300, 200, 300, 300, asked=400))
    assert (few.shape, many.shape) == ("flat", "u")


@pytest.mark.parametrize(
    ("found", "shape", "says"),
    [
        (curve(0, 0, 0), "none", "None of 60"),
        (curve(20, 20, 20), "all", "All 60"),
        (curve(7, 7, 7), "flat", "equally often"),
        (Curve(3, (Point(0, 9, 3), Point(1, 0, 0), Point(2, 9, 3))), "unknown", "Too little"),
        (curve(0, 0, 0, asked=0), "unknown", "Too little"),
    ],
)
def test_what_says_nothing_about_positions_says_so(found, shape, says):
    verdict = judge(found)
    assert (verdict.shape, verdict.weakest, verdict.sure) == (shape, (), False)
    assert says in verdict.words


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=3, max_size=9))
def test_the_verdict_is_the_mirrored_one_of_a_mirrored_curve(counts):
    points = [(asked, min(asked, right)) for asked, right in counts]
    there = Curve(len(points), tuple(Point(index, *one) for index, one in enumerate(points)))
    back = Curve(len(points), tuple(Point(index, *one) for index, one in enumerate(points[::-1])))
    one, other = judge(there), judge(back)
    swapped = {"head": "tail", "tail": "head", "middle": "middle"}
    assert one.shape == other.shape
    assert one.p == pytest.approx(other.p)
    assert set(one.weakest) == {swapped[name] for name in other.weakest}
    assert list(one.weakest) == [name for name in THIRDS if name in one.weakest]


def test_figures_are_rounded_for_people_but_nothing_becomes_all():
    assert [percent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0%", "<1%", "50%", ">99%", "100%"]
    assert [probability(p) for p in (0.0001, 0.0123, 0.049, 0.5)] == ["p < 0.001", "p = 0.012", "p = 0.049", "p = 0.50"]
