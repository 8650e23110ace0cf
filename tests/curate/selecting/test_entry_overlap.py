from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.finding import Texts
from studio.curate.duplicates.overlap import features, scores, shared
from studio.text.terms import encode

BRIDGE = ("which", "engineer", "drew", "the", "first", "iron", "bridge", "over", "this", "gorge")
JADE = tuple("哪位匠人雕出了博物馆里最大的白玉船")
OTHER = [" ".join(f"q{n}x{place}" for place in range(12)) for n in range(100)]


def near(rows, entries, threshold=0.75):
    """By row, the entries it is near."""
    searching = Texts([*rows, *entries]).near_entries(len(rows), threshold)
    while True:
        try:
            next(searching)
        except StopIteration as end:
            found = end.value
            return {
                (one, other - len(rows)) for one, other in zip(found.left.tolist(), found.right.tolist(), strict=True)
            }


@pytest.mark.parametrize("n", [1, 30, 300, 1000])
@pytest.mark.parametrize(("words", "gap"), [(BRIDGE, " "), (JADE, "")])
def test_no_number_of_rows_alike_hides_an_entry(words, gap, n):
    rng = random.Random(n)
    rows = []
    for number in range(n):
        variant = list(words)
        variant[rng.choice([0, 3, 6])] = f" z{number} "
        rows.append(gap.join(variant))
    assert near([*OTHER, *rows], [gap.join(words)]) == {(row, 0) for row in range(100, 100 + n)}


@pytest.mark.parametrize(
    ("template", "things"),
    [
        ("What is the length of the river {} from its source to the sea", [f"river{n}" for n in range(200)]),
        (
            "{}最早记载于哪一年？",
            [chr(0x4E00 + 31 * n) + chr(0x5E00 + 17 * n) + chr(0x6E00 + 7 * n) for n in range(200)],
        ),
    ],
)
def test_rows_of_a_template_are_not_near_an_entry_of_it(template, things):
    rows = [template.format(thing) for thing in things[1:]]
    assert near([*OTHER, *rows], [template.format(things[0])]) == set()


@given(st.lists(st.lists(st.sampled_from(list("abcdefg")), max_size=7), max_size=8), st.integers(0, 8))
def test_whatever_overlap_finds_is_found(texts, n):
    texts, n = [" ".join(text) for text in texts], min(n, len(texts))
    rows, entries = texts[:n], texts[n:]
    firsts = list(dict.fromkeys(texts))
    of = features(encode(firsts), len(firsts))
    found = near(rows, entries)
    for one in set(rows):
        for other in set(entries) - {one}:
            left, right = np.array([firsts.index(one)]), np.array([firsts.index(other)])
            score = scores(shared(of, left, right), of.totals[left] + of.totals[right])[0]
            if score >= 0.75:
                ends = {texts.index(one), texts.index(other)}
                assert any(ends == {row, entry + n} for row, entry in found)
