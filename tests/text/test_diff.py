from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from studio.text.diff import Change, pieces, word_diff

TEXTS = st.one_of(st.text(), st.text("ab 写 诗,。\n", max_size=30))


def test_a_replaced_word():
    assert word_diff("Name three red fruits.", "Name four red fruits.") == [
        Change("same", "Name ", "Name "),
        Change("replace", "three", "four"),
        Change("same", " red fruits.", " red fruits."),
    ]


def test_chinese_differs_by_characters():
    assert word_diff("写一首秋天的诗", "写一首春天的短诗") == [
        Change("same", "写一首", "写一首"),
        Change("replace", "秋", "春"),
        Change("same", "天的", "天的"),
        Change("insert", "", "短"),
        Change("same", "诗", "诗"),
    ]


def test_a_rewritten_phrase_is_one_change():
    kinds = [change.kind for change in word_diff("count big cats", "count small dogs")]
    assert kinds == ["same", "replace"]


def test_texts_without_a_left_or_right_side():
    assert word_diff("", "") == []
    assert word_diff("gone", "") == [Change("delete", "gone", "")]
    assert word_diff("", "来了") == [Change("insert", "", "来了")]


def test_pieces_keep_marks_with_their_letter():
    assert pieces("e\u0301té,  用py") == ["e\u0301té", ",", "  ", "用", "py"]


@given(TEXTS, TEXTS)
def test_the_parts_are_the_texts(left, right):
    changes = word_diff(left, right)
    assert "".join(change.left for change in changes) == left
    assert "".join(change.right for change in changes) == right
    for change in changes:
        assert (change.kind == "same") == (change.left == change.right)
        assert change.kind != "delete" or not change.right
        assert change.kind != "insert" or not change.left
    assert all(one.kind != other.kind for one, other in pairwise(changes))
