from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from studio.text.terms import encode, terms

ALPHABET = "aBz 15-+.,!_，。写诗がｶﾞ\u0301\u0338\x01\x00😀é\nß\ufe0fा각\u200d\u200b\xad"


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


def test_a_minus_and_a_point_belong_to_their_number():
    assert terms("Is -5 > 3 ?") == ["is", "-5", ">", "3"]
    assert terms("What is 1.5 times 2.") == ["what", "is", "1.5", "times", "2"]
    assert terms("(-.5, .25), x=-1, 2024-01-05") == ["-.5", ".25", "x=-1", "2024-01-05"]
    assert terms("气温是－５度，还是１．５度？") == ["气", "温", "是", "-5", "度", "还", "是", "1.5", "度"]
    assert terms("温度-5度") != terms("温度5度")


def test_a_hyphen_and_a_full_stop_are_punctuation():
    assert terms("well-known, GPT-4: a - b. 5. See fig.3") == terms("well known GPT 4 a b 5 see fig 3")
    assert terms("第3.章 - 见下文") == terms("第3章见下文")
    assert terms("--5 ...5") == terms("5 5")


def test_what_nobody_sees_makes_no_difference():
    assert terms("photosyn\u200bthesis, co\xadope\u2060ration\ufeff") == ["photosynthesis", "cooperation"]
    assert terms("光合\u200b作用") == terms("光合作用")
    assert terms("e\u200b\u0301cole") == terms("école")


def test_marks_stay_with_their_letter():
    assert terms("हिन्दी 中文") == ["हिन्दी", "中", "文"]
    assert terms("cafe\u0301") == terms("café")


def features(text):
    """Each term of the text with which occurrence of it it is."""
    seen = Counter()
    found = []
    for term in terms(text):
        found.append((term, seen[term]))
        seen[term] += 1
    return found


def check(texts):
    """As many numbers as features, and two numbers are equal when their features are, and only then; texts likewise."""
    encoded = encode(texts)
    numbers = [set() for _ in texts]
    for row, number in zip(encoded.rows.tolist(), encoded.features.tolist(), strict=True):
        assert number not in numbers[row]
        numbers[row].add(number)
    named = [set(features(text)) for text in texts]
    assert [len(one) for one in numbers] == [len(one) for one in named]
    for one, these in zip(numbers, named, strict=True):
        for other, those in zip(numbers, named, strict=True):
            assert len(one & other) == len(these & those)
    wholes = [tuple(terms(text)) for text in texts]
    found = encoded.texts.tolist()
    assert [whole == () for whole in wholes] == [number == 0 for number in found]
    pairs = set(zip(found, wholes, strict=True))
    assert len(pairs) == len(set(found)) == len(set(wholes))


@given(st.lists(st.text(alphabet=ALPHABET, max_size=12), max_size=25))
def test_numbers_are_equal_when_terms_are(texts):
    check(texts)


@given(st.lists(st.text(max_size=12), max_size=12))
def test_any_text_at_all(texts):
    check([text.encode(errors="ignore").decode() for text in texts])


def test_numbers_stay_from_batch_to_batch():
    (one,) = encode(["灯塔 tower, tides and tides"]).texts.tolist()
    encoded = encode([*["é " * 300, "x"] * 400, "灯塔 TOWER tides and TIDES!"])
    assert encoded.texts.tolist()[-1] == one
    assert len(encoded.texts) == 801


def test_letters_or_words_in_another_order_are_something_else():
    check(["ab ba", "abab", "ab", "ba ab", "a b", "b a", "a a", "a a a"])


def test_nothing():
    assert [len(part) for part in encode([])] == [0, 0, 0]
    check(["", "?!", "\x01", "\x01\x01", " \n"])
