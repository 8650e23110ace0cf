"""Answers that take the segments one by one."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Preference, Sft
from studio.curate.segments.context import context_of

REVIEWS = "Reviews of the inn:\n1. The soup is good.\n2. The bed is hard.\n3. The price is fair."
点评 = "几条点评：\n1. 汤好喝。\n2. 床太硬。\n3. 价钱公道。"
STORY = "The owl sleeps.\n\nThe fox barks.\n\nSwifts fly."
故事 = "猫头鹰睡觉。\n\n狐狸在叫。\n\n雨燕在飞。"
PAIR = '[{"name": "Ada Quill", "town": "Harrow"}, {"name": "Wim Harte", "town": "Carrow"}]'
DATES = "[1] The mill burned in 1901.\n[2] The lock was dug in 1904.\n[3] The dam was raised in 1911."
年份 = "[1] 磨坊在1901年失火。\n[2] 船闸在1904年挖成。\n[3] 堤坝在1911年加高。"


def guard_of(instruction, text, output):
    context = context_of(Sft(instruction=instruction, input=text, output=output))
    assert context is not None
    return context.guard


@pytest.mark.parametrize(
    ("instruction", "text", "output"),
    [
        ("Say the mood of the reviews.", REVIEWS, "glad\ncross\nglad"),
        ("说出点评的情绪。", 点评, "高兴\n生气\n高兴"),
        ("Say the mood of the reviews.", REVIEWS, '["glad", "cross", "glad"]'),
        ("Classify the reviews.", REVIEWS, "glad, cross, glad"),
        ("给点评分类。", 点评, "好、坏、好"),
        ("Make a table of the reviews.", REVIEWS, "topic,mood\nsoup,glad\nbed,cross\nprice,glad"),
        ("Make a table of the reviews.", REVIEWS, "|on|is|\n|-|-|\n|soup|+|\n|bed|-|\n|price|+|"),
        ("Translate into German.", STORY, "Die Eule schläft. Der Fuchs bellt. Segler fliegen."),
        ("Please rewrite it in verse.", STORY, "The owl, it sleeps, the fox, it barks, and swifts, they fly."),
        ("翻译成英文。", 故事, "The owl sleeps. The fox barks. Swifts fly."),
        ("Convert to CSV.", PAIR, "name,town\nAda Quill,Harrow\nWim Harte,Carrow"),
        ("Tell it as one tale.", DATES, "The mill burned, in 1901; the lock was dug in 1904; the dam rose in 1911."),
        ("讲成一个故事。", 年份, "先是磨坊在1901年失火，后来船闸在1904年挖成，堤坝则在1911年加高。"),
    ],
)  # fmt: skip
def test_they_keep_the_segments_in_their_order(instruction, text, output):
    assert guard_of(instruction, text, output).code == "parallel"


@pytest.mark.parametrize(
    ("instruction", "text", "output"),
    [
        ("Which review is cross?", REVIEWS, "The bed is hard."),
        ("哪条点评不满意？", 点评, "床太硬。"),
        ("Who translated it?", DATES, "Nobody."),
        ("哪一年失火？请翻译成英文。", 年份, "1901"),
        ("What happened to the lock?", DATES, "It was dug.\nThat was in 1904."),
        ("Tell it backwards.", DATES, "The dam was raised in 1911, the lock dug in 1904, and the mill burned in 1901."),
        ("Tell it as one tale.", DATES, "It burned in 1901 [1], the lock came in 1904 [2], the dam in 1911 [3]."),
        ("Copy the verse.", "[1] Oak\nelm\nash\n[2] Owl\n[3] Fox", "Oak\nelm\nash"),
    ],
)  # fmt: skip
def test_other_answers_let_them_move(instruction, text, output):
    assert guard_of(instruction, text, output) is None


def test_an_answer_in_the_manner_of_examples_has_no_order_of_theirs():
    shots = "Example 1\nInput: a\nOutput: glad\n\nExample 2\nInput: b\nOutput: sad\n\nExample 3\nInput: c\nOutput: sad"
    assert guard_of("Classify.", f"{shots}\n\nInput: d\nOutput:", "glad\nsad\nsad") is None


def test_either_of_two_answers_counts():
    row = Preference(instruction="Say the moods.", input=REVIEWS, chosen="Two of three are glad.", rejected="+\n-\n+")
    assert context_of(row).guard.code == "parallel"
