"""The elimination rules by example (methods.md 2.2), with the ways other programs got them wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from studio.methods import evol_instruct as evol
from studio.methods.evol_instruct.prompts import FILES, OPERATIONS

PARENT = {"en": "Name a fruit.", "zh": "说出一种水果。"}


def long_answer(words, opening="Sorry, here is what is known:"):
    return " ".join([*opening.split(), *["pear"] * (words - len(opening.split()))])


# -- rule 4, and the free part of rule 1: the instruction ------------------------------------------


@pytest.mark.parametrize(
    "evolved",
    [
        "Rewrite the given prompt so that it is longer.",
        "Here is the rewritten prompt: name two fruits",
        "#Given Prompt#: name two fruits",
        "#Rewritten Prompt#:\nName two fruits.",
        "#Created Prompt#: Name a nut.",
        "REWRITTEN PROMPT",
        "# given prompt #",
        "#改写后的指令#：说出两种水果。",
        "#原指令#：说出一种水果",
        "请根据给定的提示回答。",
        "＃改写后的提示＃：说出两种水果。",
        "#新任务#：说出一种乐器。",
        "#原任务：说出一种水果",
    ],
)
def test_an_instruction_that_copies_the_evolving_prompt_is_eliminated(evolved):
    # EasyInstruct joins two of these phrases for want of a comma, and its "\\b#" can never match.
    found = evol.check_instruction(evolved, "Name a fruit.")
    assert found is not None
    assert found.rule == "copied-prompt"


@pytest.mark.parametrize(
    "evolved",
    [
        "Name two fruits and say which one is given to guests.",
        "Write a prompt for a poet about rain.",
        "请说出两种水果，并改写成一句诗。",
        "Explain what '#' means in Markdown.",
        "写一条新任务，并给出提示。",
        "用 # 号开头写一个新的标题。",
        "I am sorry to ask: which fruit keeps longest?",  # rule 2 is about answers, not instructions
        "Is it the same as that?",  # rule 3 too: nothing but stop words may be asked
    ],
)
def test_an_ordinary_instruction_passes(evolved):
    assert evol.check_instruction(evolved, "Name a fruit.") is None


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("change", [str, str.upper, lambda text: f"  {text}\n"])
def test_an_instruction_equal_to_its_parent_needs_no_judge(language, change):
    found = evol.check_instruction(change(PARENT[language]), PARENT[language])
    assert found is not None
    assert found.rule == "no-gain"


@pytest.mark.parametrize("evolved", ["", "  \n", "...", "？！"])
def test_an_empty_instruction_gains_nothing(evolved):
    found = evol.check_instruction(evolved, "Name a fruit.")
    assert found is not None
    assert found.rule == "no-gain"


# -- rule 2: a short apology -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "eliminated"),
    [
        ("Sorry, I cannot answer that.", True),
        ("I'm SORRY but no.", True),
        (long_answer(79), True),
        (long_answer(80), False),
        ("The king was not amused.", False),
        ("抱歉，我无法回答这个问题。", True),
        ("对不起，这个我不清楚。", True),
        ("Sorry，这道题我不会。", True),
        ("抱歉" + "果" * 141, True),
        ("抱歉" + "果" * 142, False),
        ("作为人工智能，我无法尝到水果。", True),
        ("很遗憾，目前无法提供这些信息。", True),
        ("I am an assistant. 对不起", True),
        ("人离开空气无法呼吸。", False),  # 无法 alone is a word of good answers
        ("这个定理无法推广到奇数维。", False),
        ("苹果是一种水果。", False),
    ],
)
def test_a_short_apology_is_eliminated(answer, eliminated):
    found = evol.check_answer(answer)
    assert (found is not None and found.rule == "hard-to-answer") is eliminated


def test_words_are_counted_as_people_write_them():
    # "don't" is one word of the eighty, though it has two tokens.
    assert evol.check_answer("Sorry, " + "don't " * 78) is not None
    assert evol.check_answer("Sorry, " + "don't " * 79) is None


def test_how_short_an_apology_is_can_be_chosen():
    apology = "Sorry, " + "pear " * 30
    assert evol.check_answer(apology, short=31) is None
    assert evol.check_answer(apology, short=32) is not None
    assert evol.check_answer("抱歉" + "果" * 54, short=31) is None
    assert evol.check_answer("抱歉" + "果" * 53, short=31) is not None


# -- rule 3: nothing but stop words and punctuation ------------------------------------------------


@pytest.mark.parametrize("answer", ["", "...", "It is what it is.", "的。", "And so on, and so on!", "——", "I don't."])
def test_an_answer_of_stop_words_is_eliminated(answer):
    # distilabel's v0 compared a set with 0, which is never true, and looked at the instruction.
    found = evol.check_answer(answer)
    assert found is not None
    assert found.rule == "only-stop-words"


@pytest.mark.parametrize("answer", ["Yes.", "42", "A pear.", "梨。", "x = 1"])
def test_a_short_answer_with_content_passes(answer):
    assert evol.check_answer(answer) is None


# -- rule 1: the judge -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verdict",
    [
        "Equal",
        "equal.",
        "**Equal**",
        "The two prompts are equal.",
        "相等",
        "相同。",
        "Added: nothing.\nEqual",
        "Verdict: Equal",
    ],
)
def test_an_equal_verdict_eliminates(verdict):
    found = evol.check_judgement(verdict)
    assert found is not None
    assert found.rule == "no-gain"


@pytest.mark.parametrize(
    "verdict",
    [
        "Not Equal",
        "not_equal",
        "They are not equal",
        "Unequal.",
        "答案是Not Equal",
        "不相等",
        "不同",
        "Added: equal shares for all.\nNot Equal",
        "Not Equal\nThe second asks for equal parts of both.",
        "",
        "I cannot say",
        "Equality is not asked",
    ],
)
def test_any_other_verdict_does_not_eliminate(verdict):
    assert evol.check_judgement(verdict) is None


def test_every_elimination_names_a_known_rule_and_its_evidence():
    found = [
        evol.check_instruction("#Given Prompt#", "x"),
        evol.check_instruction("x", "x"),
        evol.check_answer("Sorry."),
        evol.check_answer("the"),
        evol.check_judgement("Equal"),
    ]
    for one in found:
        assert one is not None
        assert one.rule in evol.RULES
        assert one.evidence


# -- the draw --------------------------------------------------------------------------------------


def test_operations_are_drawn_evenly_and_depend_on_seed_round_and_task_only():
    drawn = Counter(evol.operation(42, round, root) for round in range(1, 5) for root in range(1500))
    assert set(drawn) == set(OPERATIONS)
    assert all(850 < n < 1150 for n in drawn.values())
    assert evol.operation(42, 1, 7) == evol.operation(42, 1, 7)
    assert [evol.operation(1, 1, root) for root in range(50)] != [evol.operation(2, 1, root) for root in range(50)]


def test_weights_bend_the_draw_and_leave_nothing_else():
    weights = {"deepening": 3.0, "in_breadth": 1.0, "concretizing": 0.0}
    drawn = Counter(evol.operation(42, 1, root, weights) for root in range(4000))
    assert set(drawn) == {"deepening", "in_breadth"}
    assert 2800 < drawn["deepening"] < 3200


def test_a_tasks_place_in_a_round_does_not_depend_on_the_others():
    few = sorted(range(0, 100, 7), key=lambda root: evol.order(42, 1, root))
    many = [root for root in sorted(range(100), key=lambda root: evol.order(42, 1, root)) if root % 7 == 0]
    assert few == many != sorted(few)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("profile", ["standard", "small"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_messages_carry_the_task_unchanged(language, profile, operation):
    prompts = FILES.load(language, profile)
    text = "Say {instruction} in 中文.\n```\n{x}\n```"
    for messages in (evol.evolving_messages(prompts, operation, text), evol.answering_messages(prompts, text)):
        assert text in messages[-1][1]
        assert messages[-1][0] == "user"
    judged = evol.judging_messages(prompts, "first task", "second task")[-1][1]
    assert judged.index("first task") < judged.index("second task")
