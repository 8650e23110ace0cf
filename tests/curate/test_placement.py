from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.placement import STRATEGIES, decile, histogram, imbalance, place, ranks
from studio.curate.segments import Segments


def segments(count):
    return Segments(
        "",
        tuple(f"[{n}] " for n in range(count)),
        tuple(map(str, range(count))),
        ("\n",) * (count - 1),
        "",
        tuple(range(count)),
    )


@pytest.mark.parametrize(
    ("strategy", "rank", "bodies"),
    [("head", 0, "20134"), ("middle", 0, "01234"), ("tail", 0, "01342"), ("edges", 0, "20134"), ("edges", 1, "01342")],
)
def test_the_gold_segment_goes_where_it_should_and_the_others_keep_their_order(strategy, rank, bodies):
    assert "".join(place(segments(5), 2, strategy, rank, seed=1).bodies) == bodies


def test_the_middle_of_an_even_number_is_the_later_one():
    assert place(segments(4), 0, "middle", 0, seed=1).order == (1, 2, 0, 3)


def test_balanced_places_are_exactly_uniform_over_whole_rotations():
    after = [place(segments(5), 3, "balanced", rank, seed=11).order.index(3) for rank in range(5)]
    assert sorted(after) == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(2, 7), max_size=60), st.integers())
def test_balanced_places_are_even_within_one_for_each_number_of_segments(counts, seed):
    placed = zip(counts, ranks(counts, "balanced"), strict=True)
    golds = Counter((n, place(segments(n), 0, "balanced", rank, seed).order.index(0)) for n, rank in placed)
    for n in set(counts):
        rows = [golds[n, index] for index in range(n)]
        assert max(rows) - min(rows) <= 1


def test_the_seed_chooses_where_the_rotation_starts():
    starts = {place(segments(6), 0, "balanced", 0, seed).order.index(0) for seed in range(40)}
    assert starts == set(range(6))


def test_ranks_count_rows_of_equal_length_only_when_balanced():
    assert ranks([3, 5, 3, 3, 5], "balanced") == [0, 0, 1, 2, 1]
    assert ranks([3, 5, 3], "edges") == [0, 1, 2]


def test_shuffle_reaches_every_order_about_equally_often_and_needs_no_gold():
    orders = Counter(place(segments(3), None, "shuffle", rank, seed=5).order for rank in range(600))
    assert len(orders) == 6
    assert all(60 <= rows <= 140 for rows in orders.values())


@given(st.integers(2, 9), st.sampled_from(STRATEGIES), st.integers(0, 50), st.integers())
def test_placing_repeats_and_moves_bodies_only(count, strategy, rank, seed):
    before = segments(count)
    after = place(before, count - 1, strategy, rank, seed)
    assert after == place(before, count - 1, strategy, rank, seed)
    assert after.labels == before.labels
    assert sorted(after.order) == list(range(count))
    if strategy != "shuffle":
        assert [body for body in after.order if body != count - 1] == list(range(count - 1))


@pytest.mark.parametrize("strategy", [strategy for strategy in STRATEGIES if strategy != "shuffle"])
def test_only_a_shuffle_goes_without_gold(strategy):
    with pytest.raises(ValueError, match="needs a gold segment"):
        place(segments(3), None, strategy, 0, seed=1)


def test_histogram_by_tenths():
    assert [decile(index, 20) for index in (0, 4, 9, 14, 19)] == [0, 2, 4, 7, 9]
    assert histogram([(0, 5), (2, 5), (4, 5), (4, 5), (0, 3), (1, 2)]) == [2, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert histogram([]) == [0] * 10


def test_all_at_the_head_is_uneven():
    verdict = imbalance([(0, 5)] * 10)
    assert verdict.chi_square == pytest.approx(40)
    assert verdict.degrees == 4
    assert verdict.uneven


@pytest.mark.parametrize(
    "positions",
    [[], [(0, 5)], [(index, 3) for index in range(3)] * 50, [(index % 7, 7) for index in range(30)], [(0, 1)] * 9],
)
def test_even_positions_and_too_few_rows_are_not_uneven(positions):
    assert not imbalance(positions).uneven
