from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.curate.placing.deciles import chance, decile, even, histogram, imbalance, places_by_decile, spread


def load(quotas):
    """The histogram of quotas."""
    return histogram(
        (place, count) for count, places in quotas.items() for place, rows in enumerate(places) for _ in range(rows)
    )


def test_histogram_by_tenths():
    assert [decile(index, 20) for index in (0, 4, 9, 14, 19)] == [0, 2, 4, 7, 9]
    assert histogram([(0, 5), (2, 5), (4, 5), (4, 5), (0, 3), (1, 2)]) == [2, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert histogram([]) == [0] * 10


def test_every_place_lies_in_one_tenth():
    for count in range(1, 60):
        places = sorted(place for found in places_by_decile(count).values() for place in found)
        assert places == list(range(count))


@given(st.integers(2, 40), st.integers(0, 500), st.integers())
def test_one_number_of_segments_fills_the_tenths_it_reaches_within_one(count, rows, seed):
    quotas = spread({count: rows}, seed)
    assert sum(quotas[count]) == rows
    tenths = [load(quotas)[tenth] for tenth in places_by_decile(count)]
    assert max(tenths) - min(tenths) <= 1


@given(st.integers(2, 40), st.integers(1, 30), st.integers())
def test_it_is_exactly_uniform_where_the_size_allows(count, rounds, seed):
    tenths = len(places_by_decile(count))
    found = load(spread({count: tenths * rounds}, seed))
    assert {n for n in found if n} == {rounds}


def test_where_the_tenths_have_as_many_places_the_rotation_is_whole():
    assert spread({5: 1000}, 3)[5] == [200] * 5
    assert spread({20: 1000}, 3)[20] == [50] * 20


def test_rows_of_different_size_fill_the_tenths_together():
    """Rows of 5 reach five tenths; rows of 10 take the other five."""
    assert load(spread({5: 100, 10: 100}, 1)) == [20] * 10
    assert load(spread({5: 300, 10: 350, 20: 350}, 1)) == [100] * 10


sizes = st.dictionaries(st.integers(2, 25), st.integers(0, 60), min_size=1, max_size=5)
weights = st.lists(st.integers(0, 9), min_size=10, max_size=10).filter(any)


def cost(load, wanted):
    return sum((n - want) ** 2 for n, want in zip(load, wanted, strict=True))


@given(sizes, st.integers(), st.none() | weights)
def test_no_row_could_move_to_a_tenth_that_needs_it_more(counts, seed, wanted):
    """No single row makes it more even; a chain of rows that each take the next one's place, by one row at most."""
    quotas = spread(counts, seed, wanted)
    assert {count: sum(places) for count, places in quotas.items()} == counts
    found, total = load(quotas), sum(counts.values())
    whole = [1] * 10 if wanted is None else wanted
    aim = [total * weight / sum(whole) for weight in whole]
    steps = {
        (decile(place, count), tenth)
        for count, places in quotas.items()
        for place, rows in enumerate(places)
        if rows
        for tenth in places_by_decile(count)
    }
    for start, end in steps:
        moved = list(found)
        moved[start] -= 1
        moved[end] += 1
        assert start == end or cost(moved, aim) >= cost(found, aim) - 1e-9
    reach = {start: {start} for start in range(10)}
    for _ in range(10):
        for start, end in steps:
            for known in reach.values():
                if start in known:
                    known.add(end)
    for start, ends in reach.items():
        for end in ends:
            assert (found[start] - aim[start]) - (found[end] - aim[end]) <= 2 + 1e-9


@settings(max_examples=25)
@given(st.lists(st.integers(2, 6), min_size=1, max_size=5), st.integers(0, 9))
def test_it_is_within_one_row_of_the_most_even_small_sets_in_full(counts, seed):
    aim = [len(counts) / 10] * 10
    every = [histogram(zip(places, counts, strict=True)) for places in product(*(range(n) for n in counts))]
    best = min(cost(one, aim) for one in every)
    found = load(spread(Counter(counts), seed))
    assert any(
        all(abs(n - m) <= 1 for n, m in zip(found, one, strict=True))
        for one in every
        if cost(one, aim) == pytest.approx(best)
    )


def test_what_stands_already_counts():
    standing = [(0, 10)] * 50
    found = spread({10: 100}, 7, standing=standing)
    assert load(found)[0] == 0
    assert {found[10][place] for place in range(1, 10)} == {11, 12}


def test_weights_draw_to_where_they_are():
    found = load(spread({10: 1000}, 1, [1, 1, 1, 1, 4, 4, 1, 1, 1, 5]))
    assert found == [50, 50, 50, 50, 200, 200, 50, 50, 50, 250]


def test_limits_hold():
    limits = {4: [3, 0, 100, 3]}
    assert spread({4: 12}, 1, limits=limits)[4] == [3, 0, 6, 3]


@given(sizes, st.integers())
def test_the_same_seed_gives_the_same_places(counts, seed):
    assert spread(counts, seed) == spread(counts, seed)


# -- chi-square ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "at_one_percent", "at_five_percent"),
    [(1, 6.635, 3.841), (2, 9.210, 5.991), (3, 11.345, 7.815), (4, 13.277, 9.488), (5, 15.086, 11.070),
     (6, 16.812, 12.592), (7, 18.475, 14.067), (8, 20.090, 15.507), (9, 21.666, 16.919)],
)  # fmt: skip
def test_the_probability_is_that_of_the_tables(degrees, at_one_percent, at_five_percent):
    assert chance(at_one_percent, degrees) == pytest.approx(0.01, rel=1e-3)
    assert chance(at_five_percent, degrees) == pytest.approx(0.05, rel=1e-3)
    assert chance(0, degrees) == 1.0
    assert chance(1e4, degrees) < 1e-30


def test_all_at_the_head_is_lopsided_and_says_so():
    found = imbalance([(0, 5)] * 100)
    assert found.chi_square == pytest.approx(400)
    assert (found.degrees, found.uneven) == (4, True)
    assert found.words == (
        "lopsided: spread by chance, fewer than 1 dataset in 10,000 would be as uneven "
        "(chi-square 400.0, 4 degrees of freedom, p below 0.0001)"
    )


def test_what_chance_gives_is_not_called_lopsided():
    # Every place of rows of 5 to 10 equally often: tenths that few rows reach have less.
    positions = [(place, count) for count in range(5, 11) for place in range(count)] * 20
    found = imbalance(positions)
    assert (found.uneven, found.as_shuffled) == (False, True)
    assert found.p < 0.01 < found.shuffled
    assert found.words.startswith("as if shuffled: no place is preferred, but the tenths are not even (chi-square")


@given(st.lists(st.integers(2, 12), min_size=60, max_size=200), st.integers(0, 2**32))
def test_rows_that_are_shuffled_are_seldom_called_lopsided(counts, seed):
    luck = random.Random(seed)
    assert imbalance([(luck.randrange(count), count) for count in counts]).seldom > 1e-7


def test_too_few_rows_are_not_judged():
    assert imbalance([(0, 5), (4, 5)]).words.startswith("too few rows to judge by (chi-square")
    assert imbalance([]).words.startswith("nothing to compare")
    assert imbalance([(0, 1)] * 9).words.startswith("nothing to compare")


@pytest.mark.parametrize(
    "positions",
    [[(index, 3) for index in range(3)] * 50, [(index % 7, 7) for index in range(70)], [(0, 1)] * 9, [(0, 5)]],
)
def test_even_positions_are_not_lopsided(positions):
    assert not imbalance(positions).uneven


def test_even_means_as_even_as_the_sizes_allow():
    positions = [(0, 5)] * 100 + [(0, 10)] * 100
    assert even(positions) == [20] * 10
    placed = spread({5: 100, 10: 100}, 1)
    after = [(place, count) for count, places in placed.items() for place, n in enumerate(places) for _ in range(n)]
    assert imbalance(after).chi_square == 0
    assert "even enough" in imbalance(after).words
