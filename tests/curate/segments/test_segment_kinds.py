"""Every kind of segments, English and Chinese: what is found, what moves, what stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.segments.shapes import custom
from studio.curate.segments.shapes.finding import find
from studio.errors import UsageError


def found(text, **how):
    whole = find(text, **how)
    assert whole is not None
    assert whole.segments.join() == text
    return whole


def swapped(text, **how):
    """The text with its first and last segment in each other's place."""
    segments = found(text, **how).segments
    places = [*range(len(segments))]
    places[0], places[-1] = places[-1], places[0]
    return segments.moved(places).join()


# -- examples --------------------------------------------------------------------------------------

SHOTS = """Say the mood.

Example 1
Input: I lost my hat.
Output: sad

Example 2
Input: The hat came back.
Output: glad

Input: It is raining on the fair.
Output:"""


def test_labelled_examples_move_and_the_open_one_stays():
    whole = found(SHOTS)
    assert (whole.segments.kind, len(whole.segments), whole.guard) == ("examples", 2, None)
    assert whole.segments.suffix == "\n\nInput: It is raining on the fair.\nOutput:"
    assert swapped(SHOTS) == SHOTS.replace(
        "1\nInput: I lost my hat.\nOutput: sad", "1\nInput: The hat came back.\nOutput: glad"
    ).replace("2\nInput: The hat came back.\nOutput: glad", "2\nInput: I lost my hat.\nOutput: sad")


@pytest.mark.parametrize(
    ("text", "bodies", "suffix"),
    [
        ("示例1：\n输入：甲\n输出：子\n\n示例2：\n输入：乙\n输出：丑\n\n输入：丙\n输出：",
         ["\n输入：甲\n输出：子", "\n输入：乙\n输出：丑"], "\n\n输入：丙\n输出："),
        ("Q: one?\nA: 1\n\nQ: two?\nA: 2\n\nQ: three?\nA:", ["Q: one?\nA: 1", "Q: two?\nA: 2"], "\n\nQ: three?\nA:"),
        ("例一：春天\n例二：秋天", ["春天", "秋天"], ""),
    ],
)  # fmt: skip
def test_examples_of_other_forms(text, bodies, suffix):
    segments = found(text).segments
    assert segments.kind == "examples"
    assert list(segments.bodies) == bodies
    assert segments.suffix == suffix


def test_questions_and_answers_without_an_open_one_are_no_examples():
    assert find("Q: one?\nA: 1\n\nQ: two?\nA: 2") is None


# -- JSON ------------------------------------------------------------------------------------------

ARRAY = """Which lamp is white?
[
  {"id": 1, "text": "The lamp on the pier is green, \\"as grass\\"."},
  {"id":2,"text":"The lamp on the rock is white.\\u00e9"} ,
  { "id": 3, "text": "The lamp in the harbour is out [today]." }
]
Answer with its id."""


def test_elements_of_an_array_move_and_the_json_around_them_stays():
    whole = found(ARRAY)
    assert whole.segments.kind == "json"
    assert whole.segments.bodies[1] == '{"id":2,"text":"The lamp on the rock is white.\\u00e9"}'
    moved = whole.segments.moved([2, 0, 1])
    assert moved.separators == (",\n  ", " ,\n  ")
    before, after = (json.loads(text[text.index("[") : text.rindex("]\n") + 1]) for text in (ARRAY, moved.join()))
    assert after == [before[2], before[0], before[1]]


@pytest.mark.parametrize(
    "text",
    [
        '{"question": "which?", "documents": ["One boat is of larch.", "Another is of oak.", "A raft of reed."]}',
        '文档：["渔船用落叶松造成，涂了三遍桐油", "渡船是旧的，船底补过两回", "竹筏每年春天新扎一只"]',
        '```json\n[{"名": "甲", "说": "清早磨豆腐，下午卖豆花"}, {"名": "乙", "说": "雨天修伞，晴天收旧伞"}]\n```',
    ],
)
def test_arrays_elsewhere(text):
    assert found(text).segments.kind == "json"


@pytest.mark.parametrize(
    "text",
    [
        'Sort ["b", "a", "c"].',
        "[1, 2, 3]",
        '["open, but never closed: ", "so it is no JSON at all"',
        "x[0] = ['a']",
        "[{]",
    ],
)
def test_what_is_no_array_of_passages(text):
    whole = find(text)
    assert whole is None or whole.segments.kind != "json"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[{"role": "user", "content": "Good morning to you"}, {"role": "assistant", "content": "Good morning, sir"}]',
         "dialogue"),
        ('[{"step": 1, "do": "warm the mould by the stove"}, {"step": 2, "do": "melt the wax in a bath"}]', "steps"),
        ('[{"rank": 1, "name": "the boat from the lock"}, {"rank": 2, "name": "the one of the mill"}]', "ranking"),
        ('[{"year": 1901, "what": "a dam was built"}, {"year": 1903, "what": "it burst"}, '
         '{"year": 1909, "what": "it was mended"}]', "chronology"),
    ],
)  # fmt: skip
def test_arrays_whose_order_means_something(text, code):
    assert found(text).guard.code == code


# -- XML and Markdown ------------------------------------------------------------------------------


def test_xml_numbers_stay_and_the_rest_moves():
    text = '<docs>\n<doc id="1" title="Oak">slow</doc>\n<doc id="2">quick</doc>\n</docs>\nWhich is slow?'
    assert (
        swapped(text) == '<docs>\n<doc id="1">quick</doc>\n<doc id="2" title="Oak">slow</doc>\n</docs>\nWhich is slow?'
    )


def test_xml_names_move_along():
    text = "<文档 名='橡树'>慢</文档>\n<文档 名='白蜡'>快</文档>\n"
    assert swapped(text) == "<文档 名='白蜡'>快</文档>\n<文档 名='橡树'>慢</文档>\n"


@pytest.mark.parametrize(
    "text", ["<p>a</p>\n<p>b</p>", "<li>a</li>\n<li>b</li>", "<doc>a</doc>\nand\n<doc>b</doc>", "<a><b>"]
)
def test_markup_and_lone_elements_are_no_segments(text):
    assert find(text) is None


def test_xml_steps_and_turns_stay():
    assert found("<step>a</step>\n<step>b</step>").guard.code == "steps"
    assert found("<turn>a</turn>\n<turn>b</turn>").guard.code == "dialogue"


def test_markdown_sections_move_with_their_headings():
    text = "# Trees\n\nOld ones.\n\n## Ash\n\nQuick.\n\n### Bark\n\nGrey.\n\n## Elm\n\nRare.\n\nWhich is rare?"
    whole = found(text)
    assert (whole.segments.kind, len(whole.segments), whole.guard) == ("sections", 2, None)
    assert swapped(text) == (
        "# Trees\n\nOld ones.\n\n## Elm\n\nRare.\n\n## Ash\n\nQuick.\n\n### Bark\n\nGrey.\n\nWhich is rare?"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("## Introduction\n\na\n\n## Elm\n\nb", "outline"),
        ("## 引言\n\n甲\n\n## 榆树\n\n乙", "outline"),
        ("## Role\n\na poet\n\n## Rules\n\nrhyme", "outline"),
        ("## 1. Boil\n\na\n\n## 2. Pour\n\nb", "steps"),
        ("## 第一章\n\n甲\n\n## 第二章\n\n乙", "steps"),
        ("## Ash\n\nQuick.\n\n## Elm\n\nHowever, rare.", "leaning"),
    ],
)
def test_sections_with_a_place_of_their_own(text, code):
    assert found(text).guard.code == code


def test_a_hash_in_code_is_no_heading():
    assert find("```\n# a\n# b\n```\nRun it.") is None


# -- lists -----------------------------------------------------------------------------------------


def test_bullets_with_nested_ones_and_lines_of_their_own():
    text = "Facts:\n- oak\n  - slow\n  very\n- ash\n\n- elm\n\nWhich is slow?"
    segments = found(text).segments
    assert (segments.kind, segments.bodies) == ("bullets", ("oak\n  - slow\n  very", "ash", "elm"))
    assert segments.suffix == "\n\nWhich is slow?"


def test_a_numbered_list_that_is_called_a_collection():
    text = "Reviews of the inn:\n1. good soup\n2. bad bed\n3. a fair price\nWhich is bad?"
    whole = found(text)
    assert (whole.segments.kind, whole.guard) == ("numbered", None)
    assert swapped(text) == "Reviews of the inn:\n1. a fair price\n2. bad bed\n3. good soup\nWhich is bad?"
    assert found("几条评论：\n（1）好\n（2）坏\n（3）平").segments.labels == ("（1）", "（2）", "（3）")
    assert found("以下是事实：\n一、水深\n二、风大\n三、船旧").guard is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1. Boil water.\n2. Add tea.\n3. Wait.", "steps"),
        ("How to make tea:\n- boil\n- pour\n- wait", "steps"),
        ("做法：\n- 烧水\n- 放茶\n- 等待", "steps"),
        ("Top 3 boats:\n- the Heron\n- the Otter\n- the Crane", "ranking"),
        ("从高到低：\n- 甲\n- 乙\n- 丙", "ranking"),
        ("Notes:\n- In 1901 it burned\n- In 1904 it rose\n- nobody knows", "chronology"),
        ("Notes:\n- first, boil\n- then pour\n- wait", "leaning"),
        ("Notes:\n- Ann: hello\n- Bo: hello\n- Ann: bye", "dialogue"),
    ],
)
def test_lists_whose_order_means_something(text, code):
    assert found(text).guard.code == code


def test_two_bullets_are_no_list_and_names_with_facts_are_no_dialogue():
    assert find("- a\n- b") is None
    assert found("People:\n- Ann: baker\n- Bo: smith\n- Cy: cook").guard is None


# -- constraints -----------------------------------------------------------------------------------


def test_constraints_as_sentences():
    text = "Write about a fox. Use at least 3.5 pages. Do not rhyme. End with a question."
    assert swapped(text, instruction=True) == (
        "Write about a fox. End with a question. Do not rhyme. Use at least 3.5 pages."
    )
    assert find(text) is None  # In an input they are text like any other.
    zh = "写一篇游记。不得超过三百字。必须提到渡船。以问句结尾。"
    assert swapped(zh, instruction=True) == "写一篇游记。以问句结尾。必须提到渡船。不得超过三百字。"


def test_constraints_as_a_list():
    whole = found("Write a poem. Requirements:\n- four lines\n- no rhyme\n- a fox", instruction=True)
    assert (whole.segments.kind, whole.guard) == ("constraints", None)
    assert found("写诗。要求：\n1. 四行\n2. 不押韵\n3. 提到狐狸").segments.kind == "constraints"


@pytest.mark.parametrize(
    "text",
    [
        "Write about a fox. Use a metre. This must be kept.",
        "写一首诗。不得超过四行。此外必须押韵。",
        "Do it. Must you? Do not.",
    ],
)
def test_constraints_that_lean_on_each_other_stay(text):
    whole = find(text, instruction=True)
    assert whole is None or whole.guard.code == "leaning"


# -- a person's own expression ---------------------------------------------------------------------


def test_an_own_expression_tells_where_segments_begin():
    pattern = custom.compiled(r"^Note ")
    text = "Note a: oak\nmore\nNote b: ash\n\nWhich?"
    segments = found(text, pattern=pattern).segments
    assert (segments.kind, segments.bodies) == ("pattern", ("Note a: oak\nmore", "Note b: ash"))
    assert segments.suffix == "\n\nWhich?"


def test_an_own_expression_with_a_number_keeps_the_label():
    text = "Note 1: oak\nNote 2: ash"
    assert swapped(text, pattern=custom.compiled(r"^Note (?P<number>\d+):")) == "Note 1: ash\nNote 2: oak"


def test_an_own_expression_with_a_body_moves_just_that():
    text = "(a) oak; (b) ash; (c) elm."
    assert swapped(text, pattern=custom.compiled(r"\(\w\) (?P<body>\w+)")) == "(a) elm; (b) ash; (c) oak."


@pytest.mark.parametrize(("pattern", "said"), [("(", "no regular expression"), ("x*", "matches the empty text")])
def test_a_wrong_expression_is_refused(pattern, said):
    with pytest.raises(UsageError, match=said):
        custom.compiled(pattern)
    assert custom.compiled("") is None


@given(st.lists(st.text("ab \n:12，", min_size=1, max_size=12), min_size=1, max_size=6).map("".join))
def test_an_own_expression_loses_nothing(text):
    for pattern in (r"a", r"(?P<number>\d)", r"a(?P<body>[b1]+)", r"^\w"):
        whole = find(text, pattern=custom.compiled(pattern))
        if whole is not None:
            assert whole.segments.join() == text


# -- any JSON --------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=3), min_size=2, max_size=5),
    st.sampled_from([None, 2]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_any_array_of_objects_keeps_its_bytes_and_its_elements(objects, indent, ascii_only, rng):
    text = f"Look:\n{json.dumps(objects, indent=indent, ensure_ascii=ascii_only)}\nWhich?"
    whole = find(text)
    if whole is None or whole.segments.kind != "json":
        return
    assert whole.segments.join() == text
    places = list(range(len(objects)))
    rng.shuffle(places)
    moved = whole.segments.moved(places).join()
    assert len(moved) == len(text)
    assert json.loads(moved[6:-7]) == [objects[place] for place in places]
