"""A row seen as a question over segments: which field holds them, which one is gold, whether they may move."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from studio.alpaca.rows import Preference, Pretrain, Row
from studio.curate.gold import guess_gold
from studio.curate.references import refers_by_position
from studio.curate.segments import Segments, segment


@dataclass(frozen=True, slots=True)
class Context:
    """field: "input" or "instruction", whichever holds the segments. gold: the place of the gold one, or None.

    why: what tells the gold segment (marked by the person, or the words of the answer found only there).
    obstacle: the phrase that names a segment by its place, so that moving would make the row wrong; "" if none.
    """

    field: str
    segments: Segments
    gold: int | None
    why: str
    obstacle: str


def context_of(row: Row, marked: int | None = None) -> Context | None:
    """The row's segments, None when it has none. marked: the gold place the person marked, in the row as it is."""
    if isinstance(row, Pretrain):
        return None
    field = "input"
    found = segment(row.input)
    if found is None:
        field = "instruction"
        found = segment(row.instruction)
    if found is None:
        return None
    answer = row.chosen if isinstance(row, Preference) else row.output
    question = row.instruction if field == "input" else ""
    phrase = refers_by_position(question, found.prefix, found.suffix, answer) or ""
    if marked is not None and marked < len(found):
        return Context(field, found, marked, "marked by you", phrase)
    guess = guess_gold(found, question, answer)
    if guess is None:
        return Context(field, found, None, "", phrase)
    return Context(field, found, guess.place, f"only here: {', '.join(guess.evidence)}", phrase)


def moved(row: Row, context: Context, segments: Segments) -> Row:
    """The row with its segments in another order."""
    return msgspec.structs.replace(row, **{context.field: segments.join()})
