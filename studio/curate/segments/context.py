"""A row seen as a question over segments: which field holds them, which one is gold, whether they may move."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from studio.alpaca.rows import Preference, Pretrain, Row, answers
from studio.curate.segments import pointers, references, tasks
from studio.curate.segments.gold import NO_RULE, NOBODY, Gold, find_gold
from studio.curate.segments.guards import Guard
from studio.curate.segments.nouns import PARTS, family
from studio.curate.segments.parallels import parallel
from studio.curate.segments.references import Mention
from studio.curate.segments.segment import Kind, Naming, Segments
from studio.curate.segments.shapes import Found
from studio.curate.segments.shapes.finding import find

FIELDS = ("input", "instruction", "system")
"""Where segments are looked for, in this order."""


class Reference(NamedTuple):
    """A number in a row's text that names a segment. path: the field, such as "output" or "history[0][1]"."""

    path: str
    mention: Mention


@dataclass(frozen=True, slots=True)
class Context:
    """field: which text holds the segments. gold: of which one, and how sure. guard: why they must stay, if they must.

    references: every number around them that names one.
    """

    field: str
    segments: Segments
    gold: Gold
    guard: Guard | None
    references: tuple[Reference, ...] = ()

    def sure(self, threshold: float) -> bool:
        """Whether the gold segment is known well enough to be placed by it."""
        return self.gold.place is not None and self.gold.confidence >= threshold


def context_of(row: Row, known: Gold | None = None, pattern: re.Pattern[str] | None = None) -> Context | None:
    """The row's segments, None when it has none.

    known: what a person or a judge said of the gold segment, in the row as it is. pattern: the person's own expression
    for segments.
    """
    if isinstance(row, Pretrain):
        return None
    for field in FIELDS:
        text: str = getattr(row, field)
        if not text:
            continue
        found = find_in(row, field, pattern)
        if found is not None:
            guard = found.guard or _unasked(row, field, found.segments)
            return _context(row, field, found.segments, guard, known)
    return None


def carried(before: Row, after: Row, place: int, pattern: re.Pattern[str] | None = None) -> int | None:
    """Where a row's segment at `place` stands once the row has changed; None when it is not there any more."""
    old, new = context_of(before, pattern=pattern), context_of(after, pattern=pattern)
    if old is None or new is None or place >= len(old.segments):
        return None
    bodies, there = old.segments.bodies, new.segments.bodies
    if len(there) == len(bodies) and there[:place] + there[place + 1 :] == bodies[:place] + bodies[place + 1 :]:
        # Words of it were changed, or none.
        return place
    return there.index(bodies[place]) if there.count(bodies[place]) == 1 else None


def find_in(row: Row, field: str, pattern: re.Pattern[str] | None = None) -> Found | None:
    """The segments of a row's field, None when it has none."""
    asked = field == "input" and bool(getattr(row, "instruction", "").strip())
    return find(getattr(row, field), pattern=pattern, instruction=field == "instruction", asked=asked)


class Packed(NamedTuple):
    """A context without its texts, for those who come back to a million rows: where everything stands in the row.

    lengths: of the prefix, then of label, body and separator by turns, the last separator left out; as 32-bit numbers.
    """

    field: str
    kind: Kind
    naming: Naming | None
    lengths: bytes
    gold: int | None
    references: tuple[Reference, ...]


def packed(context: Context) -> Packed:
    """What it takes to have this context again."""
    segments = context.segments
    lengths = array("I", [len(segments.prefix)])
    for label, body, gap in zip(segments.labels, segments.bodies, (*segments.separators, ""), strict=True):
        lengths.extend((len(label), len(body), len(gap)))
    return Packed(
        context.field, segments.kind, segments.naming, lengths.tobytes(), context.gold.place, context.references
    )


def unpacked(row: Row, kept: Packed) -> Context:
    """The context of the very row it was packed for; of the gold segment it knows the place alone."""
    text: str = getattr(row, kept.field)
    cuts = [0, *accumulate(array("I", kept.lengths)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(cuts)]
    # The last separator has no length, so suffix comes right behind it.
    labels, bodies, gaps = pieces[1:-1:3], pieces[2:-1:3], pieces[3:-2:3]
    segments = Segments(
        kept.kind,
        pieces[0],
        tuple(labels),
        tuple(bodies),
        tuple(gaps),
        pieces[-1],
        tuple(range(len(bodies))),
        kept.naming,
    )
    return Context(kept.field, segments, Gold(kept.gold, 1.0, "", ""), None, kept.references)


def question_of(row: Row, field: str, segments: Segments) -> str:
    """What is asked about the segments of a field: all that stands around them."""
    assert not isinstance(row, Pretrain)
    beside = {"input": row.instruction, "instruction": row.input, "system": f"{row.instruction}\n{row.input}"}[field]
    parts = (beside, segments.prefix.strip(), segments.suffix.strip())
    return "\n".join(part for part in parts if any(map(str.isalnum, part)))


def answer_of(row: Row) -> str:
    """The answer that the gold segment holds; of two, the better one."""
    return next(iter(answers(row)), "")


def around(row: Row, field: str, segments: Segments) -> Iterator[tuple[str, int, str]]:
    """Every text of a row that is no segment: the path of its field, its offset in that, the text."""
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name == field:
            yield name, 0, segments.prefix
            yield name, len(value) - len(segments.suffix), segments.suffix
        elif name == "history":
            for index, pair in enumerate(value):
                for side in (0, 1):
                    yield f"history[{index}][{side}]", 0, pair[side]
        elif isinstance(value, str):
            yield name, 0, value


def _context(row: Row, field: str, segments: Segments, guard: Guard | None, known: Gold | None) -> Context:
    found: list[Reference] = []
    cited: list[int] = []
    answered = "chosen" if isinstance(row, Preference) else "output"
    constraints = segments.kind == "constraints"
    of = references.called(segments)
    apart = _turns_apart(row, segments)
    for path, offset, text in around(row, field, segments):
        if not text:
            continue
        if constraints:
            words = pointers.names_constraint(text)
            guard = guard or (Guard("names-place", words) if words else None)
            continue
        if path in apart and field != "system":
            continue
        told = references.mentions_in(text, of)
        guard = guard or told.guard
        if told.mentions and (path in apart or (path in FIELDS and path != field and _labels_its_own(text, segments))):
            guard = guard or Guard("unclear-reference", f"labels in {path}")
        for one in told.mentions:
            found.append(Reference(path, one._replace(start=one.start + offset, end=one.end + offset)))
            if path == answered:
                cited += one.places
    question = question_of(row, field, segments)
    guard = guard or _crossing(segments) or _in_order(row, question, segments, cites=bool(found))
    return Context(field, segments, _gold(row, question, segments, known, cited), guard, tuple(found))


def _unasked(row: Row, field: str, segments: Segments) -> Guard | None:
    """Whether the instruction is nothing but segments: what is asked must be one of them, or a part of one."""
    if field != "instruction" or getattr(row, "input", "").strip() or segments.kind in ("constraints", "examples"):
        return None
    if any(map(str.isalnum, segments.suffix)) or tasks.asks(segments.prefix):
        return None
    return Guard("no-question", " ".join(segments.prefix.split())[-40:])


def _turns_apart(row: Row, segments: Segments) -> frozenset[str]:
    """The paths of earlier turns that speak of labelled segments of their own: from the first that has some on."""
    history = () if isinstance(row, Pretrain) else row.history
    for first, pair in enumerate(history):
        if any(_labels_its_own(text, segments) for text in pair):
            return frozenset(f"history[{index}][{side}]" for index in range(first, len(history)) for side in (0, 1))
    return frozenset()


def _labels_its_own(text: str, segments: Segments) -> bool:
    """Whether a text holds labelled segments whose numbers could be taken for those of the row's."""
    found = find(text) if "\n" in text else None
    if found is None or found.segments.naming is None or found.segments.kind == "numbered":
        return False
    return segments.naming is None or family(found.segments.naming.noun) == family(segments.naming.noun)


def _crossing(segments: Segments) -> Guard | None:
    if segments.kind == "constraints":
        words = next((words for body in segments.bodies if (words := pointers.names_constraint(body))), None)
        return Guard("cross-reference", words) if words else None
    return references.crossing(segments.bodies, segments.naming, apart=_apart(segments))


def _apart(segments: Segments) -> bool:
    """Whether segments are texts of their own; entries, paragraphs and sections may lean on each other."""
    if segments.kind == "pattern":
        return segments.naming is not None
    part = segments.naming is not None and segments.naming.noun in PARTS
    return segments.kind in ("documents", "json", "xml") and not part


def _in_order(row: Row, question: str, segments: Segments, *, cites: bool) -> Guard | None:
    """Whether an answer goes through the segments one after the other, so that it would have to move with them."""
    if segments.kind == "constraints":
        return None
    for answer in answers(row):
        if guard := parallel(answer, question, segments, cites=cites):
            return guard
    return None


def _gold(row: Row, question: str, segments: Segments, known: Gold | None, cited: list[int]) -> Gold:
    if known is not None and (known.place is None or known.place < len(segments)):
        return known
    if segments.kind == "constraints":
        return NOBODY
    found = find_gold(segments, question, answer_of(row), cited)
    if segments.kind == "examples" and found.confidence > NO_RULE:
        # An example that shares words with the answer does not hold it.
        return found._replace(confidence=NO_RULE)
    return found
