"""Counting how hard a task is."""

from __future__ import annotations

import pytest

from studio.methods.difficulty import Difficulty, constraints, of_task


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("Name a fruit.", 0),
        ("Explain why the sea is salty.", 0),
        ("Write a letter in at most 80 words and without the word rain.", 2),
        ("List three reasons, use only verbs, avoid lists.", 3),
        ("It costs 3.5 euros.", 1),
        ("Thus the museum amuses everyone.", 0),
        ("说出一种水果。", 0),
        ("画一只猫。", 0),
        ("给邻居写一封信，不超过一百个字，不得使用感叹号。", 2),
        ("用三句话解释潮汐，并举两个例子；只能用常见的字。", 3),
    ],
)
def test_a_constraint_is_a_clause_that_binds_the_answer(text, number):
    assert constraints(text) == number


def test_difficulty_adds_up_and_has_means():
    both = of_task("Name 3 fruits.") + of_task("说出一种水果")
    assert both == Difficulty(2, 9, 1)
    assert (both.length, both.constraints_each) == (4.5, 0.5)
    assert (Difficulty().length, Difficulty().constraints_each) == (0.0, 0.0)
