"""Placed rows come apart as their plan says, or are not placed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Sft
from studio.curate.placing.arranging import Arranged, Wish
from studio.curate.placing.refinding import surely_arranged
from studio.curate.segments.context import context_of, find_in
from studio.curate.segments.guards import Guard

WISH = Wish("shuffle", 1)


def test_a_segment_that_would_be_cut_at_the_end_keeps_the_row_in_place():
    text = "[1] Oak.\n[2] Elm.\n\nQuestion: is it rare?\n\nIt is.\n[3] Ash."
    row = Sft(instruction="Which tree is it?", input=text, output="Ash.")
    context = context_of(row)
    made = surely_arranged(row, context, (0, 2, 1), WISH)
    assert isinstance(made, Guard)
    assert made.code == "unsteady"
    assert made.evidence.startswith("Elm.")
    assert isinstance(surely_arranged(row, context, (1, 0, 2), WISH), Arranged)


PARTS = st.sampled_from(
    [
        "Oak is slow.",
        "橡树长得慢。",
        "\n",
        "\n\n",
        "Is it?",
        "是吗？",
        "Question: why?",
        "A. one",
        "Use salt.",
        "请看。",
        "- a",
    ]
)
BODIES = st.lists(st.lists(PARTS, min_size=1, max_size=5).map(" ".join), min_size=2, max_size=4)
LABELS = st.sampled_from(["[{}] ", "Document {}: ", "文档{}：", "## Part {}\n", "- "])


@pytest.mark.parametrize("field", ["input", "instruction"])
@given(LABELS, BODIES, st.sampled_from(["", "\n\nWhich?", "\n哪个？", "\n\nEnd."]), st.randoms(use_true_random=False))
def test_what_is_placed_is_found_again_as_planned(field, label, bodies, tail, rng):
    text = "\n".join(label.format(number) + body for number, body in enumerate(bodies, start=1)) + tail
    row = Sft(**{"instruction": "Which one is slow?", "output": "The oak.", field: text})
    context = context_of(row)
    if context is None or context.guard is not None or context.field != field:
        return
    order = list(range(len(context.segments)))
    rng.shuffle(order)
    made = surely_arranged(row, context, order, WISH)
    if isinstance(made, Arranged):
        again = find_in(made.row, field).segments
        assert again.bodies[: len(order)] == tuple(context.segments.bodies[place] for place in order)
