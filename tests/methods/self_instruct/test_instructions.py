from __future__ import annotations

import pytest

from studio.methods.self_instruct.instructions import ALPACA, BLACKLIST, Filters, check_instruction, tidy
from studio.methods.self_instruct.rules import RULES


def rule(text, filters=None):
    found = check_instruction(tidy(text), filters) if filters else check_instruction(tidy(text))
    return found.rule if found else None


@pytest.mark.parametrize(
    "text",
    [
        "Name a bird quickly",
        "用 Python 写一个快速排序",
        "什么是通货膨胀？",
        "《红楼梦》的作者是谁？请简要介绍。",
        "“天下兴亡，匹夫有责”是什么意思？",
        "Éclairs are baked how?",
        "What does 你好 mean?",
        "解释 π 是什么，怎么计算",
        "7 days make a week, why?",
        "Say what a photographer does",
        "Explain what grapheme clusters are",
        "Write a programme note for a concert",
        "动画师每天做些什么工作？",
    ],
)
def test_good_instructions_pass(text):
    expected = "asks-for-a-program" if text.startswith("Write a program") else None
    assert rule(text) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "too-short"),
        ("Name a bird", "too-short"),
        ("翻译这句话", "too-short"),
        (" ".join(["word"] * 151), "too-long"),
        ("字" * 271, "too-long"),
        ("Describe the image in detail", "blacklisted"),
        ("Describe the IMAGES in detail", "blacklisted"),
        ("Please go  to the shop", "blacklisted"),
        ("Please draw a cat now", "blacklisted"),
        ("请描述这张图片的内容", "blacklisted"),
        ("请用线条画一只猫", "blacklisted"),
        ("说明image里有什么东西", "blacklisted"),
        ("Write a program that adds", "asks-for-a-program"),
        ("write a program that adds", "asks-for-a-program"),
        ("请编写一个程序计算阶乘", "asks-for-a-program"),
        ("写一个程序，计算阶乘", "asks-for-a-program"),
        ("- name a bird quickly", "starts-with-punctuation"),
        ("“Hello” means what exactly", "starts-with-punctuation"),
        ("<input> name a bird", "starts-with-punctuation"),
        ("，请写一首关于雨的诗", "starts-with-punctuation"),
        ("？请写一首关于雨的诗", "starts-with-punctuation"),
        ("🎉 写一首关于新年的诗", "starts-with-punctuation"),
        ("Напиши стихотворение о море", "other-script"),
        ("この文章を短くまとめてください", "too-short"),
        ("3 4 5 6 7 8", "other-script"),
    ],
)
def test_each_filter(text, name):
    assert rule(text) == name
    assert name in RULES


@pytest.mark.parametrize("words", [4, 150])
def test_the_paper_s_lengths_are_kept_at_their_ends(words):
    assert rule(" ".join(["word"] * words)) is None


@pytest.mark.parametrize("characters", [6, 270])
def test_the_chinese_lengths_are_kept_at_their_ends(characters):
    assert rule("字" * characters) is None


def test_length_comes_before_the_other_filters_and_the_blacklist_before_the_openings():
    assert rule("draw it") == "too-short"
    assert rule("Write a program to draw a cat") == "blacklisted"


@pytest.mark.parametrize("word", BLACKLIST)
def test_every_word_of_the_blacklist_is_found_in_a_sentence_of_either_language(word):
    assert rule(f"Please explain {word} to me") == "blacklisted"
    assert rule(f"请向我详细解释{word}的意思") == "blacklisted"


@pytest.mark.parametrize(
    "text", ["Plan a music lesson now", "请推荐几首适合早晨的音乐", "Describe the flowchart in words"]
)
def test_alpaca_adds_words(text):
    assert rule(text) is None
    assert rule(text, ALPACA) == "blacklisted"


def test_lists_limits_and_languages_are_a_person_s_own():
    mine = Filters(
        words=(2, 3), units=(2, 4), blacklist=("purple cow", "红牛", " "), openings=("Tell me",), languages=("en",)
    )
    assert rule("draw cats", mine) is None
    assert rule("four words are many", mine) == "too-long"
    assert rule("A Purple  Cow", mine) == "blacklisted"
    assert rule("写红牛", mine) == "blacklisted"
    assert rule("tell me more", mine) == "asks-for-a-program"
    assert rule("写首诗", mine) == "other-script"


def test_empty_lists_refuse_nothing():
    assert rule("Write a program to draw a map", Filters(blacklist=(), openings=())) is None


def test_the_evidence_names_what_was_found():
    assert check_instruction("Describe the picture in words").evidence == "contains 'picture'"
    assert check_instruction("Name it").evidence == "2 words, at least 4"


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("write  a Python\n function ", "Write a Python function"),
        ("写一首\n 诗", "写一首 诗"),
        ("iPhone 是什么", "IPhone 是什么"),
        ("", ""),
    ],
)
def test_tidy_keeps_all_but_the_first_letter(text, tidied):
    assert tidy(text) == tidied
