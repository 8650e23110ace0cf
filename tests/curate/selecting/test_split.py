from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.selecting.split import counts, shares, split
from studio.errors import UsageError

some_shares = st.lists(st.integers(0, 1000), min_size=2, max_size=3).filter(any)


@pytest.mark.parametrize(
    ("n", "given_", "expected"),
    [
        (1000, (969, 30, 1), [969, 30, 1]),
        (100, (969, 30, 1), [97, 3, 0]),
        (10, (969, 30, 1), [10, 0, 0]),
        (7, (1, 1), [4, 3]),
        (2, (1, 1, 1), [1, 1, 0]),
        (0, (9, 1), [0, 0]),
        (5, (0, 0, 1), [0, 0, 5]),
    ],
)
def test_counts(n, given_, expected):
    assert counts(n, given_) == expected


@given(st.integers(0, 5000), some_shares)
def test_counts_are_the_largest_remainders(n, given_):
    """Against the definition: each is its quota rounded down or up, and none rounded down had the larger remainder."""
    found = counts(n, given_)
    assert sum(found) == n
    quotas = [Fraction(n * share, sum(given_)) for share in given_]
    up = [quota - int(quota) for quota, one in zip(quotas, found, strict=True) if one == int(quota) + 1]
    down = [quota - int(quota) for quota, one in zip(quotas, found, strict=True) if one == int(quota)]
    assert len(up) + len(down) == len(found)
    assert not up or min(up) > 0
    assert not up or not down or min(up) >= max(down)


@given(st.sets(st.integers(1, 10**7), max_size=80), some_shares, st.integers())
def test_parts_are_exact_disjoint_in_order_and_repeatable(ids, given_, seed):
    ids = sorted(ids)
    parts = split(ids, given_, seed)
    assert [len(part) for part in parts.values()] == counts(len(ids), given_)
    assert sorted(row for part in parts.values() for row in part) == ids
    assert all(part == sorted(part) for part in parts.values())
    assert parts == split(ids, given_, seed)


def test_the_seed_decides():
    ids = range(200)
    assert split(ids, (8, 1, 1), 1) != split(ids, (8, 1, 1), 2)
    test = split(ids, (8, 1, 1), 1)["test"]
    assert test != list(range(min(test), min(test) + len(test))), "rows are drawn, not cut off at the end"


@given(st.sets(st.integers(1, 10**6), min_size=1, max_size=120), st.integers(0, 9))
def test_a_row_more_moves_few_others(ids, seed):
    *before, new = sorted(ids)
    then, now = split(before, (8, 1, 1), seed), split([*before, new], (8, 1, 1), seed)
    moved = [row for name, part in then.items() for row in part if row not in now[name]]
    assert len(moved) <= 4


@given(
    st.sets(st.integers(0, 30), max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=40),
    some_shares,
    st.integers(0, 5),
)
def test_what_is_connected_never_straddles_parts(ids, alike, given_, seed):
    """Also where the rows between two of them are not divided: they were rejected, or the export leaves them out."""
    ids = sorted(ids)
    parts = split(ids, given_, seed, alike)
    wanted = counts(len(ids), given_)
    assert sorted(row for part in parts.values() for row in part) == ids
    assert all(len(part) <= count for part, count in list(zip(parts.values(), wanted, strict=True))[1:])
    where = {row: name for name, part in parts.items() for row in part}
    connected = {row: {row} for row in {*ids, *(row for pair in alike for row in pair)}}
    for left, right in alike:
        if connected[left] is not connected[right]:
            connected[left] |= connected[right]
            connected |= dict.fromkeys(connected[right], connected[left])
    groups = [[row for row in ids if row in connected[one]] for one in ids]
    assert all(len({where[row] for row in group}) == 1 for group in groups)
    if all(len(group) == 1 for group in groups):
        assert [len(part) for part in parts.values()] == wanted


def test_equal_rows_stay_together_without_the_first_of_them():
    for seed in range(20):
        parts = split([2, 3, 4, 5], (1, 1), seed, [(1, 2), (1, 3)])
        assert any({2, 3} <= set(part) for part in parts.values())


def test_a_group_too_large_for_a_part_trains_and_the_part_has_rows_less():
    parts = split(range(10), (7, 3), 0, [(row, row + 1) for row in (0, 1, 2, 4, 5, 6)] + [(8, 9)])
    assert [len(part) for part in parts.values()] == [8, 2]


def test_pairs_that_fit_stay_together():
    alike = [(row, row + 1) for row in range(0, 100, 2)]
    where = {row: name for name, part in split(range(100), (8, 1, 1), 3, alike).items() for row in part}
    assert all(where[left] == where[right] for left, right in alike)


def test_texts():
    assert shares("969:30:1") == shares(" megatron ") == (969, 30, 1)
    assert shares("9:1") == (9, 1)


@pytest.mark.parametrize("text", ["969", "0:0", "8:1:1:1", "a:b", "0.8:0.2", "-1:2", "1:", "", "８:２", "9:1:"])
def test_what_is_no_split(text):
    with pytest.raises(UsageError, match="no split"):
        shares(text)
