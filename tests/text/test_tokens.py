from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.text.tokens import language, normalise, spans, tokenize, units


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Sort the LIST, please!", ["sort", "the", "list", "please"]),
        ("snake_case x2", ["snake", "case", "x2"]),
        ("用 Python 写一个快速排序", ["用", "python", "写", "一", "个", "快", "速", "排", "序"]),
        ("用Python写", ["用", "python", "写"]),
        ("价格:３５元。", ["价", "格", "35", "元"]),
        ("ｶﾞラス ひらがな", ["ガ", "ラ", "ス", "ひ", "ら", "が", "な"]),
        ("한글 test", ["한", "글", "test"]),
        ("\U00020000\U0003134a字", ["\U00020000", "\U0003134a", "字"]),
        ("Straße ÉCOLE", ["strasse", "école"]),
        ("e\u0301cole", ["école"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("葛\U000e0100 ❤️!", ["葛"]),
        ("人々 〇", ["人", "々", "〇"]),
        ("photosyn\u200bthesis co\xadoperate 光\u200d合\ufeff", ["photosynthesis", "cooperate", "光", "合"]),
        ("《红楼梦》・「第一回」", list("红楼梦第一回")),
    ],
)
def test_tokens(text, tokens):
    assert tokenize(text) == tokens
    assert units(text) == len(tokens)


@given(st.text(st.characters(codec="ascii")))
def test_the_ascii_path_gives_what_the_general_path_gives(text):
    assert [*tokenize(text), "界"] == tokenize(text + " 界")


@given(st.text())
def test_tokens_hold_no_space_and_no_upper_case(text):
    for token in tokenize(text):
        assert token
        assert token == token.casefold()
        assert not any(c.isspace() for c in token)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("用 Python 写排序", "zh"),
        ("请把 Python list comprehension 改成 for loop", "zh"),
        ("Python 的列表推导式怎么写？", "zh"),
        ("What does 你好 mean?", "en"),
        ("Explain closures.", "en"),
        ("", "en"),
        ("。。。", "en"),
        ("𠀀𠀁是罕用字", "zh"),
    ],
)
def test_language(text, expected):
    assert language(text) == expected


def test_normalise_makes_exact_duplicates_equal():
    assert normalise("  Name\tthe\n\nPLANETS ") == normalise("name the planets") == "name the planets"
    assert normalise("ＡＢＣ　你好") == "abc 你好"
    assert normalise("a.b") != normalise("a b")
    assert normalise("ze\u200bro") == "zero"
    assert normalise("👩\u200d🍳") != normalise("👩🍳")


@given(st.text())
def test_normalise_twice_is_once(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("Sort the LIST, please!", ["Sort", "the", "LIST", "please"]),
        ("用 Python 写……排序", ["用", "Python", "写", "排", "序"]),
        ("价格:３５元。", ["价", "格", "３５", "元"]),
        ("一ｶﾞ二", ["一", "ｶﾞ", "二"]),
        ("a photo\u200bn, 光\xad合", ["a", "photo\u200bn", "光", "合"]),
        ("e\u0301cole, Straße!", ["e\u0301cole", "Straße"]),
        ("㍿です", ["㍿", "㍿", "㍿", "㍿", "で", "す"]),
        ("\u1112\u1161\u11ab 字", ["\u1112\u1161\u11ab", "字"]),
        ("ㄱㅏ, b", ["ㄱㅏ, ", "b"]),  # letters of Hangul that join only by their neighbours: the word is told
        ("。。。", []),
    ],
)
def test_spans_say_where_tokens_stand(text, stretches):
    assert [text[begin:end] for begin, end in spans(text)] == stretches


@given(st.text(), st.data())
def test_a_stretch_by_spans_has_the_tokens_it_was_cut_for(text, data):
    tokens, found = tokenize(text), spans(text)
    assert len(found) == len(tokens)
    assert found == sorted(found)
    if tokens:
        first = data.draw(st.integers(0, len(tokens) - 1))
        last = data.draw(st.integers(first, len(tokens) - 1))
        shown = tokenize(text[found[first][0] : found[last][1]])
        wanted = tokens[first : last + 1]
        assert any(shown[at : at + len(wanted)] == wanted for at in range(len(shown)))
