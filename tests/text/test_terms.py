from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.text.terms import Terms, terms


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


@given(st.lists(st.text(alphabet="aB 1+.,!，。写诗が\u0301\x01😀é\n", max_size=12), max_size=40))
def test_a_batch_is_what_its_texts_are_one_by_one(texts):
    known = Terms()
    encoded = known.encode(texts)
    names = list(known)
    found = [[] for _ in texts]
    for row, term in zip(encoded.rows.tolist(), encoded.terms.tolist(), strict=True):
        found[row].append(names[term])
    assert found == [terms(text) for text in texts]


def test_numbers_stay_from_batch_to_batch():
    known = Terms()
    first = known.encode(["tides and tides"]).terms.tolist()
    assert known.encode(["and tides"]).terms.tolist() == [first[1], first[0]]
    assert first[0] == first[2]
    assert len(known) == 3  # the two, and number 0
