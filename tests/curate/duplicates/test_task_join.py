"""Rows are duplicates when they are alike as a whole and inside, whatever they are filed by."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.finding import Texts
from studio.curate.duplicates.join import minhash, prefix_join
from studio.curate.duplicates.overlap import features, reaches, shared, threshold_of
from studio.text.terms import encode


def search(rows, by=prefix_join.join):
    """The pairs of rows (what is asked, the input), and the rows of which some pairs may be missing."""
    searching = Texts(["\n".join(filter(None, row)) for row in rows]).overlap(0.75, [row[1] for row in rows], by)
    while True:
        try:
            next(searching)
        except StopIteration as end:
            found = end.value
            return set(zip(found.left.tolist(), found.right.tolist(), strict=True)), set(found.partial.tolist())


def planted(task, words, gap, n=3000, twins=50, size=12):
    """Rows of one task, of which the last ones differ from earlier ones in one word of the input."""
    rng = random.Random(n)
    inputs = [rng.choices(words, k=size) for _ in range(n)]
    for number in range(twins):
        twin = list(inputs[2 * number])
        twin[3] = rng.choice([word for word in words if word != twin[3]])
        inputs.append(twin)
    return [(task, gap.join(one)) for one in inputs], {(2 * number, n + number) for number in range(twins)}


TASKS = {
    "en": (" ".join(f"rule{n}" for n in range(300)), [f"word{n}" for n in range(300)], " "),
    "zh": ("".join(chr(0x5200 + 3 * n) for n in range(500)), [chr(0x4E00 + n) for n in range(300)], ""),
}


@pytest.mark.parametrize("by", [prefix_join.join, minhash.join])
@pytest.mark.parametrize("language", TASKS)
def test_a_long_task_hides_no_inputs_that_are_alike(language, by):
    rows, twins = planted(*TASKS[language])
    assert search(rows, by) == (twins, set())


@pytest.mark.parametrize("language", TASKS)
def test_a_task_in_two_wordings_hides_none_either(language):
    task, words, gap = TASKS[language]
    rows, _ = planted(task, words, gap, n=400, twins=0)
    again = [(f"{task}{gap}{words[0]}", one) for _, one in rows]
    assert search([*rows, *again]) == ({(row, 400 + row) for row in range(400)}, set())


def test_many_questions_about_one_text_are_alike_only_if_the_questions_are():
    text = "The lamp of the old harbour was lit each evening by the keeper"
    asked = [" ".join(f"q{number}x{place}" for place in range(10)) for number in range(300)]
    twins = [one.replace("x3", "y") for one in asked[:20]]
    rows = [*((one, text) for one in [*asked, *twins]), *((f"z{n} y{n} v{n}", f"u{n} t{n}") for n in range(300))]
    assert search(rows) == ({(row, 300 + row) for row in range(20)}, set())


WORDS = st.lists(st.sampled_from(["red", "blue", "of", "of", "the", "写", "诗", "2+3"]), max_size=6).map(" ".join)


@given(st.lists(st.tuples(WORDS, st.one_of(st.just(""), st.just("?"), WORDS)), max_size=16), st.integers(0, 3))
def test_pairs_are_those_that_reach_the_threshold_by_both(rows, many):
    """Against the definition; many: from so many rows with one input on they are filed as a whole."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("studio.curate.duplicates.join.task_join._MANY", many)
        found, partial = search(rows)
    texts = ["\n".join(filter(None, row)) for row in rows]
    firsts = Texts(texts).firsts
    whole = features(encode([texts[row] for row in firsts]), len(firsts))
    weight_of = dict(zip(whole.keys.tolist(), whole.weights.tolist(), strict=True))
    inner = features(encode([rows[row][1] for row in firsts]), len(firsts))
    inner = inner.weighed(np.array([weight_of[key] for key in inner.keys.tolist()], np.int32))
    left, right = (np.array(side, np.int64) for side in np.triu_indices(len(firsts), 1))
    limit = threshold_of(0.75)
    enough = reaches(shared(whole, left, right), whole.totals[left] + whole.totals[right], limit)
    both = (inner.totals[left] > 0) & (inner.totals[right] > 0)
    enough &= ~both | reaches(shared(inner, left, right), inner.totals[left] + inner.totals[right], limit)
    expected = {
        (firsts[one], firsts[other])
        for one, other in zip(left[enough].tolist(), right[enough].tolist(), strict=True)
        if whole.totals[one] and whole.totals[other]
    }
    assert {pair for pair in found if pair[0] in firsts and pair[1] in firsts} == expected
    assert not partial
