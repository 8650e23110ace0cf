from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Sft
from studio.methods.self_instruct.seed_tasks import (
    HINTS,
    IS_CLASSIFICATION,
    NO_CLASSIFICATION,
    classification,
    guess,
    hints,
    marked,
    next_mark,
)

TAGS = st.lists(st.sampled_from([IS_CLASSIFICATION, NO_CLASSIFICATION, "hard", "数学"]), unique=True).map(tuple)
EXTRAS = st.sampled_from([None, b'{"is_classification":true}', b'{"is_classification":false}', b'{"id":"seed_task_0"}'])


@pytest.mark.parametrize(
    ("instruction", "answer"),
    [
        ("Decide whether the review is positive, negative or mixed.", True),
        ("Label the customer message as billing or delivery.", True),
        ("Is the following number a prime number?", True),
        ("判断下面的留言是投诉还是表扬。", True),
        ("把这条新闻归入体育、财经或科技。", True),
        ("Explain why bread dough rises.", False),
        ("Is it true what they say? Tell me the story of the lighthouse.", False),
        ("写一首关于秋天的短诗。", False),
    ],
)
def test_the_wording_tells_a_classification_task(instruction, answer):
    told = guess(instruction)
    assert (told.answer, told.known) == (answer, False)
    if answer:
        assert told.why.removeprefix("it says “").removesuffix("”") in instruction


def test_a_person_counts_before_the_file_and_the_file_before_the_wording():
    poem, extras = "写一首关于秋天的短诗。", b'{"id":"seed_task_3","is_classification":true}'
    assert classification(poem, (), None)[:2] == (False, False)
    assert classification(poem, (), extras)[:2] == (True, True)
    assert classification(poem, (NO_CLASSIFICATION,), extras)[:2] == (False, True)
    assert classification(poem, (), b'{"is_classification":"yes"}').known is False


@given(st.text(), TAGS, EXTRAS)
def test_asking_again_and_again_comes_back_to_saying_nothing_after_each_new_answer(instruction, tags, extras):
    said, now = [], marked(tags, None)
    while (answer := next_mark(instruction, now, extras)) is not None:
        now = marked(now, answer)
        assert classification(instruction, now, extras)[:2] == (answer, True)
        said.append(answer)
        assert len(said) <= 2
    unmarked = classification(instruction, marked(tags, None), extras)
    assert said == ([not unmarked.answer] if unmarked.known else [unmarked.answer, not unmarked.answer])


@given(TAGS, st.sampled_from([True, False, None]))
def test_a_mark_leaves_other_tags_as_they_are(tags, answer):
    others = [tag for tag in tags if tag not in (IS_CLASSIFICATION, NO_CLASSIFICATION)]
    assert [tag for tag in marked(tags, answer) if tag in others] == others
    assert len(marked(tags, answer)) == len(others) + (answer is not None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Sft("Describe a plane and how it is used.", "", "It smooths wood."), []),
        (Sft("说说木匠怎么用刨子。", "", "推着它把木头刨平。"), []),
        (Sft("Describe a plane.", "", ""), [("too-short", "3 words"), ("no-output", "neither input nor output")]),
        (Sft("画一张桌子的图片并说明。", "", "好。"), [("blacklisted", "画一张")]),
        (Sft("Draw a chair with four legs.", "", "Done."), [("blacklisted", "draw")]),
        (Sft("Write a program that sorts names.", "", "sorted(names)"), [("asks-for-a-program", "Write a program")]),
        (Sft("Опишите рубанок и его назначение.", "", "Инструмент."), [("other-script", "letters")]),
        (Sft("Repeat these words after me.", "", "repeat these  words after me."), [("copies-instruction", "both")]),
        (Sft("Say it once more, please.", "Tools", "Tools"), [("copies-input", "both")]),
        (Sft("列出木匠用的四种工具。", "", "工具如下："), [("ends-with-colon", "工具如下")]),
    ],
)
def test_what_speaks_against_a_seed_and_why(row, said):
    found = hints(row)
    assert [hint.rule for hint in found] == [rule for rule, _ in said]
    assert all(part in hint.reason for hint, (_, part) in zip(found, said, strict=True))


@given(st.text(), st.text(), st.text())
def test_every_hint_has_a_meaning_and_a_reason(instruction, input, output):
    for hint in hints(Sft(instruction, input, output)):
        assert HINTS[hint.rule]
        assert hint.reason
