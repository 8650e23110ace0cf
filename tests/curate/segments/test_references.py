from __future__ import annotations

import pytest

from studio.curate.segments.pointers import names_constraint
from studio.curate.segments.references import Called, crossing, mentions_in, rewritten
from studio.curate.segments.segment import Naming

DOCUMENTS = Naming("document", 1, "1")
MATERIALS = Naming("材料", 1, "一")
ITEMS = Naming("item", 1, "1")


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Summarise the first document.", "first document"),
        ("Compare the last two paragraphs.", "last two paragraphs"),
        ("According to passage 2, who left?", "passage 2"),
        ("See Document [3] for this.", "Document [3]"),
        ("What does paragraph three say?", "paragraph three"),
        ("document two says so.", "document two"),
        ("The 2nd article is longer.", "2nd article"),
        ("It opened in 1904 [2].", "[2]"),
        ("Take the latter.", "the latter"),
        ("What does the passage above say?", "passage above"),
        ("The following document is a letter.", "The following document"),
        ("Is the first one older?", "first one"),
        ("Summarise each document in a line.", "each document"),
        ("Who are the authors, respectively?", "respectively"),
        ("概括第一段的大意。", "第一段"),
        ("根据文档2回答。", "文档2"),
        ("见文档[3]。", "文档[3]"),
        ("上一段说了什么？", "上一段"),
        ("最后一篇文章写谁？", "最后一篇"),
        ("比较前两段。", "前两段"),
        ("由材料一可知", "材料一"),
        ("答案在【2】中", "【2】"),
        ("倒数第二段", "倒数第二段"),
        ("第 3 个文档更长", "第 3 个文档"),
        ("前者更早。", "前者"),
        ("请依次概括。", "依次"),
        ("逐条说明理由。", "逐条"),
    ],
)
def test_a_reference_to_segments_without_numbers_keeps_them(text, phrase):
    guard = mentions_in(f"Nothing here. {text}", Called(None, 5)).guard
    assert (guard.code, guard.evidence) == ("names-place", phrase)


@pytest.mark.parametrize(
    "text",
    [
        "Answer using the following documents.",
        "Which document names the baker?",
        "In the passages above, when was the lamp lit?",
        "The first lamp was lit in 1904.",
        "Take items[1] from the list.",
        "The former mayor, and the former half of it.",
        "Every lamp was lit, each by another hand, in order to be seen.",
        "A phone, a stone and none.",
        "the number one reason",
        "根据以下文档回答问题。",
        "哪一篇文章提到了面包房？",
        "第一盏灯是哪年点亮的？",
        "这段文字说了什么？",
        "请把这些文件一起归档。",
        "以下段落中谁来得最早？",
        "写下一段介绍大海的话。",
        "阅读以下两篇文章。",
        "这些材料一共有多少？",
        "共有文章三篇。",
        "Write a text 300 words long.",
        "",
    ],
)
def test_ordinary_questions_refer_to_no_place(text):
    assert mentions_in(text, Called(None, 5)).guard is None
    assert mentions_in(text, Called(None, 5)).mentions == ()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("See Document 3, document [1] and Doc. 2.", [2, 0, 1]),
        ("Documents 1, 2 and 4 agree.", [0, 1, 3]),
        ("Lit in 1904[2][3], [1, 4].", [1, 2, 0, 3]),
        ("the lamp[2].", [1]),
        ("文档2和3说，见文档[1]、【4】。", [1, 2, 0, 3]),
        ("文件5：", [4]),
        ("Nothing of it.", []),
    ],
)
def test_numbers_are_resolved(text, places):
    found = mentions_in(text, Called(DOCUMENTS, 5))
    assert found.guard is None
    assert [mention.place for mention in found.mentions] == places
    assert all(text[mention.start : mention.end] == str(mention.place + 1) for mention in found.mentions)


@pytest.mark.parametrize(
    ("text", "naming"),
    [
        ("Document 7 says so.", DOCUMENTS),
        ("Document 0 says so.", DOCUMENTS),
        ("[6] says so.", DOCUMENTS),
        ("Documents 4-6 agree.", DOCUMENTS),
        ("[3-1]", DOCUMENTS),
        ("文档2至9。", DOCUMENTS),
        ("x = a[2];", DOCUMENTS),
        ("passage 2 says so.", DOCUMENTS),
        ("文档三说", DOCUMENTS),
        ("Review 9 is bad.", ITEMS),
        ("#2 is bad.", ITEMS),
        ("第2条不对。", ITEMS),
        ("评论2不对。", ITEMS),
        ("(2) is bad", ITEMS),
    ],
)
def test_what_cannot_be_resolved_keeps_the_row(text, naming):
    assert mentions_in(text, Called(naming, 5)).guard.code == "unclear-reference"


def test_numbers_are_written_as_they_were():
    for text, naming, expected in (
        ("documents 1, 2 and [3]", DOCUMENTS, "documents 3, 1 and [2]"),
        ("Document 02", DOCUMENTS, "Document 01"),
        ("文档２", DOCUMENTS, "文档１"),
        ("材料一和材料三", MATERIALS, "材料三和材料二"),
        ("items 2, 3", ITEMS, "items 1, 2"),
    ):
        found = mentions_in(text, Called(naming, 3))
        changes = rewritten(text, found.mentions, [2, 0, 1], naming)
        for start, end, number in reversed(changes):
            text = text[:start] + number + text[end:]
        assert text == expected


def test_labels_may_count_from_zero_and_have_a_noun_of_their_own():
    found = mentions_in("Memo 0, memos 1 and 2; see memo 1.", Called(Naming("memo", 0, "0"), 3))
    assert [mention.place for mention in found.mentions] == [0, 1, 2, 1]
    assert mentions_in("memo 3", Called(Naming("memo", 0, "0"), 3)).guard.code == "unclear-reference"


@pytest.mark.parametrize(
    ("bodies", "naming", "evidence"),
    [
        (["a", "as Document 1 says"], DOCUMENTS, "Document 1"),
        (["a", "see [2]"], DOCUMENTS, "[2]"),
        (["a", "What Document [1] says of it is wrong"], DOCUMENTS, "Document [1]"),
        (["a", "文档【1】有误"], DOCUMENTS, "文档【1】"),
        (["a", "as mentioned above, it"], None, "as mentioned above"),
        (["a", "the foregoing is wrong"], None, "the foregoing"),
        (["a", "the previous paragraph"], None, "previous paragraph"),
        (["a", "the previous document"], DOCUMENTS, "previous document"),
        (["a", "如上所述，船旧了"], None, "如上所述"),
        (["a", "见上文"], None, "见上文"),
        (["a", "文档1有误"], DOCUMENTS, "文档1"),
        (["a", "前者更旧"], None, "前者"),
    ],
)
def test_a_segment_that_speaks_of_another(bodies, naming, evidence):
    guard = crossing(bodies, naming)
    assert (guard.code, guard.evidence) == ("cross-reference", evidence)


@pytest.mark.parametrize(
    "body",
    [
        "Article 2 of the law",
        "built in 1904 [17]",
        "the first lamp",
        "He stood above the doctor.",
        "he was the one",
        "第三年",
    ],
)
def test_a_segment_that_speaks_of_its_own_world(body):
    assert crossing(["a", body], DOCUMENTS) is None


@pytest.mark.parametrize("text", ["3", " 2, 4 ", "1 and 3.", "2和3", "The answer is 2.", "答案：2", "\\boxed{2}"])
def test_an_answer_that_is_a_number_may_name_a_segment(text):
    assert mentions_in(text, Called(DOCUMENTS, 5)).guard.code == "unclear-reference"
    assert mentions_in(f"{text.rstrip('.')} boats", Called(DOCUMENTS, 5)).mentions == ()
    assert mentions_in("1904", Called(DOCUMENTS, 5)).guard is None


def test_constraints_are_told_by_other_words():
    assert names_constraint("Keep requirement 2.") == "requirement 2"
    assert names_constraint("第三条要求最难。") == "第三条要求"
    assert names_constraint("The third paragraph must begin with a fox.") == ""
