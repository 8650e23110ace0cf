from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.text.terms import encode, terms

ALPHABET = "aBz 1+.,!_，。写诗がｶﾞ\u0301\u0338\x01\x00😀é\nß\ufe0fा각\u200d"


def test_words_signs_and_single_characters():
    assert terms("What is 2+3? C++, and/or $5") == ["what", "is", "2+3", "c++", "and/or", "$5"]
    assert terms("用 Python 计算 ２＋３。") == ["用", "python", "计", "算", "2+3"]
    assert terms("한국어 と かな") == ["한", "국", "어", "と", "か", "な"]


def test_case_full_width_white_space_and_punctuation_make_no_difference():
    assert terms("Ｗｒｉｔｅ, a POEM!") == terms("write a\n\tpoem") == ["write", "a", "poem"]
    assert terms("写一首诗。") == terms("写 一 首 诗") == list("写一首诗")


def test_signs_and_pictures_make_one():
    assert terms("2+3") != terms("2*3")
    assert terms("a < b") != terms("a > b")
    assert terms("What does 😀 mean?") != terms("What does 😂 mean?")
    assert terms("3 × 4") != terms("3 ÷ 4")


def test_marks_stay_with_their_letter():
    assert terms("हिन्दी 中文") == ["हिन्दी", "中", "文"]
    assert terms("cafe\u0301") == terms("café")


def numbers_of(texts):
    """The numbers of each text's terms, in their order."""
    encoded = encode(texts)
    found = [[] for _ in texts]
    for row, term in zip(encoded.rows.tolist(), encoded.terms.tolist(), strict=True):
        found[row].append(term)
    return found


def check(texts):
    """As many numbers as terms, and two numbers are equal when their terms are, and only then."""
    found, cut = numbers_of(texts), [terms(text) for text in texts]
    assert [len(one) for one in found] == [len(one) for one in cut]
    pairs = {
        (number, term) for one, words in zip(found, cut, strict=True) for number, term in zip(one, words, strict=True)
    }
    assert len(pairs) == len({number for number, _ in pairs}) == len({term for _, term in pairs})


@given(st.lists(st.text(alphabet=ALPHABET, max_size=12), max_size=40))
def test_numbers_are_equal_when_terms_are(texts):
    check(texts)


@given(st.lists(st.text(max_size=12), max_size=12))
def test_any_text_at_all(texts):
    check([text.encode(errors="ignore").decode() for text in texts])


def test_numbers_stay_from_batch_to_batch():
    assert numbers_of(["tides and tides"])[0][::-1] == numbers_of(["x", "Tides, and TIDES!"])[1]
    assert numbers_of(["灯塔 tower"])[0] == numbers_of(["é " * 3000, "灯塔 tower"])[1]


def test_letters_in_another_order_are_another_term():
    one, two, three = numbers_of(["ab ba", "abab", "ab"])
    assert len({*one, *two}) == 3
    assert one[0] == three[0]


def test_nothing():
    encoded = encode([])
    assert len(encoded.rows) == len(encoded.terms) == 0
    assert numbers_of(["", "?!", "\x01"]) == [[], [], []]
