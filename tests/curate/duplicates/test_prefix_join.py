from __future__ import annotations

import math
import random
import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.join import prefix_join, prefix_keys
from studio.curate.duplicates.join.prefix_join import join
from studio.curate.duplicates.overlap import UNIT, features, shared, threshold_of
from studio.errors import UsageError
from studio.text.terms import encode, terms
from studio.text.tokens import CJK

WORDS = st.sampled_from(["red", "blue", "cat", "of", "of", "the", "the", "写", "一", "首", "诗", "2+3", "?"])
TEXTS = st.lists(st.lists(WORDS, max_size=10).map(" ".join), max_size=24)
THRESHOLDS = st.one_of(st.just(Fraction(3, 4)), st.fractions(Fraction(2, 5), 1, max_denominator=12))


def run(texts, threshold=Fraction(3, 4)):
    search = join(features(encode(texts), len(texts)), threshold)
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


def pairs(found):
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def bags(texts):
    """Each text as {(term, occurrence): weight}, as the definition says."""
    found = []
    for text in texts:
        seen = Counter()
        bag = set()
        for term in terms(text):
            bag.add((term, seen[term]))
            seen[term] += 1
        found.append(bag)
    df = Counter(feature for bag in found for feature in bag)
    rows = Counter(script for bag in found for script in {re.match(f"[{CJK}]", term) is None for term, _ in bag})

    def weight(feature):
        return round(UNIT * math.log1p(rows[re.match(f"[{CJK}]", feature[0]) is None] / df[feature]))

    return [{feature: weight(feature) for feature in bag} for bag in found]


def all_pairs(texts, threshold):
    weighed = bags(texts)
    found = {}
    for right, one in enumerate(weighed):
        for left, other in enumerate(weighed[:right]):
            both = sum(one.values()) + sum(other.values())
            common = sum(weight for feature, weight in one.items() if feature in other)
            if both and Fraction(2 * common, both) >= threshold:
                found[left, right] = 2 * common / both
    return found


def listed_whole(found, expected):
    """Whether every pair is there, but for pairs within clusters that are said to be partial."""
    partial = set(found.partial.tolist())
    return {pair for pair in expected if not set(pair) <= partial} <= pairs(found) <= set(expected)


def connected(n, edges):
    parent = list(range(n))

    def find(row):
        while parent[row] != row:
            row = parent[row]
        return row

    for left, right in edges:
        parent[max(find(left), find(right))] = min(find(left), find(right))
    return [find(row) for row in range(n)]


def zipf(rng, n, words=400, longest=30):
    """Random texts, a third of them edits of earlier ones."""
    found = []
    for _ in range(n):
        if found and rng.random() < 0.33:
            text = list(rng.choice(found))
            for _ in range(rng.randrange(1, 4)):
                text[rng.randrange(len(text))] = f"w{int(rng.paretovariate(0.8)) % words}"
        else:
            text = [f"w{int(rng.paretovariate(0.8)) % words}" for _ in range(rng.randrange(1, longest))]
        found.append(text)
    return [" ".join(text) for text in found]


@given(TEXTS, THRESHOLDS)
def test_the_pairs_are_those_of_comparing_all(texts, threshold):
    found = run(texts, threshold)
    expected = all_pairs(texts, threshold)
    assert not len(found.partial)
    assert pairs(found) == set(expected)
    assert found.scores.tolist() == pytest.approx([expected[pair] for pair in sorted(expected)])


@pytest.mark.parametrize("threshold", [0.5, 0.65, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_texts_of_many_lengths(threshold, seed):
    texts = zipf(random.Random(seed), 250)
    found = run(texts, threshold_of(threshold))
    expected = all_pairs(texts, threshold_of(threshold))
    assert listed_whole(found, expected)
    assert connected(len(texts), pairs(found)) == connected(len(texts), expected)


@pytest.mark.parametrize("limit", ["_PAIRS", "AT_ONCE", "_DENSE", "_ENOUGH"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_held_at_a_time_the_same_rows_are_connected(limit, seed, monkeypatch):
    monkeypatch.setattr(prefix_keys if limit == "_PAIRS" else prefix_join, limit, 1)
    if limit == "AT_ONCE":
        monkeypatch.setattr(prefix_keys, limit, 1)
    texts = zipf(random.Random(seed), 120, longest=60)
    found = run(texts, Fraction(13, 20))
    expected = all_pairs(texts, Fraction(13, 20))
    assert pairs(found) <= set(expected)
    assert connected(len(texts), pairs(found)) == connected(len(texts), expected)
    assert listed_whole(found, expected)


@given(st.permutations(range(30)))
def test_the_order_of_rows_changes_nothing(order):
    texts = zipf(random.Random(5), 30)
    found = pairs(run([texts[place] for place in order], Fraction(3, 5)))
    assert {tuple(sorted((order[left], order[right]))) for left, right in found} == pairs(run(texts, Fraction(3, 5)))


def test_a_template_of_many_rows_is_one_cluster_and_costs_no_square_of_them(monkeypatch):
    compared = []
    monkeypatch.setattr(
        prefix_join, "shared", lambda of, left, right: compared.append(len(left)) or shared(of, left, right)
    )
    frame = " ".join(f"frame{number}" for number in range(60))
    found = run([f"{frame} slot{number}" for number in range(3000)])
    assert len(found.partial) == 3000
    assert len(set(connected(3000, pairs(found)))) == 1
    assert sum(compared) < 100 * 3000


def test_rows_of_a_template_that_differ_are_no_pairs():
    assert not pairs(run([f"Write a letter to {name} about {name}s" for name in map(chr, range(0x4E00, 0x4F00))]))


@pytest.mark.parametrize("wrong", [0.1, -1, 1.01, 7])
def test_a_threshold_that_finds_everything_or_nothing_is_refused(wrong):
    with pytest.raises(UsageError, match=r"between 0\.4 and 1"):
        threshold_of(wrong)


def test_nothing_to_compare():
    assert not pairs(run([]))
    assert not pairs(run(["", "", "?!"]))
