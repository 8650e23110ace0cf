"""What keeps segments in their order, each with its reason; and what does not."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.curate.segments.context import context_of
from studio.curate.segments.guards import CODES, MEANINGS

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


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Steps:\n[1] Warm the wax.\n[2] Stir it.\n[3] Pour it.", "steps"),
        ("步骤：\n[1] 化开蜡。\n[2] 搅一搅。\n[3] 倒出来。", "steps"),
        ("[1] Step one: warm it.\n[2] Step two: pour it.", "steps"),
        ("[1] Ada: Is it warm?\n[2] Wim: Feel it, and you?\n[3] Ada: It is.", "dialogue"),
        ("文档1：秋水：灯亮了吗？\n文档2：老周：亮了。\n文档3：秋水：好。", "dialogue"),
        ("[1] 08:10 the lamp is lit\n[2] 08:15 fog\n[3] 08:40 the lamp is out", "chronology"),
        ("【1】1901年开工。\n【2】1904年完工。\n【3】1911年拆除。", "chronology"),
        ("<event date='1901'>built</event>\n<event date='1904'>sold</event>", "chronology"),
        ("<steps>\n<do>Warm the wax.</do>\n<do>Pour it.</do>\n</steps>", "steps"),
        ("## 2019\n\nmilled\n\n## 2021\n\nsold", "chronology"),
        ("## Monday\n\nmilled\n\n## Tuesday\n\nsold", "chronology"),
        ("## 周一\n\n磨面\n\n## 周二\n\n卖面", "chronology"),
        ("## v2.1\n\nmends\n\n## v2.0\n\nbreaks", "chronology"),
        ("Notes:\n- Begun (1901)\n- Sold (1904)\n- Shut (1911)", "chronology"),
        ("笔记：\n- 开工，1901年\n- 出售，1904年\n- 关门，1911年", "chronology"),
        ("“Is the lamp lit?” asked Ada.\n\n“It is,” said Wim.\n\nThe fog rose.", "dialogue"),
        ("“灯亮了吗？”秋水问。\n\n“亮了。”老周说。\n\n雾升起来。", "dialogue"),
        ("lamps = 3\n\nlamps = lamps + 1\n\nprint(lamps)", "code"),
        ("SELECT name\n\nINSERT INTO lamps VALUES (1)\n\nA note.", "code"),
        ("cd lamps\n\ngit pull\n\nA note.", "code"),
        (
            '{"steps": [{"do": "warm the wax in a bath of hot water"}, {"do": "pour it in the mould by the stove"}]}',
            "steps",
        ),
        ('{"步骤": ["把蜡放进水里慢慢化开", "把灯芯放在模子的中间", "把化开的蜡倒进模子"]}', "steps"),
        (
            '{"messages": [{"text": "is the lamp lit by now, Wim?"}, {"text": "it has been lit for an hour"}]}',
            "dialogue",
        ),
        (
            '[{"human": "is the lamp lit?", "bot": "it is lit"}, {"human": "since when?", "bot": "since six"}]',
            "dialogue",
        ),
        ('[{"start": 0.5, "text": "good evening to all"}, {"start": 2, "text": "this is the lamp"}]', "chronology"),
        (
            '[{"startTime": "1901-03-01", "what": "begun"}, {"startTime": "1904-03-01", "what": "sold"},'
            ' {"startTime": "1911-03-01", "what": "shut"}]',
            "chronology",
        ),
    ],
)
def test_order_is_seen_in_every_kind(text, code):
    assert guard_of(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        "Document 1: The oak fell in 1901.\nDocument 2: The ash fell in 1904.\nDocument 3: The elm fell in 1911.",
        "文档1：橡树倒于1901年。\n文档2：白蜡倒于1904年。\n文档3：榆树倒于1911年。",
        "[1] 1911 was dry.\n[2] 1901 was wet.\n[3] 1904 was mild.",
        "[1] Title: Oak\n[2] Source: an old book\n[3] Title: Elm",
        "Read the passages on the history of the mill:\n[1] Oak beams.\n[2] Elm wheels.",
        "Search results on how to warm wax:\n[1] A bath.\n[2] A stove.",
        "<doc date='1901'>built</doc>\n<doc date='1904'>sold</doc>",
        "<doc date='1904'>sold</doc>\n<doc date='1901'>built</doc>\n<doc date='1911'>shut</doc>",
        "## Oak 1901\n\nSlow.\n\n## Elm 1904\n\nRare.",
        "Boats:\n- the Heron (1911)\n- the Otter (1901)\n- the Crane (1904)",
        "Prices:\n- oak, 1.5\n- ash, 2.5\n- elm, 3.5",
        '[{"id": 1, "price": 10, "text": "an oak chair"}, {"id": 2, "price": 20, "text": "an elm table"},'
        ' {"id": 3, "price": 30, "text": "a stool of ash"}]',
        '[{"user": "秋水在灯塔上守了三十年，退休了"}, {"user": "老周在渡口撑了二十年的船，还在撑"}]',
    ],
)
def test_what_only_looks_like_order_may_move(text):
    assert guard_of(text) is None


def test_every_guard_has_a_meaning():
    assert set(MEANINGS) == set(CODES)
