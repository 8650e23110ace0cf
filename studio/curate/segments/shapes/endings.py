"""Where the last segment ends: what is asked behind it belongs to no segment, all else does.

A text whose question stands elsewhere ends with a segment unless its last words clearly ask. Where that is no clearer
than the opposite, a guard says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Line, Source, is_question
from studio.curate.segments.segment import Span
from studio.curate.segments.tasks import is_cue, is_task

_BLANK = re.compile(r"\n[^\S\n]*\n")


def closed(
    source: Source, spans: Sequence[Span], *, asked: bool | None = None, headed: bool = False
) -> tuple[list[Span], Guard | None]:
    """The spans, of which the last goes up to the end of the text, with that cut where it ends.

    asked: whether the question stands elsewhere, as the source says if None. headed: segments have headings, so that
    a blank line ends none of them.
    """
    text, last = source.text, spans[-1]
    after = source.lines_after(last.start)
    if not after:
        return list(spans), None
    asked = source.asked if asked is None else asked
    bodies = [text[span.body : span.end].strip() for span in spans[:-1]]
    end, doubt = _end(_Tail(text, last.body, after, asked), bodies, headed=headed)
    return [*spans[:-1], last._replace(end=source.trimmed(last.body, end))], doubt


class _Tail(NamedTuple):
    """What stands from a last segment's label on. lines: those behind its first one."""

    text: str
    body: int
    lines: list[Line]
    asked: bool

    def said(self, line: Line) -> bool:
        """Whether the segment says something before the line."""
        return bool(self.text[self.body : line.start].strip())

    def asks(self, line: Line) -> bool:
        """Whether the line is a question, or a request where none stands elsewhere."""
        return line.questions or (not self.asked and is_task(line.text))


def _end(tail: _Tail, bodies: list[str], *, headed: bool) -> tuple[int, Guard | None]:
    blocks = any(_BLANK.search(body) for body in bodies)
    above = stem = None
    for line in tail.lines:
        apart = above is not None and above.blank
        if line.asks and (apart or not (headed or _asking(bodies))):
            if line.option and stem is not None and tail.said(stem) and tail.asks(stem):
                return stem.start, None
            return line.start, _doubt(line) if line.option and tail.asked and not apart else None
        if line.blank and not (blocks or headed or tail.asked) and tail.said(line):
            return line.start, None
        above, stem = line, stem if line.blank else line
    return _request(tail, bodies, blocks=blocks or headed)


def _asking(bodies: list[str]) -> bool:
    """Whether questions and answers are what the segments are made of."""
    return any(Line(0, line).asks for body in bodies for line in body.split("\n")[1:])


def _request(tail: _Tail, bodies: list[str], *, blocks: bool) -> tuple[int, Guard | None]:
    """Where the last blocks or lines begin that are questions or requests."""
    heads = [head for head in _heads(tail.lines) if tail.said(head)]
    ending = next((line for line in reversed(tail.lines) if not line.blank), None)
    if ending is None or ending.fenced or not tail.said(ending):
        return len(tail.text), None
    if is_cue(ending.text):
        end, doubt = _request(tail._replace(lines=tail.lines[: tail.lines.index(ending)]), bodies, blocks=blocks)
        return min(end, ending.start), doubt
    if heads and (ending.questions or tail.asks(heads[-1])):
        return (heads[-1] if tail.asked else _first(heads)).start, None
    if heads and not blocks and is_task(heads[-1].text):
        return heads[-1].start, _doubt(heads[-1])
    if ending.questions and not any(map(is_question, bodies)):
        loose = tail.asked and any("\n" in body for body in bodies)
        return ending.start, _doubt(ending) if loose else None
    if not tail.asked and is_task(ending.text):
        lines = [line for line in tail.lines if not line.blank and tail.said(line)]
        return _first(lines).start, None
    return len(tail.text), None


def _heads(lines: Sequence[Line]) -> list[Line]:
    """The first lines of blocks that stand behind a blank line."""
    return [line for above, line in pairwise(lines) if above.blank and not line.blank and not line.fenced]


def _first(lines: Sequence[Line]) -> Line:
    """The first of the lines from which on all are requests, the last one anyway."""
    first = lines[-1]
    for line in reversed(lines[:-1]):
        if not is_task(line.text):
            break
        first = line
    return first


def _doubt(line: Line) -> Guard:
    return Guard("outline", " ".join(line.text.split())[:40])
