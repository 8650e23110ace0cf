from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.probe.judgement import holds, is_right, normalised


def papers(text):
    """normalize_answer of the paper, after SQuAD's."""
    text = "".join(one for one in text.lower() if one not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_english_is_normalised_as_the_paper_does(text):
    # It also takes control characters for letters, as in "a\x1fthe"; prompts have none.
    text = "".join(one if one.isprintable() else " " for one in text)
    assert normalised(text) == papers(text)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_an_answer_that_stands_there_is_found(before, after, answer):
    assert holds(f"{before} {answer} {after}", answer)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The keeper is Ada Bresnick.", "Ada Bresnick"),
        ("“ada   bresnick”", "Ada Bresnick"),
        ("It was lit in 1893!", "1893"),
        ("１８９３年", "1893"),
        ("答案是：欧阳 映川。", "欧阳映川"),
        ("「欧阳映川」看守着灯塔", "欧阳映川"),
        ("a the grey heron", "a grey heron"),
        ("GREY-HERON", "greyheron"),
    ],
)
def test_case_punctuation_width_and_articles_do_not_matter(reply, answer):
    assert is_right("documents", reply, answer)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Ada Bresnik", "Ada Bresnick"),
        ("", "1893"),
        ("In 1839.", "1893"),
        ("欧阳川", "欧阳映川"),
        ("映川欧阳", "欧阳映川"),
    ],
)
def test_another_answer_is_wrong(reply, answer):
    assert not is_right("documents", reply, answer)


def test_only_the_first_line_answers_a_question_to_documents():
    copied = "Document [1] tells of a mill.\nDocument [2] says that Ada Bresnick keeps the light."
    assert not is_right("documents", copied, "Ada Bresnick")
    assert is_right("documents", "\n\n Ada Bresnick\nbecause document 2 says so", "Ada Bresnick")


def test_a_value_is_found_anywhere_in_the_reply():
    value = "0b3510b0-b46e-41da-b170-17a6205738d1"
    assert is_right("kv", f'Sure:\n```json\n{{"x": "{value.upper()}"}}\n```', value)
    assert not is_right("kv", value[:-1], value)
