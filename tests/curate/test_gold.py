from __future__ import annotations

import pytest

from studio.curate.gold import Guess, guess_gold
from studio.curate.segments import segment

ENGLISH = segment(
    "Document 1: The bakery in Harrow opens at five.\n"
    "Document 2: The east lamp was lit in 1904 by Ada Quill, a retired pilot.\n"
    "Document 3: Nine boats of larch were built in Harrow for 1911."
)
CHINESE = segment("文档1：面包房每天五点开门。\n文档2：东灯塔由退休领航员秋水点亮。\n文档3：渔村用落叶松造了九条船。")


@pytest.mark.parametrize(
    ("segments", "question", "answer", "guess"),
    [
        (ENGLISH, "When was the lamp lit?", "1904", Guess(1, ("1904",))),
        (ENGLISH, "Who lit the lamp?", "It was lit by the pilot Ada Quill.", Guess(1, ("pilot", "ada", "quill"))),
        (CHINESE, "灯塔是谁点亮的？", "秋水", Guess(1, ("秋水",))),
        (CHINESE, "船用什么造的？", "船是用落叶松做的。", Guess(2, ("落叶", "叶松"))),
        (ENGLISH, "Where?", "Harrow", None),
        (ENGLISH, "Was it lit?", "Yes.", None),
        (ENGLISH, "Who is who?", "Ada Quill is no baker, and larch is no oak.", None),
        (ENGLISH, "Who?", "Nobody named here.", None),
        (CHINESE, "是吗？", "是的。", None),
        (CHINESE, "谁？", "领航员和面包房。", None),
        (ENGLISH, "When?", "", None),
    ],
)
def test_a_guess_is_certain_or_none(segments, question, answer, guess):
    assert guess_gold(segments, question, answer) == guess


def test_whole_tokens_count_not_parts_of_words():
    segments = segment("[1] The catalogue is red.\n[2] The cat sleeps.")
    assert guess_gold(segments, "What sleeps?", "cat") == Guess(1, ("cat",))
