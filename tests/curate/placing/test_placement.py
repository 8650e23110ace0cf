from __future__ import annotations

from collections import Counter
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.placing.deciles import histogram, places_by_decile
from studio.curate.placing.placement import (
    MEANINGS,
    NEEDS_GOLD,
    STRATEGIES,
    VARIED,
    arranged,
    rotated,
    shuffled,
    shuffles,
    targets,
    turns,
    varied,
)

positions = st.lists(
    st.integers(2, 12).flatmap(lambda count: st.tuples(st.integers(0, count - 1), st.just(count))), max_size=60
)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("head", [0, 0, 0]), ("middle", [2, 2, 1]), ("tail", [4, 3, 2]), ("edges", [0, 3, 0])],
)
def test_where_gold_goes(strategy, expected):
    assert targets([(1, 5), (0, 4), (2, 3)], strategy, seed=1) == expected


def test_the_others_keep_their_order():
    assert arranged(5, 2, 0) == (2, 0, 1, 3, 4)
    assert arranged(5, 2, 4) == (0, 1, 3, 4, 2)
    assert arranged(5, 2, 2) == (0, 1, 2, 3, 4)


@given(positions, st.integers())
def test_balanced_is_even_within_one_for_each_number_of_segments_alone(found, seed):
    for count in {count for _, count in found}:
        alone = [position for position in found if position[1] == count]
        placed = histogram(zip(targets(alone, "balanced", seed), [count] * len(alone), strict=True))
        tenths = [placed[tenth] for tenth in places_by_decile(count)]
        assert max(tenths) - min(tenths) <= 1


@given(positions, st.sampled_from(sorted(NEEDS_GOLD)), st.integers())
def test_targets_are_places_and_repeat(found, strategy, seed):
    wanted = targets(found, strategy, seed)
    assert wanted == targets(found, strategy, seed)
    assert all(0 <= target < count for target, (_, count) in zip(wanted, found, strict=True))


def test_balanced_depends_on_nothing_else_that_alternates():
    """Were places dealt in the order of rows, every second row would always stand at the head."""
    wanted = targets([(0, 2)] * 200, "balanced", seed=5)
    assert 30 <= sum(target == 0 for target in wanted[::2]) <= 70
    assert wanted.count(0) == 100


def test_the_seed_chooses_who_goes_where():
    assert len({tuple(targets([(0, 5)] * 20, "balanced", seed)) for seed in range(10)}) == 10


def test_inverse_goes_by_the_weights_and_without_them_is_balanced():
    rows = [(0, 10)] * 100
    wanted = histogram((place, 10) for place in targets(rows, "inverse", 1, [0, 0, 1, 2, 4, 4, 2, 1, 0, 0]))
    assert wanted == [0, 0, 7, 14, 29, 29, 14, 7, 0, 0]
    assert targets(rows, "inverse", 1) == targets(rows, "balanced", 1)
    huge = [1e308 * weight for weight in (0, 0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0, 0)]
    assert targets(rows, "inverse", 1, huge) == targets(rows, "inverse", 1, [0, 0, 1, 2, 4, 4, 2, 1, 0, 0])


def test_what_stands_counts_for_the_others():
    wanted = targets([(0, 5)] * 40, "balanced", 1, standing=[(0, 5)] * 10)
    assert Counter(wanted) == {1: 10, 2: 10, 3: 10, 4: 10}


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - NEEDS_GOLD))
def test_a_strategy_without_gold_has_no_targets(strategy):
    with pytest.raises(ValueError, match="moves no gold segment"):
        targets([(0, 3)], strategy, 1)


def test_every_strategy_has_a_meaning():
    assert set(MEANINGS) == set(STRATEGIES)


# -- shuffles and turns ----------------------------------------------------------------------------


def test_shuffle_reaches_every_order_about_equally_often():
    orders = Counter(shuffled(3, 5, row) for row in range(600))
    assert len(orders) == 6
    assert all(60 <= rows <= 140 for rows in orders.values())


@given(st.integers(2, 9), st.integers(1, 12), st.integers(), st.integers(0, 99))
def test_shuffles_are_different_orders_and_none_is_the_present_one(count, k, seed, row):
    found = shuffles(count, k, seed, row)
    assert found == shuffles(count, k, seed, row)
    assert len(set(found)) == len(found)
    assert tuple(range(count)) not in found
    assert all(sorted(order) == list(range(count)) for order in found)
    assert len(found) == min(k, factorial(count) - 1)


def test_no_more_shuffles_than_there_are():
    assert len(shuffles(5, 500, 1, 1)) == 119


@given(st.lists(st.integers(2, 7), max_size=60), st.integers())
def test_turns_begin_with_each_segment_equally_often(counts, seed):
    first = turns(counts, seed)
    for count in set(counts):
        begun = Counter(one for one, of in zip(first, counts, strict=True) if of == count)
        assert max(begun.values()) - min(begun[place] for place in range(count)) <= 1
        assert set(begun) <= set(range(count))
    assert rotated(4, 3) == (3, 0, 1, 2)


# -- variants --------------------------------------------------------------------------------------


def test_as_many_variants_as_there_are_other_places_are_exactly_uniform():
    rows = [(0, 5)] * 7 + [(3, 5)] * 4
    found = varied(rows, "balanced", 9, seed=2)
    for (own, count), places in zip(rows, found, strict=True):
        assert sorted([own, *places]) == list(range(count))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(),
    st.sampled_from(["balanced"]),
)
def test_rows_and_variants_are_even_together_as_far_as_the_rows_allow(own, k, seed, strategy):
    rows = [(place, 6) for place in own]
    found = varied(rows, "balanced", k, seed)
    standing = Counter(own)
    together = standing + Counter(place for places in found for place in places)
    for (mine, _), places in zip(rows, found, strict=True):
        assert len(places) == len(set(places)) == k
        assert mine not in places
        assert all(0 <= place < 6 for place in places)
    # A place that more rows have as their own than its share cannot be evened out.
    share = len(rows) * (k + 1) / 6
    if max(standing.values()) <= share:
        assert max(together.values()) - min(together[place] for place in range(6)) <= 2


def test_edges_give_the_ends_where_the_row_does_not_stand():
    assert varied([(0, 5), (2, 5), (4, 5)], "edges", 3, 1) == [[4], [0, 4], [0]]


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - VARIED))
def test_what_cannot_vary_is_refused(strategy):
    with pytest.raises(ValueError, match="same place"):
        varied([(0, 3)], strategy, 2, 1)
