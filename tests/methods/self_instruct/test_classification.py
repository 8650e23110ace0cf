from __future__ import annotations

import pytest

from studio.methods.self_instruct import classification
from studio.methods.self_instruct.prompts import FILES


@pytest.mark.parametrize(
    "reply", ["Yes", "yes", "YES", " Yes.", "**Yes**", "Yes, it is.", "是", "是的", "是。", "“是”", "Yes\nTask:"]
)
def test_yes(reply):
    assert classification.read(reply)


@pytest.mark.parametrize("reply", ["No", "no", "否", "不是", "是否", "是不是", "", "Maybe", "Yesterday", "It is: yes"])
def test_anything_else_is_no(reply):
    assert not classification.read(reply)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("profile", ["standard", "small"])
def test_the_question_comes_after_12_yes_and_19_no(language, profile):
    turns = classification.messages(FILES.load(language, profile), "Name a bird.")
    assert [role for role, _ in turns] == ["system", *["user", "assistant"] * 31, "user"]
    answers = [classification.read(text) for role, text in turns if role == "assistant"]
    assert (sum(answers), len(answers)) == (12, 31)
    asked = [text for role, text in turns if role == "user"]
    assert len(set(asked)) == 32
    assert "Name a bird." in asked[-1]
    assert all(text.partition("\n")[2] == asked[-1].partition("\n")[2] for text in asked)
