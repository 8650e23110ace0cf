from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.index import DuplicateIndex, Near, arrays_of
from studio.curate.duplicates.overlap import features, scores, shared
from studio.text.terms import encode


def texts_of(seed, n=150):
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        if found and rng.random() < 0.4:
            words = rng.choice(found).split()
            words[rng.randrange(len(words))] = rng.choice(["harbour", "灯", "塔", "tide"])
        else:
            words = [f"w{int(rng.paretovariate(0.7)) % 300}" for _ in range(rng.randrange(2, 20))]
        found.append(" ".join(words))
    return found


def index_of(texts, first=100):
    """An index of these texts as rows 100, 101, ..., and their features."""
    of = features(encode(texts), len(texts))
    return DuplicateIndex(arrays_of(of, [[first + place] for place in range(len(texts))])), of


@pytest.mark.parametrize("threshold", [0.5, 0.65, 0.75, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_the_rows_near_a_row_are_those_of_comparing_it_with_all(seed, threshold):
    texts = texts_of(seed)
    index, of = index_of(texts)
    everyone = np.arange(len(texts))
    for row in range(0, len(texts), 7):
        one = np.full(len(texts), row)
        found = scores(shared(of, one, everyone), of.totals[one] + of.totals)
        expected = sorted(
            (Near(100 + int(place), float(found[place])) for place in np.flatnonzero(found >= threshold - 1e-12)),
            key=lambda near: (-near.score, near.row),
        )
        assert index.near(texts[row], threshold, 1000) == expected


def test_rows_that_came_since_are_found_like_the_others():
    index, _ = index_of(texts_of(1))
    index.put(7, "an entirely new lighthouse of 珊瑚")
    (near,) = index.near("An entirely new lighthouse of 珊瑚!", 0.75)
    assert near == Near(7, 1.0)
    assert index.scores("An entirely new lighthouse of 珊瑚", [7, 8]) == [1.0, 0.0]


def test_an_edited_row_is_where_its_new_text_is():
    texts = texts_of(2)
    index, _ = index_of(texts)
    index.put(100, "salt and copper on the southern pier")
    assert 100 not in [near.row for near in index.near(texts[0], 0.9)]
    assert [near.row for near in index.near("salt and copper on the southern pier", 0.9)] == [100]
    index.put(100, texts[0])
    assert index.near(texts[0], 0.9)[0] == Near(100, 1.0)
    index.drop(100)
    assert 100 not in [near.row for near in index.near(texts[0], 0.65)]
    assert index.scores(texts[0], [100]) == [0.0]


def test_of_equal_texts_the_first_that_still_stands_is_named():
    of = features(encode(["green lanterns", "red kites"]), 2)
    index = DuplicateIndex(arrays_of(of, [[4, 9, 11], [5]]))
    assert index.near("green lanterns", 0.75) == [Near(4, 1.0)]
    index.drop(4)
    assert index.near("green lanterns", 0.75) == [Near(9, 1.0)]
    assert index.scores("green lanterns", [11, 5]) == [1.0, 0.0]


def test_what_two_texts_share_the_rarest_first():
    texts = ["the tide of the bay", "the wind", "the rain", "the tide"]
    index, _ = index_of(texts)
    found = index.shared("the tide turns", "The tide and the tide")
    assert [term for term, _ in found] == ["tide", "the"]
    assert found[0][1] > found[1][1] > 0


@given(st.lists(st.sampled_from(["a b c", "a b d", "x y", "写 诗", ""]), min_size=0, max_size=8))
def test_rows_put_one_by_one_are_those_of_an_index_of_their_own(texts):
    index, _ = index_of([])
    for place, text in enumerate(texts):
        index.put(place, text)
    for text in set(texts):
        same = [place for place, other in enumerate(texts) if other == text and text]
        assert [near.row for near in index.near(text, 1.0, 100)] == same


def test_nothing_is_near_nothing():
    index, _ = index_of(["", "a b"])
    assert index.near("", 0.5) == []
    assert index.near("?!", 0.5) == []
