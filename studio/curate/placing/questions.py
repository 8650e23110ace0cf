"""Where the question stands to the segments: before, after, both (query-aware contextualisation, arXiv 2307.03172)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.curate.placing.drafts import Draft
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Line, Source
from studio.curate.segments.tasks import is_cue
from studio.settings import Question

_GAP = "\n\n"
_ASKS = re.compile(r"[?？][\"'”’）)]*\s*$")


class Frame(NamedTuple):
    """The field that holds the segments, and its texts before and behind them as they are now."""

    field: str
    prefix: str
    suffix: str


def move(draft: Draft, frame: Frame, where: Question) -> Guard | None:
    """Put the question where it is wanted. Returns why that cannot be, with the draft as it was."""
    if where == "as-is":
        return None
    if frame.field == "system":
        return Guard("no-question", "the segments stand in the system prompt")
    beside = "instruction" if frame.field == "input" else "input"
    question = draft.text(beside)
    if question.strip():
        _from_beside(draft, frame, beside, question.strip("\n"), where)
        return None
    before, after = _span(frame.prefix, ends=False), _span(frame.suffix, ends=True)
    if before is None and after is None:
        return Guard("no-question", (frame.suffix or frame.prefix).strip()[:40])
    if before is not None and after is not None:
        return None if where == "both" else Guard("no-question", "there is one before and one behind already")
    _within(draft, frame, before, after, where)
    return None


def _from_beside(draft: Draft, frame: Frame, beside: str, question: str, where: Question) -> None:
    """The question is a field of its own: the trainer shows instruction, then input."""
    stands = "before" if frame.field == "input" else "after"
    if where == stands:
        return
    text = draft.text(frame.field)
    if stands == "before":
        draft.replace(frame.field, [_behind(text, len(text) - len(frame.suffix), question)])
    else:
        draft.insert(frame.field, len(frame.prefix), question + _GAP)
    if where != "both":
        draft.replace(beside, [(0, len(draft.text(beside)), "")])


def _within(
    draft: Draft, frame: Frame, before: tuple[int, int] | None, after: tuple[int, int] | None, where: Question
) -> None:
    """The question stands in the same text, before the segments or behind them."""
    text = draft.text(frame.field)
    behind = len(text) - len(frame.suffix)
    stands = "before" if before is not None else "after"
    start, end = before if before is not None else after or (0, 0)
    offset = 0 if before is not None else behind
    question = text[offset + start : offset + end].strip()
    if where == stands:
        return
    # What goes first changes the places of what comes after it, so the text is changed from its end.
    taken = [(offset + start, offset + end, "")] if where != "both" else []
    put = (
        (len(frame.prefix), len(frame.prefix), question + _GAP)
        if stands == "after"
        else _behind(text, behind, question)
    )
    draft.replace(frame.field, sorted([*taken, put]))


def _behind(text: str, behind: int, question: str) -> tuple[int, int, str]:
    """Behind the segments, before a cue such as "Answer:" that ends the text."""
    written = len(text.rstrip())
    last = max(behind, text.rfind("\n", behind, written) + 1)
    at = max(behind, len(text[:last].rstrip())) if is_cue(text[last:]) else written
    return at, at, _GAP + question


def _span(text: str, *, ends: bool) -> tuple[int, int] | None:
    """Where the question stands: the last block that asks, a cue such as "Answer:" left out, with the gap behind it.

    ends: the whole text ends here; then what stands last has the gap before it.
    """
    blocks = Source(text).blocks
    for at, block in reversed(list(enumerate(blocks))):
        lines = list(block.lines)
        while lines and is_cue(lines[-1].text):
            lines.pop()
        if not lines or not _asks(lines):
            continue
        # Options belong to the question above them.
        start = blocks[at - 1].start if lines[0].option and at and _asks(blocks[at - 1].lines) else block.start
        end = lines[-1].end
        if len(lines) < len(block.lines):
            return start, end
        rest = len(text) - len(text[end:].lstrip("\r\n"))
        if rest < len(text) or not ends:
            return start, rest
        return (len(text[:start].rstrip("\r\n")) if text[:start].strip() else 0), len(text)
    return None


def _asks(lines: Sequence[Line]) -> bool:
    return lines[0].asks or _ASKS.search(lines[-1].text) is not None
