"""The rule of references: a mention in the form of the labels follows its segment wherever it stands outside of them.

What else may name a segment holds the row. What a titled or numbered document says of itself holds nothing.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Sft
from studio.curate.placing.arranging import Arranged, Wish, arrange
from studio.curate.placing.plans import restored
from studio.curate.segments.context import context_of
from studio.curate.segments.numerals import value, written
from studio.curate.segments.references import Called, Mention, mentions_in, rewritten
from studio.curate.segments.segment import Naming

HARBOUR = """Document [1](Title: Dredger) The dredger Vesla cleared the basin in nine weeks.
Document [2](Title: Crane) A crane of forty tonnes stands on the east quay.
Document [3](Title: Pilots) Six pilots share two boats and one stove.
Document [4](Title: Ice) Ice closed the mouth of the harbour for a month.
Document [5](Title: Light) The light on the mole turns every eight seconds."""
港口 = """文档1：挖泥船清了九个星期。
文档2：东码头有吊车。
文档3：领航员共用小艇。
文档4：冰封了港口。
文档5：灯塔常亮。"""
BARE = re.sub(r"Document (\[\d\])\(Title: (\w+)\)", r"\1 \2:", HARBOUR)
ORDER = (4, 1, 0, 3, 2)
"""The segments 1 to 5 get the numbers 3, 2, 5, 4, 1."""


def outcome(segments, output, question="How long was the basin closed?"):
    """The output once the segments stand in ORDER, or what holds the row."""
    row = Sft(instruction=question, input=segments, output=output)
    context = context_of(row)
    if context.guard is not None:
        return context.guard.code
    made = arrange(row, context, ORDER, Wish("shuffle", 1))
    assert isinstance(made, Arranged)
    assert restored(made.row, made.plan) == row
    return made.row.output


NOUNS = (
    *("claim", "fact", "evidence", "text", "context", "statement", "point"),
    *("item", "option", "entry", "comment", "review", "bullet"),
)


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("segments", [HARBOUR, BARE])
def test_a_bracket_is_a_reference_whatever_noun_stands_before_it(segments, noun):
    assert outcome(segments, f"Nine weeks of dredging are the only {noun} [1].") == (
        f"Nine weeks of dredging are the only {noun} [3]."
    )
    assert outcome(segments, f"The {noun} [3][1] says so.") == f"The {noun} [5][3] says so."


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Documents 1 and 3 say so.", "Documents 3 and 5 say so."),
        ("Documents 1, 2 & 3", "Documents 3, 2 & 5"),
        ("Both document 1 and document 3 say so.", "Both document 3 and document 5 say so."),
        ("Neither document 1 nor 3.", "Neither document 3 nor 5."),
        ("Documents [1], [3] agree.", "Documents [3], [5] agree."),
        ("It froze [1, 3].", "It froze [3, 5]."),
        ("Source: 1, 3", "Source: 3, 5"),
        ("It froze [1; 3], [ 4 ].", "It froze [3; 5], [ 4 ]."),
        ("It froze [[1]] and [3](#three).", "It froze [[3]] and [5](#three)."),
        ("See `[1]`.", "See `[3]`."),
        ("It froze [1-3].", "It froze [2, 3, 5]."),
        ("It froze [1–5].", "It froze [1–5]."),
        ("It froze [1, 3-4].", "It froze [3, 4-5]."),
        ("Documents 1-2 say so.", "Documents 2-3 say so."),
        ("Documents 1 to 3 say so.", "Documents 2, 3, 5 say so."),
        ("Document １ and [３].", "Document ３ and [５]."),
        ("It froze ［１］.", "It froze ［３］."),
        ("It froze ①, as document ③ says.", "It froze ③, as document ⑤ says."),
        ("It froze ①③.", "It froze ③⑤."),
    ],
)
def test_lists_ranges_and_manners_of_writing_follow(output, expected):
    assert outcome(HARBOUR, output) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("文档1说九个星期。", "文档3说九个星期。"),
        ("据文档[1]，九个星期。", "据文档[3]，九个星期。"),
        ("文档1和3都说。", "文档3和5都说。"),
        ("文档1、3、4都说。", "文档3、5、4都说。"),
        ("文档1至3都说。", "文档2、3、5都说。"),
        ("文档1至2都说。", "文档2至3都说。"),
        ("文档[1-3]都说。", "文档[2、3、5]都说。"),
        ("九个星期【1】【3】。", "九个星期【3】【5】。"),
        ("九个星期①。", "九个星期③。"),
        ("①和③都说。", "③和⑤都说。"),
        ("第1号文档说九个星期。", "第3号文档说九个星期。"),
        ("文档１、３", "文档３、５"),
        ("来源：1，3。", "来源：3，5。"),
        ("没有证据[1]。", "没有证据[3]。"),
    ],
)
def test_chinese_forms_follow(output, expected):
    assert outcome(港口, output, "港口关了多久？") == expected


def test_labels_in_circles_are_named_by_circles():
    labelled = re.sub(r"文档(\d)", lambda found: f"文档{written(int(found[1]), '①')}", 港口)
    assert outcome(labelled, "①、③都说。", "港口关了多久？") == "③、⑤都说。"
    assert outcome(labelled, "文档③说小艇。", "港口关了多久？") == "文档⑤说小艇。"
    assert outcome(labelled, "①挖泥\n②吊车", "港口关了多久？") == "③挖泥\n②吊车"


@pytest.mark.parametrize(
    "output",
    [
        "Documents [1] to [3] agree.",
        "From document 1 to document 3 all agree.",
        "Document 1-3 agree.",
        "[3-1] agree.",
        "Documents 2-9 agree.",
        "It froze [7].",
        "[7]-[9] agree.",
        "Documents [1] and 3 agree.",
        "Document 1 (3 too) says so.",
        "Documents 1, 3 winters long",
        "Document 1, 3 as well.",
        "passage 1",
        "claim 1",
        "evidence 1",
        "It froze (1).",
        "See 1.",
        "Only 3 is about pilots.",
        "It is `3`.",
        "It is **3**.",
        '{"source": "it froze", "n": "3"}',
        "No. 3",
        "weeks[1] = 9;",
        "weeks(x)[1] = 9;",
        "2. The quay\n3. The pilots",
        "By (1) ice, (2) wind.",
    ],
)
def test_what_may_name_a_segment_in_another_form_holds_the_row(output):
    assert outcome(HARBOUR, output) == "unclear-reference"


@pytest.mark.parametrize(
    "output",
    ["文档[1]至[3]都说。", "文档1到文档3都说。", "文档三说。", "文档1、3人在场。", "见3。", "选3", "窑裂（3）。"],
)
def test_chinese_that_may_name_a_segment_in_another_form_holds_the_row(output):
    assert outcome(港口, output, "港口关了多久？") == "unclear-reference"


@pytest.mark.parametrize(
    "output",
    [
        "Ice closed it for a month, and 3 boats sank.",
        "(1) The basin, (2) the quay.",
        "1. The basin\n2. The quay",
        "①　The basin\n②　The quay",
        "Causes: (1) ice, (2) wind. Cures: (1) fire.",
        "On May 3, 1904 it froze at 3:15 in 1.5 hours, by 2%.",
        "Section 12 of the act, and article 230.",
        "Answer: 9 (12)",
        "It is 1.3 or 2:1, and 1904.3",
        "Six pilots share 2 boats.",
    ],
)
def test_numbers_of_another_world_stay(output):
    assert outcome(HARBOUR, output) == output


def test_a_number_in_words_that_a_segment_says_is_its_own():
    text = HARBOUR.replace("Six pilots", "Since Rule 3, 1904, six pilots").replace(
        "for a month", "under section 2 of it"
    )
    assert outcome(text, "Rule 3, 1904") == "Rule 3, 1904"
    assert outcome(text, "It froze under section 2 of it.") == "It froze under section 2 of it."
    assert outcome(HARBOUR.replace("The light", "3. Masthead lamps"), "3. Masthead lamps") == "3. Masthead lamps"
    assert outcome(text, "Under section 3 of it.") == "unclear-reference"
    # That a segment says so too does not make "passage 2" another's.
    assert outcome(HARBOUR.replace("a month", "passage 2"), "passage 2") == "unclear-reference"


def test_without_labels_circles_name_nothing_and_in_a_list_a_day_is_no_entry():
    row = Sft(instruction="What grows?", input="Oaks grow.\n\nBread rises.\n\nLarch floats.", output="②橡树。③面包。")
    assert context_of(row).guard is None
    facts = "岛上的事实：\n1. 渡船每天开。\n2. 城堡关得早。\n3. 电车很贵。"
    assert context_of(Sft(instruction="何时到？", input=facts, output="第3天到的。")).guard is None
    assert context_of(Sft(instruction="何时到？", input=facts, output="第3项到的。")).guard.code == "unclear-reference"


# -- inside of segments ----------------------------------------------------------------------------


def held(body, segments=HARBOUR, place="for a month"):
    """What holds a row whose fourth segment says so."""
    guard = context_of(Sft(instruction="How long?", input=segments.replace(place, body), output="A month.")).guard
    return guard and (guard.code, guard.evidence)


@pytest.mark.parametrize(
    "body",
    [
        "for weeks; the latter half was mild, the former not",
        "and the latter froze over",
        "as the third section of this report shows",
        "as mentioned above; see the previous paragraph and the first example",
        "for weeks [2], as notes tell [17]",
        "for weeks, [1, 2, 3] in all",
        "for weeks: ① mild, ② cold",
        "under Article 2 of its law, as paragraph 3 says",
    ],
)
def test_what_a_document_says_of_its_own_parts_holds_nothing(body):
    assert held(body) is None


@pytest.mark.parametrize("body", ["前者更冷", "如上文所述很冷", "第三段说得更多", "第二篇说得更多"])
def test_what_a_chinese_document_says_of_its_own_parts_holds_nothing(body):
    assert held(body, 港口, "冰封了港口") is None


@pytest.mark.parametrize(
    ("body", "evidence"),
    [
        ("as Document 1 says", "Document 1"),
        ("as document [5] says", "document [5]"),
        ("what Document [5] says is wrong", "Document [5]"),
        ("what Document[5] says is wrong", "Document[5]"),
        ("which Documents [1] and [2] deny", "Documents [1] and [2]"),
        ("as documents 1-3 say", "documents 1-3"),
        ("unlike the previous document", "previous document"),
        ("see [2]", "[2]"),
        # Its own number would be another one once it has moved.
        ("says Document 4 of itself", "Document 4"),
    ],
)
def test_a_mention_in_the_form_of_the_labels_inside_of_a_segment_holds_the_row(body, evidence):
    assert held(body) == ("cross-reference", evidence)


def test_bare_brackets_between_segments_that_are_labelled_so_hold_the_row():
    assert held("for weeks [2]", BARE) == ("cross-reference", "[2]")
    assert held("for weeks [4]", BARE) == ("cross-reference", "[4]")
    assert held("for weeks [17]", BARE) is None
    assert held("for weeks[2] as in array[3]", BARE) is None
    assert held("for weeks, ② the longest", BARE) is None


@pytest.mark.parametrize(
    ("text", "held_by"),
    [
        ("<doc>Ice, as paragraph 2 says [2]; the latter melts.</doc>\n<doc>The light turns.</doc>", None),
        ("Passage 1: Ice; the latter melts.\nPassage 2: The light turns.", None),
        ("Paragraph 1: Ice is cold.\nParagraph 2: Of light and ice the latter melts.", "cross-reference"),
        ("## Ice\n\nCold.\n\n## Light\n\nIce, as mentioned above, melts.", "cross-reference"),
    ],
)
def test_texts_of_their_own_speak_of_themselves_and_parts_of_one_text_of_each_other(text, held_by):
    guard = context_of(Sft(instruction="What turns?", input=text, output="A light.")).guard
    assert (guard and guard.code) == held_by


@pytest.mark.parametrize("words", ["the latter", "the third section", "as mentioned above", "the previous paragraph"])
def test_paragraphs_may_speak_of_each_other_by_such_words(words):
    text = f"Oaks grow slowly.\n\nBread rises, {words} too.\n\nLarch makes boats."
    assert context_of(Sft(instruction="What grows?", input=text, output="Oaks")).guard.code == "cross-reference"


@pytest.mark.parametrize(
    ("segments", "question"),
    [
        (HARBOUR, "What does the second document say?"),
        (HARBOUR, "Is the latter true?"),
        (港口, "第二篇说了什么？"),
        (港口, "前者说了什么？"),
        (港口, "第二个文档说了什么？"),
    ],
)
def test_an_ordinal_in_question_or_answer_holds_the_row(segments, question):
    assert outcome(segments, "x", question) == "names-place"
    assert outcome(segments, question.rstrip("?？") + ".", "?") == "names-place"


# -- writing ---------------------------------------------------------------------------------------


@given(st.permutations(range(9)), st.integers(0, 8), st.integers(0, 8), st.sampled_from(["[{}-{}]", "文档{}至{}。"]))
def test_a_range_names_the_same_segments_wherever_they_stand(places, one, other, form):
    first, last = sorted((one, other))
    naming = Naming("document" if form.isascii() else "文档", 1, "1")
    text = form.format(first + 1, last + 1)
    found = mentions_in(text, Called(naming, 9))
    if first == last:
        assert found.guard.code == "unclear-reference"
        return
    assert found.mentions[0].places == range(first, last + 1)
    changes = rewritten(text, found.mentions, places, naming)
    for start, end, new in changes:
        text = text[:start] + new + text[end:]
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if "-" in text or "至" in text:
        numbers = list(range(numbers[0], numbers[1] + 1))
    assert numbers == sorted(places[place] + 1 for place in range(first, last + 1))


def test_only_what_changes_is_rewritten():
    naming = Naming("document", 1, "1")
    mentions = (Mention(0, 1, 0), Mention(2, 3, 1), Mention(4, 7, 0, 1))
    assert rewritten("1 2 1-2", mentions, [1, 0], naming) == [(0, 1, "2"), (2, 3, "1")]
    assert rewritten("1 2 1-2", mentions, [0, 1], naming) == []


@pytest.mark.parametrize("manner", ["1", "01", "１", "一", "①"])
def test_numbers_are_written_and_read_in_every_manner(manner):
    assert all(value(written(number, manner)) == number for number in range(1, 21))


@pytest.mark.parametrize(
    ("digits", "number"), [("①", 1), ("⑳", 20), ("十", 10), ("二十", 20), ("十十", -1), ("一二", -1)]
)
def test_what_numerals_mean(digits, number):
    assert value(digits) == number


def test_where_a_manner_ends_digits_go_on():
    assert (written(20, "①"), written(21, "①"), written(0, "①")) == ("⑳", "21", "0")
    assert (written(99, "一"), written(100, "一"), written(0, "一")) == ("九十九", "100", "0")
