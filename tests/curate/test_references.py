from __future__ import annotations

import pytest

from studio.curate.references import refers_by_position


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Summarise the first document.", "first document"),
        ("Compare the last two paragraphs.", "last two paragraphs"),
        ("According to passage 2, who left?", "passage 2"),
        ("See Document [3] for this.", "Document [3]"),
        ("What does paragraph three say?", "paragraph three"),
        ("The 2nd article is longer.", "2nd article"),
        ("It opened in 1904 [2].", "[2]"),
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
    ],
)
def test_a_reference_is_found(text, phrase):
    assert refers_by_position("Nothing here.", text) == phrase


@pytest.mark.parametrize(
    "text",
    [
        "Answer using the following documents.",
        "Which document names the baker?",
        "In the passages above, when was the lamp lit?",
        "The first lamp was lit in 1904.",
        "Take items[1] from the list.",
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
    assert refers_by_position(text) is None
