from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.probe.curve import Curve, Point
from studio.methods.probe.drawing import axis, outline, rows, track
from studio.methods.probe.verdict import judge


def curve(*right, asked=20):
    return Curve(len(right), tuple(Point(index, asked, n) for index, n in enumerate(right)))


def test_a_bar_ends_in_its_interval_with_the_share_in_it():
    assert track(Point(0, 20, 10), 41) == "████████████├───────●───────┤            "
    assert track(Point(0, 20, 0), 21) == "●──┤                 "
    assert track(Point(0, 20, 20), 21) == "█████████████████├──●"
    assert track(Point(0, 0, 0), 5) == "     "


@given(st.integers(0, 500), st.data(), st.integers(1, 120))
def test_every_bar_has_its_width_one_dot_and_its_parts_in_order(asked, data, width):
    right = data.draw(st.integers(0, asked))
    drawn = track(Point(0, asked, right), width)
    assert len(drawn) == width
    if asked:
        assert drawn.count("●") == 1
        assert drawn.index("●") == round(right / asked * (width - 1))
        assert drawn.rstrip() == drawn.lstrip()[: len(drawn.rstrip())]
        parts = [part for part in "█├─●┤" if part in drawn]
        assert all(drawn.rindex("█") < drawn.index(part) for part in parts if part != "█" and "█" in drawn)


@given(st.integers(6, 120))
def test_the_axis_has_its_width_and_its_middle_in_the_middle(width):
    drawn = axis(width)
    assert len(drawn) == width
    assert drawn.startswith("0%")
    assert drawn.endswith("100%")
    if "50%" in drawn:
        assert abs(drawn.index("50%") + 1 - (width - 1) / 2) <= 0.5


def test_rows_line_up_and_mark_what_is_surely_weak():
    found = Curve(100, tuple(Point(index, 200, right) for index, right in ((0, 190), (49, 9), (99, 200))))
    drawn = rows(found, judge(found), 30)
    assert [row.label for row in drawn] == ["  1", " 50", "100"]
    assert [row.share for row in drawn] == [" 95%", "  4%", "100%"]
    assert [row.counts for row in drawn] == ["190/200", "  9/200", "200/200"]
    assert [row.weak for row in drawn] == [False, True, False]
    unsure = curve(10, 9, 10)
    assert not any(row.weak for row in rows(unsure, judge(unsure), 30))


@pytest.mark.parametrize(
    ("found", "drawn"),
    [
        (curve(20, 10, 0, 10, 20), "██▄▄▁▁▄▄██"),
        (Curve(3, (Point(0, 4, 4), Point(1, 0, 0), Point(2, 4, 1))), "██  ▂▂"),
    ],
)
def test_the_outline_of_a_u_is_one(found, drawn):
    assert outline(found) == drawn
