"""Where the last segment ends: what is asked stays where it is, what is said moves with its segment."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.curate.segments.context import context_of


def context(**row):
    found = context_of(Sft(**{"output": "oak", **row}))
    assert found is not None
    return found


def last(**row):
    """The last segment and what stays behind it."""
    found = context(**row)
    assert found.guard is None, found.guard
    assert found.segments.join() == row[found.field]
    return found.segments.bodies[-1].strip(), found.segments.suffix.strip()


@pytest.mark.parametrize(
    ("text", "body", "asked"),
    [
        ("[1] Oak is slow.\n[2] Elm is rare.\nWhich tree is slow?", "Elm is rare.", "Which tree is slow?"),
        ("【1】橡树长得慢。\n【2】榆树少见。\n哪种树长得慢？", "榆树少见。", "哪种树长得慢？"),
        ("[1] Oak.\n[2] Elm.\nWhich one? (Choose one.)", "Elm.", "Which one? (Choose one.)"),
        (
            "Passage 1\n\nOak is slow.\n\nPassage 2\n\nElm is rare.\n\nDescribe the slow tree.",
            "Elm is rare.",
            "Describe the slow tree.",
        ),
        ("材料一\n\n橡树慢。\n\n材料二\n\n榆树少。\n\n概括哪种树慢。", "榆树少。", "概括哪种树慢。"),
        (
            "Document 1: oak\n\nold\n\nDocument 2: elm\n\nrare\n\nName the old tree.\n\nUse one word.",
            "elm\n\nrare",
            "Name the old tree.\n\nUse one word.",
        ),
        (
            "Notes:\n- Bo bakes.\n- Bo rows.\n- Bo sings.\nWrite two lines about Bo.",
            "Bo sings.",
            "Write two lines about Bo.",
        ),
        (
            "几件事：\n- 老周烤面包。\n- 老周划船。\n- 老周唱歌。\n写两句话介绍老周。",
            "老周唱歌。",
            "写两句话介绍老周。",
        ),
        ("## Oak\nSlow.\n\n## Elm\nRare.\n\nPlease compare the trees.", "## Elm\nRare.", "Please compare the trees."),
        ("## 橡树\n慢。\n\n## 榆树\n少。\n\n请比较这两种树。", "## 榆树\n少。", "请比较这两种树。"),
        ("Oaks grow.\n\nBread rises.\n\nBells ring.\n\nSummarise the text.", "Bells ring.", "Summarise the text."),
        ("橡树在长。\n\n面包在发。\n\n钟在响。\n\n总结全文。", "钟在响。", "总结全文。"),
    ],
)
def test_a_request_behind_the_segments_of_an_instruction_stays(text, body, asked):
    assert last(instruction=text) == (body, asked)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Shorten this story to a line.\n\nOaks grow.\n\nBread rises.\n\nBells ring.", "Oaks grow."),
        ("概括下面的故事。\n\n橡树在长。\n\n面包在发。\n\n钟在响。", "橡树在长。"),
    ],
)
def test_a_request_before_paragraphs_is_none_of_them(text, first):
    found = context(instruction=text)
    assert (found.guard, found.segments.bodies[0], len(found.segments)) == (None, first, 3)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("Document [1] Oak.\n\nDocument [2] Elm.\n\nElm is rare.", "Elm.\n\nElm is rare."),
        ("文档1：橡树。\n\n文档2：榆树。\n\n榆树少见。", "榆树。\n\n榆树少见。"),
        ("[1] Oak, a recipe:\nBoil it.\n[2] Elm, a recipe:\nUse salt.", "Elm, a recipe:\nUse salt."),
        ("[1] 橡树面包：\n先磨面。\n[2] 榆树面包：\n用盐水和面。", "榆树面包：\n用盐水和面。"),
        ("[1] Q: how tall?\nA: 9 m\n[2] Q: how old?\nA: 90", "Q: how old?\nA: 90"),
        ("[1] Oak.\nIs it slow?\n[2] Elm.\nIs it rare?", "Elm.\nIs it rare?"),
        ("## Oak\nSlow.\n\n## Elm\nRare.\n\nUse it for wheels.", "## Elm\nRare.\n\nUse it for wheels."),
    ],
)
def test_what_is_said_last_belongs_to_the_last_segment_where_the_question_stands_elsewhere(text, body):
    assert last(instruction="Which tree is it?", input=text) == (body, "")


@pytest.mark.parametrize(
    "text",
    [
        "Document [1] Oak.\nDocument [2] Today's table:\nA. soup\nB. fish",
        "文档1：橡树。\n文档2：今天的菜：\nA. 汤\nB. 鱼",
        "[1] Oak.\n\n[2] Elm.\n\nName it in a word.",
        "[1] Oak,\nslow.\n[2] Elm,\nrare.\nDo you like it?",
    ],
)
def test_where_that_is_uncertain_the_row_stays(text):
    assert context(instruction="Which tree is it?", input=text).guard.code == "outline"


@pytest.mark.parametrize(
    "text",
    ["[1] Oak.\n[2] Elm.\n\nWhich is slow?\nA. one\nB. two", "[1] Oak.\n[2] Elm.\nWhich is slow?\n\nA. one\nB. two"],
)
def test_a_question_goes_with_its_options(text):
    assert last(instruction="Answer.", input=text) == ("Elm.", text[text.index("Which") :])


@pytest.mark.parametrize(
    "text",
    [
        "[1] Oak is slow.\n[2] Elm is rare.",
        "Some notes:\n- oak\n- elm\n- ash",
        "笔记：\n- 橡树\n- 榆树\n- 白蜡",
        "Oaks grow.\n\nBread rises.\n\nBells ring.",
    ],
)
def test_an_instruction_of_nothing_but_segments_stays(text):
    assert context(instruction=text).guard.code == "no-question"
    assert context(instruction=text, input="Which is slow?").guard is None


def test_so_does_one_whose_question_cannot_be_told_from_the_last_entry():
    assert (
        context(instruction="Notes:\n- Bo bakes\n- Bo rows\n- Bo sings\ntell me about Bo").guard.code == "no-question"
    )


@pytest.mark.parametrize(
    "lead",
    ["Which is slow?", "List the slow trees.", "I want to know the slow trees.", "哪种树慢？", "请找出长得慢的树。"],
)
def test_a_question_before_the_segments_is_enough(lead):
    assert last(instruction=f"{lead}\n\n[1] Oak is slow.\n[2] Elm is rare.") == ("Elm is rare.", "")


def test_lines_that_carry_an_entry_on_belong_to_it():
    text = "Facts:\n- Oak is slow and\n  old.\n- Ash is quick and\nlight.\n- Elm is rare and\nheavy.\nWhich is slow?"
    assert last(instruction=text) == ("Elm is rare and\nheavy.", "Which is slow?")
    only = "Facts:\n- Oak is slow.\n- Ash is quick.\n- Elm is rare and\nheavy."
    assert last(instruction="Which?", input=only) == ("Elm is rare and\nheavy.", "")
    behind = "Facts:\n- Oak is slow.\n- Ash is quick.\n- Elm is rare.\nBirch is none of them."
    assert last(instruction="Which?", input=behind) == ("Elm is rare.", "Birch is none of them.")
