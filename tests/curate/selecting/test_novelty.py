from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from studio.curate.selecting import novelty
from studio.curate.selecting.novelty import NEAREST, Near, NoveltyIndex
from studio.errors import StudioError, UsageError
from studio.text.rouge import Vocabulary, common
from studio.text.tokens import tokenize

ENGLISH = ["write", "a", "a", "the", "poem", "about", "cats", "of", "list"]
CHINESE = ["写", "一", "一", "首", "诗", "关", "于", "猫", "的"]
TEXTS = st.one_of(
    *(
        st.lists(st.sampled_from(words), max_size=14).map(" ".join)
        for words in (ENGLISH, CHINESE, ENGLISH + CHINESE + ["?"])
    )
)
THRESHOLDS = st.one_of(st.just(Fraction(7, 10)), st.fractions(0, 1, max_denominator=12))


def scores(pool, text):
    """F of text with each row of the pool, in exact fractions: the definition."""
    tokens = tokenize(text)
    found = {}
    for row, other in pool.items():
        others = tokenize(other)
        both = len(tokens) + len(others)
        found[row] = Fraction(2 * common(tokens, others), both) if both else Fraction(0)
    return found


def nearest(pool, text):
    ranked = sorted(((-score, row) for row, score in scores(pool, text).items() if score))
    return tuple(Near(row, pytest.approx(float(-score))) for score, row in ranked[:NEAREST])


def index_of(pool, threshold=0.7):
    index = NoveltyIndex(threshold)
    for row, text in pool.items():
        index.add(row, text)
    return index


@given(st.lists(TEXTS, max_size=40), TEXTS, THRESHOLDS)
def test_the_decision_and_the_ten_nearest_are_those_of_comparing_with_all(texts, text, threshold):
    pool = dict(enumerate(texts))
    index = index_of(pool, threshold)
    found = index.check(text)
    assert found.novel == all(score <= threshold for score in scores(pool, text).values())
    assert index.nearest(text) == nearest(pool, text)
    assert found.nearest == (() if found.novel else index.nearest(text))
    assert index.mean(text) == pytest.approx(float(sum(scores(pool, text).values())) / max(1, len(pool)))


@pytest.mark.parametrize("words", [ENGLISH, CHINESE, ENGLISH + CHINESE])
def test_a_large_pool_with_columns_gives_the_same(words, monkeypatch):
    monkeypatch.setattr(novelty, "_FEW", 20)
    luck = random.Random(5)
    rare = [chr(0x5000 + number) for number in range(300)]
    texts = {
        row: " ".join(luck.choices(words, k=luck.randrange(2, 12)) + luck.choices(rare, k=3)) for row in range(400)
    }
    index = index_of(texts)
    decisions = []
    for _ in range(30):
        tokens = texts[luck.randrange(400)].split()
        for _ in range(luck.randrange(len(tokens))):
            tokens[luck.randrange(len(tokens))] = luck.choice(rare)
        text = " ".join(tokens)
        best = nearest(texts, text)
        assert index.nearest(text) == best
        decisions.append(index.check(text).novel)
        assert decisions[-1] == all(score <= Fraction(7, 10) for score in scores(texts, text).values())
    assert 0 < sum(decisions) < len(decisions)


@pytest.mark.parametrize(
    ("known", "text", "novel"),
    [
        ("a b c d e f g h i j", "a b c d e f g x y z", True),
        ("一二三四五六七八九十", "一二三四五六七甲乙丙", True),
        ("a b c d e f g h i j", "a b c d e f g h y z", False),
        ("一二三四五六七八九十", "一二三四五六七八乙丙", False),
        ("用 Python 写一个快速排序", "用 Python 画一只猫", True),
        ("写一首关于秋天的诗。", "写一首关于秋天的诗", False),
        ("???", "???", True),
    ],
)
def test_exactly_the_threshold_is_novel(known, text, novel):
    assert index_of({1: known}).check(text).novel is novel


@pytest.mark.parametrize("parts", range(1, 60))
def test_ties_at_the_threshold_are_decided_by_integers(parts):
    """7·k tokens of 10·k in common, for every length: a score in floats is above 0.7 for some of them."""
    known = [f"k{number}" for number in range(10 * parts)]
    text = known[: 7 * parts] + [f"t{number}" for number in range(3 * parts)]
    index = index_of({1: " ".join(known)})
    assert index.check(" ".join(text)).novel
    text[-1] = known[-1]
    assert not index.check(" ".join(text)).novel


def test_the_golden_vector():
    near = index_of({4: "用 Python 写一个快速排序"}).nearest("用 Python 画一只猫")
    assert near == (Near(4, pytest.approx(0.4)),)


def test_a_repetition_is_told_with_the_ten_nearest():
    pool = {row: f"Name {row} birds that sing at night in the old garden" for row in range(20)}
    found = index_of(pool).check("Name 7 birds that sing at night in the old garden")
    assert not found.novel
    assert found.nearest[0] == Near(7, 1.0)
    assert [near.row for near in found.nearest[1:]] == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_long_texts_with_many_repetitions_are_counted_without_overflow():
    index = index_of({1: "la " * 400, 2: "la " * 300})
    assert index.nearest("la " * 400) == (Near(1, 1.0), Near(2, pytest.approx(6 / 7)))
    assert not index.check("la " * 300).novel


class Pool(RuleBasedStateMachine):
    """Adding and removing in any order, against a dictionary."""

    def __init__(self):
        super().__init__()
        self.index, self.pool = NoveltyIndex(), {}

    @rule(row=st.integers(0, 8), text=TEXTS)
    def add(self, row, text):
        if row in self.pool:
            with pytest.raises(UsageError):
                self.index.add(row, text)
        else:
            self.index.add(row, text)
            self.pool[row] = text

    @precondition(lambda self: self.pool)
    @rule(data=st.data())
    def remove(self, data):
        row = data.draw(st.sampled_from(sorted(self.pool)))
        del self.pool[row]
        self.index.remove(row)

    @rule(text=TEXTS)
    def ask(self, text):
        assert self.index.nearest(text) == nearest(self.pool, text)
        assert self.index.check(text).novel == (max(scores(self.pool, text).values(), default=0) <= Fraction(7, 10))

    @invariant()
    def it_holds_the_same_rows(self):
        assert len(self.index) == len(self.pool)
        assert all((row in self.index) == (row in self.pool) for row in range(9))


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_a_removed_row_no_longer_counts_even_with_columns(monkeypatch):
    monkeypatch.setattr(novelty, "_FEW", 5)
    index = index_of({row: f"the same words again {row}" for row in range(30)})
    index.remove(3)
    assert 3 not in {near.row for near in index.nearest("the same words again 3")}
    index.add(77, "quite another text")
    assert index.nearest("quite another text") == (Near(77, 1.0),)


def test_removing_what_is_not_there():
    with pytest.raises(KeyError):
        NoveltyIndex().remove(1)


def test_an_empty_pool_finds_everything_novel():
    index = NoveltyIndex()
    assert index.check("anything").novel
    assert index.nearest("anything") == ()
    assert index.mean("anything") == 0.0


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(UsageError):
        NoveltyIndex(threshold)


def test_too_many_different_tokens_are_an_error_people_can_read(monkeypatch):
    monkeypatch.setattr(novelty, "Vocabulary", lambda: Vocabulary(capacity=2))
    with pytest.raises(StudioError, match="task pool"):
        index_of({1: "one two three"})
