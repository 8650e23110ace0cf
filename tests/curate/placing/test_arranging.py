"""Rows in another order: segments permuted and nothing else, references that follow, plans that put all of it back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Kto, Preference, Sft
from studio.curate.placing.arranging import Arranged, Wish, arrange, mixed, refusal
from studio.curate.placing.distractors import Distractor
from studio.curate.placing.plans import Edit, decode, holds, restored
from studio.curate.segments.context import context_of
from studio.curate.segments.guards import Guard
from studio.curate.segments.shapes.custom import compiled
from studio.errors import StudioError
from tests.support.resolving import Case, by_number, cases, wrong_references

SAMPLES = Path(__file__).parents[3] / "sample_data"
ROWS = [
    Sft(**row)
    for name in ("long_context.json", "positions.json")
    for row in json.loads((SAMPLES / name).read_text("utf-8"))
]
FREE = [row for row in ROWS if (context := context_of(row)) and not context.guard]
AS_IT_IS = Wish("shuffle", 1)


def placed(row, order, wish=AS_IT_IS, distractors=()) -> Arranged:
    made = arrange(row, context_of(row), order, wish, distractors)
    assert isinstance(made, Arranged)
    return made


@given(cases(), st.randoms(use_true_random=False))
def test_every_reference_means_what_it_meant_and_the_plan_undoes_it_all(case: Case, rng):
    assert wrong_references(case, case.row) == []
    context = context_of(case.row)
    assert context.guard is None, context.guard
    order = list(range(len(case.tokens)))
    rng.shuffle(order)
    made = placed(case.row, order)
    assert wrong_references(case, made.row) == []
    assert [next(token for token in case.tokens if token in text) for text in by_number(case, made.row).values()] == [
        case.tokens[place] for place in order
    ]
    assert restored(made.row, made.plan) == case.row
    assert placed(case.row, order) == made


@given(cases(), st.randoms(use_true_random=False))
def test_the_checker_sees_what_is_wrong(case: Case, rng):
    """Segments moved without their references: unless nobody speaks of what moved, the checker must find it."""
    context = context_of(case.row)
    order = list(range(len(case.tokens)))
    rng.shuffle(order)
    careless = msgspec.structs.replace(case.row, input=context.segments.moved(order).join())
    spoken = {token for meanings in case.meant.values() for tokens in meanings for token in tokens}
    moved = {case.tokens[place] for at, place in enumerate(order) if at != place}
    assert bool(wrong_references(case, careless)) == bool(spoken & moved)


@given(cases(), st.randoms(use_true_random=False), st.integers(1, 3))
def test_references_are_right_among_distractors_too(case: Case, rng, extra):
    style = case.style
    distractors = [
        Distractor(90 + number, ("无关的话。" if style.chinese else " Nothing to do with it.") + f" {'x' * number}")
        for number in range(extra)
    ]
    if style.label.startswith("<"):
        distractors = [Distractor(one.row, f">{one.body}</memo>") for one in distractors]
    order = list(mixed(len(case.tokens), extra, rng.randint(0, 99), 1))
    rng.shuffle(order)
    made = placed(case.row, order, distractors=distractors)
    assert wrong_references(case, made.row) == []
    assert len(by_number(case, made.row)) == len(order)
    assert restored(made.row, made.plan) == case.row
    assert sorted(made.plan.distractors) == [90 + number for number in range(extra)]


@pytest.mark.parametrize("row", FREE, ids=lambda row: (row.instruction or row.input)[:24])
@pytest.mark.parametrize("question", ["as-is", "before", "after", "both"])
@pytest.mark.parametrize("locate_first", [False, True])
def test_all_wishes_over_all_samples_are_undone_byte_for_byte(row, question, locate_first):
    context = context_of(row)
    order = tuple(range(len(context.segments)))[::-1]
    made = arrange(row, context, order, Wish("tail", 7, question, locate_first))
    if isinstance(made, Guard):
        assert made.code in ("no-question", "undesirable")
        return
    assert made.row != row
    kept = decode(made.plan.encode())
    assert kept == made.plan
    assert restored(made.row, kept) == row


def test_only_bodies_move():
    row = FREE[0]
    made = placed(row, (4, 0, 1, 2, 3))
    before, after = context_of(row).segments, context_of(made.row).segments
    assert (before.prefix, before.labels, before.separators, before.suffix) == (
        after.prefix, after.labels, after.separators, after.suffix,
    )  # fmt: skip
    assert after.bodies == tuple(before.bodies[place] for place in (4, 0, 1, 2, 3))
    assert made.plan.order == (4, 0, 1, 2, 3)
    assert (made.plan.before, made.plan.gold) == (2, 3)
    assert made.plan.edits == ()


def test_a_row_that_was_edited_is_not_put_back():
    made = placed(FREE[0], (4, 0, 1, 2, 3))
    edited = msgspec.structs.replace(made.row, output="something else")
    assert not holds(made.plan, edited)
    with pytest.raises(StudioError, match="edited since"):
        restored(edited, made.plan)


def test_a_plan_that_cannot_be_read_is_an_error():
    with pytest.raises(StudioError, match="cannot be read"):
        decode('{"strategy": "sideways"}')


# -- the question ----------------------------------------------------------------------------------

DOCS = "Document 1: oak\nDocument 2: ash"


def asked(row, question):
    return placed(row, (0, 1), Wish("head", 1, question)).row


def test_a_question_beside_the_segments():
    row = Sft(instruction="Which is quick?", input=DOCS, output="ash")
    assert asked(row, "before") == row
    assert asked(row, "both") == msgspec.structs.replace(row, input=f"{DOCS}\n\nWhich is quick?")
    assert asked(row, "after") == msgspec.structs.replace(row, instruction="", input=f"{DOCS}\n\nWhich is quick?")
    row = Sft(instruction=f"Read.\n{DOCS}", input="哪种快？", output="ash")
    assert asked(row, "both").instruction == f"Read.\n哪种快？\n\n{DOCS}"
    assert asked(row, "before").input == ""


def test_a_question_in_the_same_text():
    row = Sft(instruction=f"{DOCS}\n\nWhich is quick?\nAnswer:", output="ash")
    assert asked(row, "after") == row
    assert asked(row, "before").instruction == f"Which is quick?\n\n{DOCS}\n\nAnswer:"
    assert asked(row, "both").instruction == f"Which is quick?\n\n{DOCS}\n\nWhich is quick?\nAnswer:"
    row = Sft(instruction=f"哪种快？\n\n{DOCS}", output="ash")
    assert asked(row, "both").instruction == f"哪种快？\n\n{DOCS}\n\n哪种快？"
    assert asked(row, "after").instruction == f"{DOCS}\n\n哪种快？"
    row = Sft(instruction=f"Read.\n\nWhich is quick?\n\n{DOCS}\n\nAnswer:", output="ash")
    assert asked(row, "after").instruction == f"Read.\n\n{DOCS}\n\nWhich is quick?\n\nAnswer:"


@pytest.mark.parametrize("cue", ["Short answer:", "Formula:", "**Answer:**", "你的回答：", "A: "])
def test_a_last_line_that_the_model_goes_on_from_stays_the_last(cue):
    row = Sft(instruction=f"Which is quick?\n\n{DOCS}\n\n{cue}", output="ash")
    assert asked(row, "after").instruction == f"{DOCS}\n\nWhich is quick?\n\n{cue}"
    row = Sft(instruction="哪种快？", input=f"{DOCS}\n\n{cue}", output="ash")
    assert asked(row, "both").input == f"{DOCS}\n\n哪种快？\n\n{cue}"


def test_options_go_with_their_question():
    row = Sft(instruction=f"{DOCS}\n\nQuestion: Which is quick?\n\nA. oak\nB. ash\n\nAnswer:", output="B")
    moved = asked(row, "before").instruction
    assert moved == f"Question: Which is quick?\n\nA. oak\nB. ash\n\n{DOCS}\n\nAnswer:"


def test_whether_a_row_is_refused_is_known_before_the_order_is():
    refused = Sft(instruction=DOCS, output="ash")
    assert refusal(refused, context_of(refused), Wish("head", 1, "both")).code == "no-question"
    free = Sft(instruction="Which is quick?", input=DOCS, output="ash")
    assert refusal(free, context_of(free), Wish("head", 1, "both", locate_first=True)) is None


def test_a_question_that_cannot_be_moved_keeps_the_row():
    row = Sft(instruction=DOCS, output="ash")
    made = arrange(row, context_of(row), (1, 0), Wish("head", 1, "both"))
    assert made.code == "no-question"
    row = Sft(system=DOCS, instruction="Which?", output="ash")
    assert arrange(row, context_of(row), (1, 0), Wish("head", 1, "both")).code == "no-question"


# -- locate first ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "begins"),
    [
        (Sft(instruction="Which is quick?", input=DOCS, output="ash"), "The answer is in Document 1.\nash"),
        (Sft(instruction="哪种快？", input="文档1：橡树\n文档2：白蜡", output="白蜡"), "答案在文档1中。\n白蜡"),
        (Sft(instruction="Which?", input="[1] oak\n[2] ash", output="ash"), "The answer is in [1].\nash"),
        (Sft(instruction="Which?", input="Facts:\n- elm\n- oak\n- ash", output="ash"),
         "The answer is in entry 1 of 3 in the list.\nash"),
        (Sft(instruction="哪种？", input="橡树慢。\n\n榆树少。\n\n白蜡快。", output="白蜡"),
         "答案在第1段（共3段）中。\n白蜡"),
        (Sft(instruction="Which?", input="## Elm\n\nrare\n\n## Ash\n\nquick", output="quick"),
         'The answer is in the section "Ash".\nquick'),
        (Sft(instruction="Which?", input="<d id='1'>oak</d>\n<d id='2'>ash</d>", output="ash"),
         "The answer is in <d> 1.\nash"),
    ],
)  # fmt: skip
def test_the_output_names_the_segment_first(row, begins):
    context = context_of(row)
    gold = context.gold.place
    order = [gold, *(place for place in range(len(context.segments)) if place != gold)]
    assert placed(row, order, Wish("head", 1, locate_first=True)).row.output == begins


def test_both_answers_of_a_pair_locate_and_a_bad_one_alone_does_not():
    pair = Preference(instruction="Which is quick?", input=DOCS, chosen="ash", rejected="oak")
    made = placed(pair, (1, 0), Wish("head", 1, locate_first=True)).row
    assert (made.chosen, made.rejected) == ("The answer is in Document 1.\nash", "The answer is in Document 1.\noak")
    bad = Kto(instruction="Which is quick?", input=DOCS, output="ash", kto_tag=False)
    assert arrange(bad, context_of(bad), (1, 0), Wish("head", 1, locate_first=True)).code == "undesirable"


def test_who_locates_already_does_so_once():
    row = Sft(instruction="Which is quick?", input=DOCS, output="The answer is in Document 2.\nash")
    made = placed(row, (1, 0), Wish("head", 1, locate_first=True))
    assert made.row.output == "The answer is in Document 1.\nash"
    assert made.plan.edits == (Edit("output", 26, 27, "2"),)


@pytest.mark.parametrize(
    ("text", "pattern", "label"),
    [
        ("Note 1 (v2): elm\nNote 2 (v2): ash", r"^Note (?P<number>\d+) \(v2\):", "Note 3 (v2):"),
        ("Note 7.1: elm\nNote 7.2: ash", r"^Note 7\.(?P<number>\d+):", "Note 7.3:"),
    ],
)
def test_the_number_that_counts_is_the_one_that_is_set_anew(text, pattern, label):
    row = Sft(instruction="Which?", input=text, output="elm")
    context = context_of(row, pattern=compiled(pattern))
    made = arrange(row, context, (0, 2, 1), AS_IT_IS, [Distractor(9, " fir")])
    assert made.row.input.split("\n")[2] == f"{label} ash"
