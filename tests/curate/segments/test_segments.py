from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.segments.segment import Segments
from studio.curate.segments.shapes.finding import find

DOCUMENTS = """Read these and answer.

Document [1](Title: Lamps) The east lamp was lit in 1904.
Document [2](Title: Boats) Nine boats were built of larch.
Document [3](Title: Bread) The bakery opens at five.

Question: When was the east lamp lit?
Answer:"""

文档 = """请阅读下列文档。

文档[1]（标题：灯塔）东灯塔于光绪三十年点亮。
文档[2]（标题：渔船）九条渔船用落叶松造成。
文档[3]（标题：面包）面包房五点开门。

问题：东灯塔是哪一年点亮的？"""


def segment(text) -> Segments | None:
    """The segments that may change places."""
    found = find(text)
    return None if found is None or found.guard else found.segments


def bodies(text):
    found = segment(text)
    return None if found is None else [body.strip() for body in found.bodies]


@pytest.mark.parametrize("text", [DOCUMENTS, 文档, DOCUMENTS.replace("\n", "\r\n")])
def test_labelled_documents(text):
    found = segment(text)
    assert found is not None
    assert len(found) == 3
    assert [label[-3:] for label in found.labels] == ["[1]", "[2]", "[3]"]
    assert found.suffix.strip().startswith(("Question:", "问题："))
    assert found.join() == text


def test_labels_stay_in_order_when_bodies_move():
    found = segment(文档)
    moved = found.moved([2, 0, 1])
    assert (
        moved.join()
        == """请阅读下列文档。

文档[1]（标题：面包）面包房五点开门。
文档[2]（标题：灯塔）东灯塔于光绪三十年点亮。
文档[3]（标题：渔船）九条渔船用落叶松造成。

问题：东灯塔是哪一年点亮的？"""
    )
    assert moved.order == (2, 0, 1)
    assert moved.moved([1, 2, 0]) == found
    with pytest.raises(ValueError, match="permutation"):
        found.moved([0, 0, 1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Document 1: oak\nDocument 2: ash", ["oak", "ash"]),
        ("Passage 0:\noak\n\nPassage 1:\nash\n\nWhich is a tree?", ["oak", "ash"]),
        ("**Passage 1:** oak\n**Passage 2:** ash", ["oak", "ash"]),
        ("[1] oak\n[2] ash\n[3] elm", ["oak", "ash", "elm"]),
        ("文档1：橡树\n文档2：白蜡", ["橡树", "白蜡"]),
        ("段落 1：橡树\n段落 2：白蜡\n请问哪种是树？", ["橡树", "白蜡"]),
        ("【1】橡树\n【2】白蜡\n\n请回答问题。", ["橡树", "白蜡"]),
        ("材料一：橡树\n材料二：白蜡", ["橡树", "白蜡"]),
        ("\n".join(f"材料{n}：树" for n in ["九", "十", "十一"]), None),
        (
            "Document 1: oak\n\nmore oak\n\nDocument 2: ash\n\nmore ash\n\nIs it a tree?",
            ["oak\n\nmore oak", "ash\n\nmore ash"],
        ),
        ("Document 1: oak\nDocument 2: ash\nA. one\nB. two", ["oak", "ash"]),
    ],
)
def test_label_forms(text, expected):
    assert bodies(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "One line.",
        "[1] alone",
        "[1] oak\n[3] elm",
        "[2] oak\n[3] elm",
        "[1] oak\n[2] elm\n[1] ash",
        "Document 1: He left.\nDocument 2: Then he came back.",
        "文档1：他走了。\n文档2：随后他又回来了。",
        "A. red\nB. blue\nC. green",
        "A. red\n\nB. blue\n\nC. green",
        "1. Boil water.\n2. Add tea.\n3. Wait.",
        "1. Boil water.\n\n2. Add tea.\n\n3. Wait.",
        "第一步：烧水。\n\n第二步：放茶。\n\n第三步：等待。",
        "一、烧水\n\n二、放茶\n\n三、等待",
        "Step 1: Boil.\n\nStep 2: Pour.\n\nStep 3: Wait.",
        "She woke.\n\nThen she ate.\n\nFinally she left.",
        "她醒了。\n\n接着她吃饭。\n\n最后她走了。",
        "Oaks grow.\n\nHowever, they grow slowly.\n\nAsh is fast.",
        "橡树会长。\n\n但是，它们长得慢。\n\n白蜡长得快。",
        "In 1901 it was built.\n\nIn 1944 it burned.\n\nIn 1950 it rose again.",
        "1901年建成。\n\n1944年烧毁。\n\n1950年重建。",
        "User: hello\n\nAssistant: hi\n\nUser: bye",
        "x = read();\n\nshow(x);\n\nIt shows 6",
        "Dear Bela,\n\nthe oven is mended.\n\nBring flour.",
        "炉子修好了。\n\n带上面粉。\n\n此致\n敬礼",
        "甲：你好\n\n乙：你好\n\n甲：再见",
        "# Trees\n\nOak.\n\n## Introduction\n\nAsh.\n\n## Elm\n\nElm.",
        "Trees:\n\n    oak = 1\n\n    ash = 2\n\n    elm = 3",
    ],
)
def test_order_that_means_something_is_left_alone(text):
    assert segment(text) is None


def test_paragraphs():
    text = (
        "Background:\n\nOaks grow slowly.\nVery slowly.\n\nThe bakery opens at five.\n\n\n"
        "Larch makes boats.\n\nWhen does it open?\n"
    )
    found = segment(text)
    assert found is not None
    assert found.prefix == "Background:\n\n"
    assert found.bodies == ("Oaks grow slowly.\nVery slowly.", "The bakery opens at five.", "Larch makes boats.")
    assert found.separators == ("\n\n", "\n\n\n")
    assert found.suffix == "\n\nWhen does it open?\n"
    assert segment("Oaks grow.\n\nBread rises.") is None


def test_chinese_paragraphs_with_options_after_them():
    text = "　　橡树长得慢。\n\n　　面包房五点开门。\n\n　　落叶松可以造船。\n\n问题：几点开门？\n\nA. 四点\nB. 五点"
    found = segment(text)
    assert found is not None
    assert found.bodies == ("　　橡树长得慢。", "　　面包房五点开门。", "　　落叶松可以造船。")
    assert found.suffix == "\n\n问题：几点开门？\n\nA. 四点\nB. 五点"


def test_fenced_code_is_never_cut():
    code = "```python\nx = 1\n\n# Document 2: not a label\n\n1. not a step\n```"
    found = segment(f"Oaks grow.\n\nA listing\n{code}\n\nBread rises.")
    assert found is not None
    assert found.bodies == ("Oaks grow.", f"A listing\n{code}", "Bread rises.")
    labelled = segment(f"Document 1: a listing\n{code}\nDocument 2: bread")
    assert labelled is not None
    assert labelled.bodies == (f" a listing\n{code}", " bread")
    assert segment("Oaks grow.\n\n```\nleft open\n\nBread.\n\nLarch.") is None


LISTS = ["- a", "- b", "- c", "  nested", "1. p", "2. q", "3. r", "Facts:", "（1）甲", "（2）乙", "（3）丙", "• 点"]
BLOCKS = ["## A", "## B", "# T", '<doc id="1">x</doc>', '<doc id="2">y</doc>', "<x>", "</x>", "Example 1", "Example 2"]
JSON = [
    "[",
    "]",
    '  {"a": "a long enough text to be one"},',
    '  {"a": "another text, quite as long as that"}',
    '"k": [',
]
PAIRS = ["Input: a", "Output: b", "输入：甲", "输出：乙", "Use at least 9 words. Do not rhyme. End with a question."]
LABELLED = ["Document [1](Title: a) x", "Document [2] y", "Document 3: z", "文档1：甲", "文档2：乙", "[1] p", "[2] q"]
PLAIN = ["```", "", "", "plain words", "普通的话", "Question: why?", "A. one", "\ttabbed", "词\r", "\u2028", "Bread "]
LINES = st.sampled_from([*LABELLED, *PLAIN, *LISTS, *BLOCKS, *JSON, *PAIRS])


@given(st.one_of(st.lists(LINES, max_size=14).map("\n".join), st.text()), st.randoms(use_true_random=False))
def test_joined_segments_are_the_text_and_moving_keeps_all_else(text, rng):
    whole = find(text, instruction=True)
    if whole is None:
        return
    found = whole.segments
    assert found.join() == text
    assert all(body == body.rstrip() for body in found.bodies)
    places = list(range(len(found)))
    rng.shuffle(places)
    moved = found.moved(places)
    assert sorted(moved.bodies) == sorted(found.bodies)
    assert [moved.join()[start:end] for start, end in moved.spans()] == list(moved.bodies)
    assert (moved.prefix, moved.labels, moved.separators, moved.suffix) == (
        found.prefix,
        found.labels,
        found.separators,
        found.suffix,
    )
    assert len(moved.join()) == len(text)
    assert moved.moved([places.index(place) for place in range(len(found))]) == found
