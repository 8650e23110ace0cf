from __future__ import annotations

import itertools
import math
import random
import zlib
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.curate.selecting.diversity import ZIP, Widths, by_compression, by_overlap, select
from studio.errors import UsageError
from studio.text.tokens import tokenize

SMALL = Widths(20, 6, 3)
WORDS = st.sampled_from(["red", "blue", "of", "the", "the", "写", "一", "诗", "河", "。", "harbour", "lantern", "?"])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
ROWS = st.lists(TEXTS, max_size=14).map(lambda texts: list(enumerate(texts, start=1)))


def chosen(steps):
    return [row for row in steps if row is not None]


def sample(n=60, seed=3):
    """Rows of which many are alike, English and Chinese."""
    luck = random.Random(seed)
    frames = [
        ("Tell {} how {} got its name", ("a baker", "my aunt", "the pilot"), ("the ferry", "the mill", "this lane")),
        ("向{}说明{}的来历", ("面包师", "姑姑", "船长"), ("渡船", "水车", "小巷")),
    ]
    rows = []
    for row in range(1, n + 1):
        frame, who, what = luck.choice(frames)
        rows.append((row, frame.format(luck.choice(who), luck.choice(what)) + "!" * luck.randint(0, 3)))
    return rows


# -- ZIP ---------------------------------------------------------------------------------------------


def ratio(texts):
    raw = "\n".join(texts).encode()
    return len(raw) / len(zlib.compress(raw, 9))


def drawn(row, seed):
    return blake2b(f"{seed}:{row}".encode(), digest_size=8).digest(), row


def zip_as_written(rows, size, seed, widths):
    """Algorithm 1 of the paper word by word, everything compressed anew each time; ties as the draw has them."""
    texts, order = dict(rows), {row: drawn(row, seed) for row, _ in rows}
    score = {row: ratio([text]) for row, text in rows}
    selected = []
    while len(selected) < size and len(selected) < len(rows):
        left = sorted(set(texts) - set(selected), key=lambda row: (score[row], order[row]))[: widths.asked]
        for row in left:
            score[row] = ratio([texts[other] for other in selected] + [texts[row]])
        pool = sorted(left, key=lambda row: (score[row], order[row]))[: widths.pool]
        group = []
        while pool and len(group) < widths.taken and len(selected) + len(group) < size:
            best = min(pool, key=lambda row: (ratio([texts[one] for one in [*group, row]]), order[row]))
            pool.remove(best)
            group.append(best)
        selected += group
    return selected


@settings(max_examples=60)
@given(ROWS, st.integers(0, 16), st.integers(0, 3), st.tuples(*[st.integers(1, 8)] * 3))
def test_zip_selects_what_the_paper_says(rows, size, seed, widths):
    expected = zip_as_written(rows, size, seed, Widths(*widths))
    assert chosen(by_compression(rows, size, seed, Widths(*widths))) == expected


def test_zip_selects_what_the_paper_says_of_many_rows():
    rows = sample(400, seed=11)
    expected = zip_as_written(rows, 90, 5, Widths(120, 30, 10))
    assert chosen(by_compression(rows, 90, 5, Widths(120, 30, 10))) == expected
    assert len(set(expected)) == 90


@pytest.mark.parametrize("seed", range(4))
def test_zip_decides_between_rows_of_equal_ratio_as_the_draw_has_them(seed):
    luck = random.Random(seed)
    words = ["lamp", "河流", "boat", "rain", "lamp post", "渡船"]
    rows = [(row, " ".join(luck.choices(words, k=4))) for row in range(1, 41)]
    for widths in (Widths(20, 4, 2), Widths(20, 6, 3), Widths(8, 3, 2)):
        assert chosen(by_compression(rows, 20, 0, widths)) == zip_as_written(rows, 20, 0, widths)


def zip_of_the_reference(rows, size, widths):
    """The bookkeeping of the authors' code: a score of 1e6 marks the rows used, until it is written over."""
    texts = [text for _, text in rows]
    score = [ratio([text]) for text in texts]
    selected = []
    while len(selected) < size:
        near = sorted(range(len(texts)), key=lambda i: score[i])[: widths.asked]
        for i in near:
            score[i] = ratio([texts[one] for one in selected] + [texts[i]])
        pool = sorted(near, key=lambda i: score[i])[: widths.pool]
        for i in pool:
            score[i] = 1e6
        group = []
        for _ in range(widths.taken):
            group.append(min((i for i in pool if i not in group), key=lambda i: ratio([texts[g] for g in [*group, i]])))
        selected += group
    return selected


def test_the_faults_of_the_reference_are_mended():
    rows = sample()
    faulty = zip_of_the_reference(rows, 40, SMALL)
    assert len(faulty) > 40  # past the budget
    assert len(set(faulty)) < len(faulty)  # rows twice
    found = chosen(by_compression(rows, 40, widths=SMALL))
    assert len(found) == len(set(found)) == 40


def test_a_row_of_the_pool_that_was_not_taken_can_be_taken_later():
    # Two widths of 60 rows: were all of a pool used up, 30 rows would be the end.
    rows = sample()
    assert sorted(chosen(by_compression(rows, 60, widths=SMALL))) == [row for row, _ in rows]


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_a_set_smaller_than_every_width_is_selected_whole(measure):
    rows = sample(7)
    assert sorted(chosen(select(rows, 100, measure))) == [row for row, _ in rows]
    assert chosen(select(rows, 0, measure)) == chosen(select([], 5, measure)) == []
    assert tuple(ZIP) == (10_000, 200, 100)


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_no_size_below_nothing(measure):
    with pytest.raises(UsageError, match="-1 rows cannot be selected"):
        list(select(sample(3), -1, measure))


# -- both --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["compression", "overlap"])
@given(ROWS, st.integers(0, 16), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(measure, rows, size, seed, luck):
    found = chosen(select(rows, size, measure, seed))
    assert len(found) == len(set(found)) == min(size, len(rows))
    assert set(found) <= {row for row, _ in rows}
    luck.shuffle(rows)
    assert chosen(select(rows, size, measure, seed)) == found


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_the_seed_decides_between_equals(measure):
    rows = [(row, "同一句话") for row in range(1, 30)]
    selections = {tuple(chosen(select(rows, 5, measure, seed))) for seed in range(8)}
    assert len(selections) > 4


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_a_smaller_selection_is_the_beginning_of_a_larger_one(measure):
    rows = sample()
    larger = chosen(select(rows, 40, measure))
    for size in (1, 7, 39):
        assert chosen(select(rows, size, measure)) == larger[:size]


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_it_shows_that_it_goes_on(measure):
    assert list(select(sample(1000), 3, measure)).count(None) > 3


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_copies_come_after_what_is_different(measure):
    different = [
        "Why does bread rise in a warm kitchen overnight?",
        "List the tools that a beekeeper carries in June.",
        "请说明潮汐水车怎样在夜里磨面粉。",
        "比较两种给旧船刷漆的方法。",
    ]
    rows = list(enumerate([different[0]] * 20 + different[1:] + [different[2]] * 20))
    found = chosen(select(rows, 4, measure))
    assert {dict(rows)[row] for row in found} == set(different)


def test_giving_up_midway_leaves_no_thread():
    steps = by_compression(sample(300), 100, widths=SMALL)
    assert next(row for row in steps if row is not None)
    steps.close()
    assert next(steps, "ended") == "ended"


# -- farthest-first ----------------------------------------------------------------------------------


def weights_of(sets):
    """Whole numbers, as many as the rows that have no such token make it rare."""
    tokens = set().union(*sets)
    return {
        token: max(1, round(2**20 * math.log((len(sets) + 1) / sum(token in one for one in sets)))) for token in tokens
    }


def weight(tokens, weights):
    return sum(weights[token] for token in tokens)


def farthest_first(rows, size, seed):
    """The definition: each time the row whose nearest selected row is least like it."""
    sets = {row: set(tokenize(text)) for row, text in rows}
    weights = weights_of(sets.values()) if rows else {}

    def alike(row, other):
        return (
            2 * weight(sets[row] & sets[other], weights) / (weight(sets[row], weights) + weight(sets[other], weights))
        )

    selected = []

    def nearest(row):
        return max((alike(row, other) for other in selected if sets[other]), default=0.0) if sets[row] else 1.0

    while len(selected) < min(size, len(rows)):
        left = [row for row in sets if row not in selected]
        selected.append(min(left, key=lambda row: (nearest(row), drawn(row, seed))))
    return selected


@given(ROWS, st.integers(0, 16), st.integers(0, 3))
def test_farthest_first_is_what_its_definition_says(rows, size, seed):
    assert chosen(by_overlap(rows, size, seed)) == farthest_first(rows, size, seed)


def test_farthest_first_is_what_its_definition_says_of_many_rows():
    rows = sample(150, seed=5)
    assert chosen(by_overlap(rows, 40, 9)) == farthest_first(rows, 40, 9)


@settings(max_examples=60)
@given(st.lists(TEXTS.filter(tokenize), min_size=1, max_size=8), st.integers(1, 4), st.integers(0, 3))
def test_no_selection_of_the_size_comes_twice_as_near(texts, size, seed):
    """k-center greedy is within twice the best, in a metric: here weighted Jaccard."""
    sets = [set(tokenize(text)) for text in texts]
    weights = weights_of(sets)

    def farthest(selected):
        def distance(one, other):
            return 1 - weight(one & other, weights) / weight(one | other, weights)

        return max(min(distance(one, sets[other]) for other in selected) for one in sets)

    size = min(size, len(sets))
    found = farthest(chosen(by_overlap(list(enumerate(texts)), size, seed)))
    assert found <= 2 * min(map(farthest, itertools.combinations(range(len(sets)), size))) + 1e-9


def test_a_row_without_a_token_says_nothing_new():
    rows = [(1, "?!"), (2, ""), (3, "a lantern"), (4, "……"), (5, "河"), (6, "a lantern!")]
    found = chosen(by_overlap(rows, 6))
    assert set(found[:2]) <= {3, 5, 6}
    assert 5 in found[:2]


def test_a_rare_word_in_common_says_more_than_a_frequent_one():
    rows = [(1, "of tide mills"), (2, "of bells"), (3, "tide tables"), *((n, f"of {n}") for n in range(10, 40))]
    # 2 shares "of" with 1, as nearly all do; 3 shares "tide" with 1 alone, and so is nearer to it.
    order = chosen(by_overlap(rows, len(rows), next(s for s in range(99) if chosen(by_overlap(rows, 1, s)) == [1])))
    assert order.index(2) < order.index(3)
