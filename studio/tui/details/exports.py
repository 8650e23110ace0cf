"""What an export would write, or wrote, as flowed lines. Pure: values in, Lines out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.alpaca.census import Bar, TypeFacts
from studio.alpaca.rows import RowType
from studio.jobs.events import Exported, HeldBackFor, Previewed, TypePreview
from studio.settings import ExportSettings
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

_HEIGHT = 5
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_SHOWN_REASONS = 8
_HEADINGS = ("status", "method", "language", "origin")


def asked_lines(chosen: ExportSettings, out: Path, width: int) -> list[Line]:
    """What was chosen, each choice beside the key that changes it."""
    filters = [
        *(f"tag {tag}" for tag in chosen.tags),
        *(f"method {method}" for method in chosen.methods),
        *([] if chosen.min_score is None else [f"score {chosen.min_score:g} or more"]),
    ]
    which = "accepted rows" if chosen.statuses == ("accepted",) else "accepted and pending rows"
    told = [
        Span("to ", "muted"),
        Span(str(out)),
        Span("   as ", "muted"),
        Span(f"{chosen.format}, {'json, pretrain as jsonl' if chosen.file == 'auto' else chosen.file}"),
        Span("   of ", "muted"),
        Span(", ".join([which, *filters])),
    ]
    if chosen.split:
        told += [Span("   split ", "muted"), Span(chosen.split)]
    return flow(told, width)


def preview_lines(previewed: Previewed, selected: RowType, width: int) -> list[Line]:
    """The outlook: rows out, held back and why, tokens; the selected type's lengths in full."""
    rows = sum(one.facts.rows for one in previewed.types)
    waiting = sum(one.waiting for one in previewed.types)
    held = sum(previewed.reasons.values())
    lines = flow(
        [
            Span(f"✓ {rows:,} rows go out", "accept"),
            Span(f"   ✗ {held:,} held back" if held else "   nothing is held back", "reject" if held else "muted"),
            Span(f"   {waiting:,} seed tasks wait for an answer" if waiting else "", "muted"),
        ],
        width,
    )
    for note in previewed.notes:
        lines += flow([Span("! ", "pending"), Span(note)], width)
    found = next((one for one in previewed.types if one.facts.type == selected), None)
    if found is None:
        return [*lines, [Span(f"No {selected} row is asked for.", "muted")]]
    return [*lines, [], *_type_lines(found, previewed, width)]


def _type_lines(one: TypePreview, previewed: Previewed, width: int) -> list[Line]:
    facts, about = one.facts, "about " if previewed.estimated else ""
    told = f"{facts.rows:,} rows, {about}{facts.tokens:,} tokens trained on in an epoch"
    lines = flow([Span(f"{facts.type}  ", " bold"), Span(told)], width)
    if one.parts:
        lines += flow([Span("  ".join(f"{part} {n:,}" for part, n in one.parts.items()), "gold")], width)
    lines += [line for held in one.held_back[:_SHOWN_REASONS] for line in _held_lines(held, width)]
    if left := sum(held.rows for held in one.held_back[_SHOWN_REASONS:]):
        lines.append([Span(f"  {left:,} more for other reasons", "muted")])
    if facts.lengths:
        lines += [[], *length_lines(facts, previewed.cutoff, width, estimated=previewed.estimated)]
    for heading in _HEADINGS:
        if counted := facts.by.get(heading):
            listed = "  ".join(f"{label} {n:,}" for label, n in counted.items())
            lines += flow([Span(f"{heading:<9}", "muted"), Span(listed)], width)
    return lines


def _held_lines(held: HeldBackFor, width: int) -> list[Line]:
    return flow([Span(f"✗ {held.rows:>5,} {held.code}  ", "reject"), Span(f"#{held.row}: {held.reason}")], width)


def length_lines(facts: TypeFacts, cutoff: int, width: int, *, estimated: bool) -> list[Line]:
    """The histogram of lengths in tokens, with a line where the trainer cuts."""
    bars = facts.lengths
    wide = max(1, min(4, (width - 2) // len(bars)))
    packed = facts.type == "pretrain"
    before = len(bars) if packed else sum(low < cutoff for low, _, _ in bars)
    lines = [list(_row(bars, level, wide, before, cutoff_shown=not packed)) for level in reversed(range(_HEIGHT))]
    ends = f"{bars[0][0]:,} to {bars[-1][1]:,} tokens a row{', estimated' if estimated else ''}"
    if packed:
        told = f"{ends}; texts are packed into blocks of {cutoff:,}"
    else:
        cut = f"{facts.over_cutoff:,} rows are cut" if facts.over_cutoff else "no row is cut"
        told = f"{ends}; ┊ the cutoff of {cutoff:,}: {cut}"
    return [*lines, *flow([Span(told, "muted")], width)]


def _row(bars: Sequence[Bar], level: int, wide: int, before: int, *, cutoff_shown: bool) -> Iterator[Span]:
    """One line of the histogram; a class with any row shows at least an eighth."""
    top = max(n for _, _, n in bars) or 1
    for place, (_, _, n) in enumerate(bars):
        if place == before and cutoff_shown:
            yield Span("┊", "reject")
        height = max(1, round(n * _HEIGHT * 8 / top)) if n else 0
        block = _EIGHTHS[min(8, max(0, height - 8 * level))]
        yield Span(block * wide, "gold" if place < before else "reject")
    if before == len(bars) and cutoff_shown:
        yield Span("┊", "reject")


def result_lines(exported: Exported, width: int) -> list[Line]:
    """What was written, and what was held back."""
    lines: list[Line] = []
    for file in exported.files:
        lines += flow([Span("✓ ", "accept"), Span(f"{file.rows:>7,} rows  {Path(file.path).name}  verified")], width)
    if not exported.files:
        return [[Span("No row to export.", "muted")]]
    if exported.beside:
        lines += flow([Span("beside them: ", "muted"), Span(", ".join(exported.beside))], width)
    if exported.held_back:
        listed = Path(exported.held_list).name
        lines += flow([Span(f"✗ {exported.held_back:,} rows held back, listed in {listed}", "reject")], width)
    else:
        lines.append([Span("Nothing held back.", "accept")])
    for name in exported.beside:
        if name.startswith("train_"):
            told = f"cd {shlex.quote(exported.out)} && llamafactory-cli train {name}"
            lines += flow([Span(told, "muted")], width)
    return lines
