"""Bullet and numbered lists, as far as their order carries no meaning; constraints of an instruction among them."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.curate.segments import guards
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Line, Source
from studio.curate.segments.numerals import HAN, value
from studio.curate.segments.segment import Kind, Naming, Span, cut
from studio.curate.segments.shapes import Found
from studio.curate.segments.tasks import is_task
from studio.curate.segments.timelines import each_ends

LEAST = 3
"""So many entries at least make a list."""

_BULLET = re.compile(r"([ \t　]*)([-*+•·●▪◦○][ \t]+|[•·●▪◦○])(?=\S)")
_NUMBER = re.compile(
    r"([ \t　]*)((?:(\d{1,3})(?:[.)．][ \t]+|、[ \t]*)|[(（](\d{1,2})[)）][ \t]*"
    rf"|([{HAN}十]{{1,3}})、[ \t]*))(?=\S)"
)
CONSTRAINTS = re.compile(
    r"\b(?:requirements?|constraints?|rules|conditions|criteria|guidelines|restrictions|must|should|make sure|ensure)\b"
    r"|要求|约束|条件|规则|限制|标准|须满足|需满足|注意",
    re.IGNORECASE,
)

_FULL_STOPS = tuple('.!?。！？；;…"”’)）')


class Entry(NamedTuple):
    """An entry of a list. number: as it is written, "" for a bullet. indent: the blanks before its mark."""

    indent: str
    number: str
    start: int
    body: int


def find(source: Source) -> Found | None:
    """The longest list of three or more entries, each with the lines that are indented under it."""
    best: list[Entry] = []
    ends: list[int] = []
    for run in _runs(source):
        entries, end = run
        if len(entries) > len(best):
            best, ends = entries, [entry.start for entry in entries[1:]] + [end]
    if len(best) < LEAST:
        return None
    spans = [
        Span(entry.start, entry.body, source.trimmed(entry.body, end)) for entry, end in zip(best, ends, strict=True)
    ]
    lead = source.lead(best[0].start)
    bodies = [source.text[span.body : span.end] for span in spans]
    numbered = bool(best[0].number)
    binding = CONSTRAINTS.search(lead) is not None
    kind: Kind = "constraints" if binding else "numbered" if numbered else "bullets"
    naming = Naming("item", value(best[0].number), best[0].number) if numbered else None
    return Found(cut(source, kind, spans, naming), _guard(lead, bodies, free=binding or not numbered))


def _guard(lead: str, bodies: list[str], *, free: bool) -> Guard | None:
    """free: the list need not be called a collection."""
    guard = guards.ordered_lead(lead)
    if guard is None and not free and not guards.is_collection(lead):
        guard = Guard("steps", f"1. {bodies[0][:24]}")
    return (
        guard
        or guards.sequel(bodies)
        or guards.told_in_time(bodies)
        or guards.conversation(bodies)
        or guards.in_order(bodies)
        or (Guard("chronology", bodies[0][:40]) if each_ends(bodies) else None)
    )


def _runs(source: Source) -> list[tuple[list[Entry], int]]:
    """Each list and where it ends. Only the outermost entries are its own."""
    runs: list[tuple[list[Entry], int]] = []
    entries: list[Entry] = []
    under: list[Line] = []
    blank = False
    end = 0
    for line in source.lines:
        entry = None if line.fenced else _entry(line)
        same = entry is not None and bool(entries) and _goes_on(entries[-1], entry)
        if entry is not None and same:
            entries.append(entry)
            end = line.end
        elif entries and (line.blank or line.fenced or _deeper(line, entries[-1])):
            end = end if line.blank else line.end
        elif entries and not blank and entry is None and not line.asks and not line.questions:
            under.append(line)
            end = line.end
        else:
            if entries:
                runs.append((entries, _end(source, entries, under, end)))
            entries = [entry] if entry is not None and value(entry.number or "1") == 1 else []
            under = []
            end = line.end
        blank = line.blank
    return [*runs, (entries, _end(source, entries, under, end))] if entries else runs


def _end(source: Source, entries: list[Entry], under: list[Line], end: int) -> int:
    """Where the last entry ends. under: the lines of the list that are not indented.

    Those behind the last entry belong to it where they carry on its sentence, or where other entries have such lines.
    """
    last = entries[-1]
    usual = any(line.start < last.start for line in under)
    entire = all(_finished(source, entry.start) for entry in entries[1:])
    for line in under:
        if line.start < last.start:
            continue
        finished = _finished(source, line.start)
        carries_on = line.text.lstrip()[0].islower() and not finished
        if not carries_on and is_task(line.text) and not source.asked:
            return line.start
        if not (carries_on or usual or (entire and not finished)):
            return line.start
    return end


def _finished(source: Source, at: int) -> bool:
    """Whether the line above ends like a sentence."""
    return source.text[:at].rstrip().endswith(_FULL_STOPS)


def _entry(line: Line) -> Entry | None:
    if found := _BULLET.match(line.text):
        return Entry(found[1], "", line.start + len(found[1]), line.start + found.end())
    if found := _NUMBER.match(line.text):
        number = found[3] or found[4] or found[5]
        return Entry(found[1], number, line.start + len(found[1]), line.start + found.end())
    return None


def _goes_on(last: Entry, entry: Entry) -> bool:
    """Whether an entry is the next one of the same list."""
    if entry.indent != last.indent or bool(entry.number) != bool(last.number):
        return False
    return not entry.number or value(entry.number) == value(last.number) + 1


def _deeper(line: Line, last: Entry) -> bool:
    """Whether a line is indented deeper than the mark of the entry above it, so that it belongs to it."""
    return len(line.text) - len(line.text.lstrip()) > len(last.indent)
