"""Rows in another order in which the same segments are found again, as their plan says; others stay as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from studio.alpaca.rows import Row
from studio.curate.placing.arranging import Arranged, Wish, arrange
from studio.curate.placing.distractors import Distractor
from studio.curate.placing.plans import with_text
from studio.curate.segments.context import Context, find_in
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import is_question
from studio.curate.segments.segment import Segments

# Behind such a label any text is one.
_CLOSED = ("]", "】", ":", "：")


def _steady(segments: Segments, bodies: Sequence[str]) -> bool:
    """Whether the segments are found alike in every order, without a look: documents of one line that ask nothing."""
    return (
        segments.kind == "documents"
        and all(label.rstrip().endswith(_CLOSED) for label in segments.labels)
        and all(body.strip() and "\n" not in body and not is_question(body) for body in bodies)
    )


def surely_arranged(
    row: Row,
    context: Context,
    order: Sequence[int],
    wish: Wish,
    distractors: Sequence[Distractor] = (),
    variant: int = 0,
    pattern: re.Pattern[str] | None = None,
) -> Arranged | Guard:
    """What `arrange` makes of a row, a Guard too where its segments would come apart otherwise than they were put.

    Such a segment holds something that would end the last one, or would not be told as one in the first place.
    pattern: the person's own expression for segments.
    """
    made = arrange(row, context, order, wish, distractors, variant)
    if isinstance(made, Guard):
        return made
    segments, changed = context.segments, made.row
    bodies = (*segments.bodies, *[one.body for one in distractors])
    if _steady(segments, bodies):
        return made
    if wish.question != "as-is":
        # A question that now stands beside the segments says nothing of them.
        order = [place for place in order if place < len(segments)]
        changed = with_text(row, context.field, segments.moved(order).join())
    found = find_in(changed, context.field, pattern)
    seen = () if found is None else found.segments.bodies
    for place, original in enumerate(order):
        if place >= len(seen) or seen[place] != bodies[original]:
            return Guard("unsteady", " ".join(bodies[original].split())[:40])
    return made
