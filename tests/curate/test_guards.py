"""What keeps segments in their order, each with its reason; and what does not."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.curate.context import context_of
from studio.curate.guards import CODES, MEANINGS

DOCS = "Document 1: The oak is slow.\nDocument 2: The ash is quick.\nDocument 3: The elm is rare."


def guard_of(input="", instruction="Which is it?", output="The ash", **more):
    context = context_of(Sft(instruction=instruction, input=input, output=output, **more))
    assert context is not None
    return context.guard


@pytest.mark.parametrize(
    ("text", "code", "evidence"),
    [
        ("1. Boil water.\n\n2. Add tea.\n\n3. Wait.", "steps", "1. Boil water."),
        ("Step 1: Boil.\n\nStep 2: Pour.\n\nStep 3: Wait.", "steps", "Step 1"),
        ("第一步：烧水。\n\n第二步：放茶。\n\n第三步：等待。", "steps", "第一步"),
        ("In 1901 it was built.\n\nIn 1944 it burned.\n\nIt smokes.", "leaning", "It"),
        ("In 1901 it was built.\n\nIn 1944 it burned.\n\nOaks grew.", "chronology", "In 1901, In 1944"),
        ("On Monday rain.\n\nBy evening snow.\n\nOaks fell.", "chronology", "On Monday, By evening"),
        ("清早下雨。\n\n傍晚下雪。\n\n橡树倒了。", "chronology", "清早, 傍晚"),
        ("1901年建成。\n\n1944年烧毁。\n\n橡树长大。", "chronology", "1901年, 1944年"),
        ("x = read();\n\nshow(x);\n\nIt shows 6", "code", "x = read();"),
        ("User: hello\n\nAssistant: hi\n\nUser: bye", "dialogue", "User:, Assistant:"),
        ("甲：你好\n\n乙：你好\n\n甲：再见", "dialogue", "甲：, 乙："),
        ("Dear Bela,\n\nthe oven is mended.\n\nBring flour.", "letter", "Dear"),
        ("炉子修好了。\n\n带上面粉。\n\n此致\n敬礼", "letter", "此致"),
        ("Oaks grow.\n\nHowever, slowly.\n\nAsh is fast.", "leaning", "However"),
        ("Oaks grow.\n\nThey grow slowly.\n\nAsh is fast.", "leaning", "They"),
        ("橡树会长。\n\n它长得慢。\n\n白蜡长得快。", "leaning", "它"),
        ("橡树会长。\n\n随后落叶。\n\n白蜡长得快。", "leaning", "随后"),
        ("Oaks grow.\n\n# Ash\n\nAsh is fast.", "outline", "# Ash"),
    ],
)
def test_prose_whose_order_means_something(text, code, evidence):
    guard = guard_of(text)
    assert (guard.code, guard.evidence) == (code, evidence)
    assert str(guard) == f"{MEANINGS[code]}: {evidence!r}"


@pytest.mark.parametrize(
    "text",
    [
        "Oaks grow slowly.\n\nThe bakery opens at five.\n\nLarch makes boats.",
        "Oaks were planted in 1901.\n\nIn 1904 a mill burned.\n\nLarch makes boats.",
        "Itaipu is a dam.\n\nThermal springs are warm.\n\nTheseus had a ship.",
        "橡树长得慢。\n\n面包房五点开门。\n\n落叶松可以造船。",
        "这里有一座桥。\n\n其实没有人走。\n\n那么多船都沉了。"[:8] + "\n\n城门朝南。\n\n水井很深。",
    ],
)
def test_prose_that_may_move(text):
    assert guard_of(text) is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"instruction": "What does the first document say?"}, "names-place"),
        ({"instruction": "上一篇文档说了什么？"}, "names-place"),
        ({"output": "The former."}, "names-place"),
        ({"output": "前者。"}, "names-place"),
        ({"system": "Look at the last document."}, "names-place"),
        ({"history": (("Which one?", "The second document."),)}, "names-place"),
        ({"instruction": "Summarise each document."}, "names-place"),
        ({"output": "1. slow\n2. quick\n3. rare"}, "parallel"),
        ({"output": "2"}, "unclear-reference"),
        ({"output": "Document 9."}, "unclear-reference"),
        ({"input": DOCS.replace("quick", "slower than the one in Document 1")}, "cross-reference"),
        ({"input": DOCS.replace("The ash is quick", "Then came the ash")}, "leaning"),
        ({"input": DOCS.replace("Document", "Paragraph").replace("The ash", "It")}, "leaning"),
    ],
)
def test_rows_that_would_become_wrong(fields, code):
    assert guard_of(**{"input": DOCS, **fields}).code == code


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"instruction": "Which of the documents is it? Answer from the passages above."},
        {"output": "The ash [2], as Document 2 says."},
        {"output": "- quick\n- light"},
        {"output": "1904"},
        {"input": DOCS.replace("The ash is quick", "It was quick in 1901")},
    ],
)
def test_rows_that_may_move(fields):
    assert guard_of(**{"input": DOCS, **fields}) is None


def test_every_guard_has_a_meaning():
    assert set(MEANINGS) == set(CODES)
