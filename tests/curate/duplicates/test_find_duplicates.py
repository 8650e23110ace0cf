from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.compared import BYS
from studio.curate.duplicates.finding import Texts
from studio.curate.duplicates.join import letters, minhash
from studio.text.terms import terms
from studio.text.tokens import normalise

WORDS = st.sampled_from(["red", "blue", "cat", "of", "the", "写", "一", "首", "诗", "?", "RED", "2+3", "2*3"])
TEXTS = st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=20)


def run(search):
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


def listed(found):
    """(left, right): (by, score)."""
    columns = (found.left.tolist(), found.right.tolist(), found.by.tolist(), found.scores.tolist())
    return {(left, right): (BYS[by], round(score, 3)) for left, right, by, score in zip(*columns, strict=True)}


def test_case_punctuation_white_space_and_full_width_forms_are_exactly_alike():
    texts = ["Write a poem.", "ＷＲＩＴＥ a\npoem!", "写一首诗。", "写 一 首 诗", "write a poem twice"]
    assert listed(Texts(texts).exact()) == {(0, 1): ("exact", 1.0), (2, 3): ("exact", 1.0)}


def test_formulas_and_emoji_that_differ_are_not():
    assert not listed(Texts(["What is 2+3?", "What is 2*3?", "What is 2-3?", "Is 😀 rude?", "Is 😂 rude?"]).exact())


def test_texts_without_words_go_by_their_writing_and_empty_ones_by_nothing():
    assert listed(Texts(["?!", "??", "?! ", "", " ", ""]).exact()) == {(0, 2): ("exact", 1.0)}


@given(TEXTS)
def test_exactly_alike_are_those_of_comparing_all(texts):
    first: dict[tuple[str, ...], int] = {}
    expected = set()
    for row, text in enumerate(texts):
        key = tuple(terms(text)) or (normalise(text),)
        if key == ("",):
            continue
        if key in first:
            expected.add((first[key], row))
        first.setdefault(key, row)
    assert set(listed(Texts(texts).exact())) == expected
    assert {pair for pair, (by, _) in listed(run(Texts(texts).overlap())).items() if by == "exact"} == expected


def test_an_exact_copy_is_compared_once():
    texts = [
        "Name three rivers that cross the border",
        "name three rivers that cross the border.",
        "Name three rivers that cross a border",
    ]
    assert set(listed(run(Texts(texts).overlap(0.65)))) == {(0, 1), (0, 2)}


def test_one_task_over_many_inputs_is_a_set_of_rows_and_not_of_duplicates():
    task = "Say in one word which feeling the sentence expresses, or say that it expresses none"
    inputs = ["I lost my keys again", "What a splendid morning", "The train leaves at nine", "I lost my keys, again!"]
    whole = [f"{task}\n{input}" for input in inputs]
    assert (0, 1) in listed(run(Texts(whole).overlap(0.5)))
    found = listed(run(Texts(whole).overlap(0.65, inputs)))
    assert set(found) == {(0, 3)}
    found = listed(run(Texts([*whole, task + "!"]).overlap(0.5, [*inputs, ""])))
    assert (0, 4) in found
    assert (0, 1) not in found


def test_a_typing_mistake_in_a_short_text_is_seen():
    texts = [
        *("Describe how a compter works", "Describe how a computer works", "Describe how a camera works"),
        *("Who reigned in 1814?", "Who reigned in 1815?", "Does the price increase?", "Does the price decrease?"),
    ]
    found = listed(run(Texts(texts).overlap(0.4)))
    assert found[0, 1][0] == "letters"
    assert found[0, 1][1] > 0.9
    assert all(by == "overlap" for pair, (by, _) in found.items() if pair != (0, 1))


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("Write a letter", "Wirte a letter", True),
        ("Compare something else", "Compare some thing else", True),
        ("Name three harbours", "Name three harbors", True),
        ("Name a hat", "Name a hut", False),
        ("Increase it", "Decrease it", False),
        ("in 2018", "in 2019", False),
        ("价格上涨", "价格下跌", False),
        ("the same", "the same", False),
        ("word " * 20 + "receive", "word " * 20 + "recieve", False),
    ],
)
def test_what_is_a_typing_mistake(left, right, alike):
    assert (letters.likeness(left, right) > 0) is alike
    assert letters.likeness(left, right) == letters.likeness(right, left)


def test_a_template_is_as_light_beside_rows_of_another_script():
    """150 rows of one language are no rarer because the rest of the project is in the other one."""
    zh = [f"{chr(0x4E00 + 31 * n)}{chr(0x6E00 + 7 * n)}最早记载于哪一年？请根据下面的记载回答" for n in range(150)]
    en = [f"In which year was name{n} of place{n} first written down" for n in range(150)]
    beside_zh = ["".join(chr(0x5000 + (37 * n + 101 * place) % 5000) for place in range(12)) for n in range(2000)]
    beside_en = [" ".join(f"word{(37 * n + 101 * place) % 5000}" for place in range(12)) for n in range(2000)]
    for rows, others in ((zh, beside_en), (en, beside_zh)):
        assert [pair for pair in listed(run(Texts([*rows, *others]).overlap(0.75))) if pair[0] < 150] == []


def test_minhash_finds_nothing_that_is_not_there_and_nearly_all_that_is():
    frames = [f"Explain to a visitor of town {n} why its tower number {n * 7} leans to the {n % 5}" for n in range(120)]
    texts = frames + [f"{text} today" for text in frames]
    all_of_them = listed(run(Texts(texts).overlap(0.75)))
    drawn = listed(run(Texts(texts).overlap(0.75, by=minhash.join)))
    assert drawn.items() <= all_of_them.items()
    assert len(drawn) >= 0.95 * len(all_of_them)
    assert drawn == listed(run(Texts(texts).overlap(0.75, by=minhash.join)))


@given(TEXTS)
def test_scores_and_order(texts):
    found = run(Texts(texts).overlap(0.5))
    assert (found.left < found.right).all()
    assert ((found.scores >= float(Fraction(1, 2))) & (found.scores <= 1)).all()
