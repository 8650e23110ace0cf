"""Arranging a row: its segments in another order, with references, question and answer to match, and the plan of it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from studio.alpaca.rows import Kto, Preference, Pretrain, Row
from studio.curate.placing import locating, questions
from studio.curate.placing.distractors import Distractor
from studio.curate.placing.drafts import Draft
from studio.curate.placing.plans import Plan, digest, with_text
from studio.curate.placing.questions import Frame
from studio.curate.segments import references
from studio.curate.segments.context import Context
from studio.curate.segments.guards import Guard
from studio.curate.segments.numerals import PATTERN, value, written
from studio.curate.segments.segment import Segments
from studio.settings import Question, Strategy
from studio.text.tokens import language


class Wish(msgspec.Struct, frozen=True):
    """What is wanted of every row alike. question, locate_first: see `questions` and `locating`."""

    strategy: Strategy
    seed: int
    question: Question = "as-is"
    locate_first: bool = False


class Arranged(NamedTuple):
    """A placed row, and how it came to be."""

    row: Row
    plan: Plan


def mixed(count: int, distractors: int, seed: int, row: int) -> tuple[int, ...]:
    """An order of a row's own segments, which keep theirs, with distractors (count and above) drawn in between."""
    order = list(range(count))
    if not distractors:
        return tuple(order)
    drawn = random.Random(f"{seed}/{row}/distractors")
    for number in range(distractors):
        order.insert(drawn.randint(0, len(order)), count + number)
    return tuple(order)


def arrange(
    row: Row,
    context: Context,
    order: Sequence[int],
    wish: Wish,
    distractors: Sequence[Distractor] = (),
    variant: int = 0,
) -> Arranged | Guard:
    """The row with its segments in this order. A Guard says why it must stay as it is.

    order: for each place, the place its segment has now; numbers from the row's own on are those of the distractors.
    """
    segments = context.segments
    own = len(segments)
    moved = segments.moved([place for place in order if place < own])
    draft = Draft(with_text(row, context.field, moved.join()))
    places = [order.index(place) for place in range(own)]
    prefix, suffix = _follow(draft, context, places)
    final = _with_distractors(draft, context.field, prefix, moved, order, distractors) if distractors else moved
    text = draft.text(context.field)
    refused = questions.move(draft, Frame(context.field, text[:prefix], text[len(text) - suffix :]), wish.question)
    gold = None if context.gold.place is None else places[context.gold.place]
    refused = refused or (_locate(draft, context, final, gold) if wish.locate_first else None)
    if refused is not None:
        return refused
    plan = Plan(
        strategy=wish.strategy,
        seed=wish.seed,
        field=context.field,
        order=tuple(place if place < own else -1 for place in order),
        spans=tuple(moved.spans()),
        digest=digest(draft.row),
        gold=gold,
        before=context.gold.place,
        edits=tuple(draft.edits),
        distractors=tuple(distractors[place - own].row for place in order if place >= own),
        question=wish.question,
        locate_first=wish.locate_first,
        variant=variant,
    )
    return Arranged(draft.row, plan)


def refusal(row: Row, context: Context, wish: Wish) -> Guard | None:
    """Why the row must stay as it is, whatever the order; None when it need not."""
    draft, segments = Draft(row), context.segments
    frame = Frame(context.field, segments.prefix, segments.suffix)
    refused = questions.move(draft, frame, wish.question)
    return refused or (_locate(draft, context, segments, context.gold.place) if wish.locate_first else None)


def _follow(draft: Draft, context: Context, places: Sequence[int]) -> tuple[int, int]:
    """Let every reference name the segment it named before. Returns how long prefix and suffix are then."""
    segments = context.segments
    lengths = [len(segments.prefix), len(segments.suffix)]
    by_path: dict[str, list[references.Mention]] = {}
    for path, mention in context.references:
        by_path.setdefault(path, []).append(mention)
    for path, mentions in by_path.items():
        assert segments.naming is not None
        changes = references.rewritten(draft.text(path), mentions, places, segments.naming)
        draft.replace(path, changes)
        for start, end, number in changes if path == context.field else ():
            lengths[start >= len(segments.prefix)] += len(number) - (end - start)
    return lengths[0], lengths[1]


_NUMBER = re.compile(PATTERN)


def _with_distractors(
    draft: Draft, field: str, prefix: int, moved: Segments, order: Sequence[int], distractors: Sequence[Distractor]
) -> Segments:
    """Put the distractors in, and number all labels anew."""
    own, gap = len(moved), moved.separators[-1]
    labels: list[str] = []
    bodies: list[str] = []
    changes: list[tuple[int, int, str]] = []
    at, taken = prefix, 0
    for place, original in enumerate(order):
        label = moved.labels[min(taken, own - 1)]
        labels.append(_numbered(label, moved, place))
        if original < own:
            bodies.append(moved.bodies[taken])
            if labels[-1] != label:
                changes.append((at, at + len(label), labels[-1]))
            at += len(label) + len(bodies[-1]) + (len(moved.separators[taken]) if taken < own - 1 else 0)
            taken += 1
        else:
            bodies.append(distractors[original - own].body)
            entry = labels[-1] + bodies[-1]
            changes.append((at, at, entry + gap if taken < own else gap + entry))
    draft.replace(field, changes)
    return replace(
        moved,
        labels=tuple(labels),
        bodies=tuple(bodies),
        separators=(*moved.separators, *[gap] * len(distractors)),
        order=tuple(range(len(bodies))),
    )


def _numbered(label: str, segments: Segments, place: int) -> str:
    """The label with the number of that place."""
    if segments.naming is None:
        return label
    digits = list(_NUMBER.finditer(label))[_counting(segments)]
    number = written(segments.naming.first + place, digits[0])
    return label[: digits.start()] + number + label[digits.end() :]


def _counting(segments: Segments) -> int:
    """Which of the numbers in each label counts the segments: "Note 2 (v3):" has another one."""
    assert segments.naming is not None
    columns = zip(*[_NUMBER.findall(label) for label in segments.labels], strict=False)
    for column, numbers in enumerate(columns):
        if [value(number) - segments.naming.first for number in numbers] == list(range(len(segments))):
            return column
    return -1


def _locate(draft: Draft, context: Context, segments: Segments, gold: int | None) -> Guard | None:
    row = draft.row
    if isinstance(row, Kto) and not row.kto_tag:
        return Guard("undesirable", "kto_tag is false")
    if gold is None or isinstance(row, Pretrain):
        return Guard("no-question", "no gold segment to name")
    paths = ("chosen", "rejected") if isinstance(row, Preference) else ("output",)
    told = language(f"{row.instruction}\n{row.input}\n{draft.text(paths[0])}")
    for path in paths:
        if not locating.locates(draft.text(path)):
            draft.insert(path, 0, locating.sentence(segments, gold, told))
    return None
