from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.placing.distractors import Answer, Pool, plain
from studio.curate.segments.shapes.finding import find


def docs(*bodies, noun="Document"):
    return find("\n".join(f"{noun} {number}: {body}" for number, body in enumerate(bodies, start=1))).segments


OWN = docs("The oak in the park is slow.", "The ash by the gate is quick.")
OTHERS = [
    docs("The bakery in the park opens at five.", "Nine boats of larch lie at the pier."),
    docs("A pilot lit the lamp in 1904.", "Swifts nest above the coal chute."),
    docs("The ash is quick.", "The elm by the gate is rare, and quick as the ash."),
]


def pool(seed=1, rows=OTHERS, own=OWN):
    made = Pool(seed)
    made.add(0, own)
    for row, segments in enumerate(rows, start=1):
        made.add(row, segments)
    return made


def test_distractors_come_from_other_rows_and_do_not_hold_the_answer():
    drawn = pool().draw(0, OWN, "Which tree in the park is quick?", "The ash by the gate", 9)
    assert len(drawn) == 4
    assert all(one.row in (1, 2, 3) for one in drawn)
    assert not any("ash" in one.body for one in drawn)
    # Nearest to the question first, as a search would find them.
    assert drawn[0].body.strip() == "The bakery in the park opens at five."


def test_the_same_seed_draws_the_same_whatever_order_rows_came_in():
    first = pool().draw(0, OWN, "Which?", "the ash", 2)
    other = Pool(1)
    for row in (3, 1, 2):
        other.add(row, OTHERS[row - 1])
    assert other.draw(0, OWN, "Which?", "the ash", 2) == first


def test_only_segments_of_the_same_form_and_language_change_rows():
    made = Pool(1)
    made.add(1, docs("The bakery opens.", "Boats lie.", noun="Passage"))
    made.add(2, find("文档1：面包房开门。\n文档2：船停着。").segments)
    made.add(3, find("Example 1\nInput: a\nOutput: b\n\nExample 2\nInput: c\nOutput: d").segments)
    made.add(4, find("Facts:\n- a tree\n- a boat\n- a lamp").segments)
    assert made.draw(0, OWN, "Which?", "the ash", 5) == []


@pytest.mark.parametrize(
    ("body", "answer", "holds"),
    [
        ("The ash is quick.", "the ash", True),
        ("Lit in 1904.", "It was lit by a pilot in 1904", True),
        ("A retired pilot came.", "the retired pilot Ada Quill", True),
        ("A pilot came.", "the retired pilot Ada Quill", False),
        ("东灯塔由秋水点亮。", "秋水", True),
        ("面包房五点开门。", "东灯塔由秋水点亮", False),
        ("Nothing.", "", False),
        ("Yes, it is.", "Yes", True),
    ],
)
def test_whether_a_segment_may_answer_too(body, answer, holds):
    assert Answer(answer, "").held_by(plain(body)) == holds


@pytest.mark.parametrize(
    ("body", "question", "answer", "holds"),
    [
        ("Oakham, the capital since 1913, lies on two rivers.", "Which is the capital of Norland?",
         "Oakham is the capital of Norland.", True),
        ("Norland's capital has a famous market.", "Which is the capital of Norland?",
         "Oakham is the capital of Norland.", False),
        ("北境的首都是橡木城，建在两条河之间。", "北境的首都是哪里？", "橡木城是北境的首都。", True),
        ("北境的首都有一个有名的集市。", "北境的首都是哪里？", "橡木城是北境的首都。", False),
        ("In 1904 a lamp was lit.", "What happened in 1904?", "A bell was cast in 1904.", False),
        ("Some 1913000 people live there.", "How many?", "1,913,000 people", True),
    ],
)  # fmt: skip
def test_what_the_question_says_already_is_no_answer(body, question, answer, holds):
    assert Answer(answer, question).held_by(plain(body)) == holds


@given(st.lists(st.text("oak ash elm 灯塔", min_size=4, max_size=20), min_size=2, max_size=6), st.integers())
def test_nothing_is_drawn_twice_or_said_already(bodies, seed):
    made = Pool(seed)
    for row, body in enumerate(bodies, start=1):
        made.add(row, docs(body, f"{body} once more"))
    drawn = made.draw(0, OWN, "Which?", "1904", 5)
    texts = [one.body for one in drawn]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & set(OWN.bodies)
