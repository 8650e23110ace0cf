"""The Position stage as lines: strips of segments, histograms, what becomes of a row. Pure: values in, Lines out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from studio.alpaca.rows import answers
from studio.curate.placing.deciles import DECILES, Imbalance, decile
from studio.curate.placing.locating import locates
from studio.curate.placing.placement import MEANINGS
from studio.curate.placing.plans import Plan
from studio.curate.segments.context import Context, question_of
from studio.curate.segments.guards import MEANINGS as GUARDS
from studio.curate.segments.guards import Guard
from studio.jobs.placement.entries import Entry, State
from studio.jobs.placement.events import PlacesForeseen
from studio.settings import PositionSettings
from studio.store.rows import StoredRow
from studio.text.display import columns, one_line
from studio.tui.details.rows import field_lines
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

STRIP = 12
_COLUMN = 13
"""Columns of a strip; more segments are shown as tenths."""
_BLOCKS = "·▁▂▃▄▅▆▇█"


def strip(gold: int | None, count: int, selected: int | None = None) -> str:
    """A row's segments in one word: a dot each, ★ the gold one, ▼ and ▲ (on gold) the selected one."""
    if count > STRIP:
        tenth = -1 if gold is None else decile(gold, count)
        return "".join("★" if place == tenth else "·" for place in range(DECILES)) + f"×{count}"
    marks = ["★" if place == gold else "·" for place in range(count)]
    if selected is not None and 0 <= selected < count:
        marks[selected] = "▲" if selected == gold else "▼"
    return "".join(marks)


def state_word(entry: Entry, threshold: float) -> tuple[str, str]:
    """How a row stands, in four columns, and the ink: 97 sure, ?45 unsure, ≡ needs no gold, ⊘ left as it is."""
    match entry.state(threshold):
        case "left":
            return "⊘", "reject"
        case "turns":
            return "≡", "accept"
        case "sure":
            return ("★✓" if entry.by == "hand" else f"{entry.confidence * 100:.0f}"), "gold"
    return (f"?{entry.confidence * 100:.0f}" if entry.gold is not None else "?"), "pending"


def entry_line(entry: Entry, row: StoredRow | None, text: str, *, threshold: float, marked: bool) -> Line:
    """A row in the list."""
    word, ink = state_word(entry, threshold)
    kept = f"{entry.guard}: " if entry.guard else ""
    return [
        Span(f"{entry.row_id:>6}", "muted"),
        Span("●" if marked else " ", "accept bold"),
        Span(f"{word:<4}", ink),
        Span(f"{strip(entry.gold, entry.segments):<{_COLUMN}.{_COLUMN}} ", "gold" if not entry.guard else "muted"),
        Span("↔ " if entry.placed else "", "accept"),
        Span(kept if row is not None else "…", "reject"),
        Span(text),
    ]


# -- histograms ------------------------------------------------------------------------------------


def bars(numbers: Sequence[int]) -> str:
    """A histogram in twenty columns, head on the left and tail on the right."""
    top = max(numbers, default=0) or 1
    return "".join(_BLOCKS[-(-n * 8 // top)] * 2 for n in numbers)


def verdict(balance: Imbalance, room: int) -> str:
    """The verdict whether gold is spread evenly, as long as the room allows."""
    figures = f"chi² {balance.chi_square:.1f} p {_p(balance.p)}"
    if balance.degrees == 0:
        word = told = "one tenth only: nothing to compare"
    elif balance.uneven:
        word, told = "lopsided", f"lopsided: {_once(balance.seldom)} by chance"
    elif balance.least < 5:
        word, told = "too few rows", "too few rows to judge"
    elif balance.as_shuffled:
        word, told = "as if shuffled", "as if shuffled: no place is preferred"
    else:
        word, told = "even", f"even: chance is worse {round(100 * balance.p)} in 100 times"
    choices = (balance.words, f"{told}  {figures}", told, word)
    return next((choice for choice in choices if columns(choice) <= room), word)


def _p(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _once(p: float) -> str:
    return "under 1 in 10,000" if p < 0.0001 else f"1 in {round(1 / p):,}"


def board_lines(foreseen: PlacesForeseen | None, settings: PositionSettings, width: int) -> list[Line]:
    """Where gold stands over the dataset, and where it would by the chosen strategy."""
    if foreseen is None:
        return [[Span("now   ", "muted"), Span("counting…", "muted")], [Span(f"then  {settings.strategy}", "muted")]]
    room = width - 28
    now = [
        Span("now   ", "muted"),
        Span(bars(foreseen.before), "gold"),
        Span(f"  {verdict(foreseen.balance, room)}", "reject" if foreseen.balance.uneven else ""),
    ]
    wish = wish_words(settings)
    if foreseen.balance_after is None:
        return [now, [Span("then  ", "muted"), Span(f"{wish}: {MEANINGS[settings.strategy]}"[: width - 6])]]
    told = verdict(foreseen.balance_after, room - columns(wish) - 2)
    then = [
        Span("then  ", "muted"),
        Span(bars(foreseen.after), "gold"),
        Span(f"  {wish}  ", "pending bold"),
        Span(told, "reject" if foreseen.balance_after.uneven else "accept"),
    ]
    return [now, then]


def wish_words(settings: PositionSettings) -> str:
    """The chosen settings in few words: balanced +2 distractors, question both."""
    parts: list[str] = [settings.strategy]
    if settings.variants:
        parts.append(f"×{settings.variants} variants")
    if settings.distractors:
        parts.append(f"+{settings.distractors} distractor{'s' if settings.distractors > 1 else ''}")
    if settings.question != "as-is":
        parts.append(f"question {settings.question}")
    if settings.locate_first:
        parts.append("locate first")
    return ", ".join(parts)


_STATES: dict[State, str] = {
    "sure": "can be placed by their gold segment",
    "turns": "≡ are constraints, which take turns at the head",
    "unsure": "? wait for a look at their gold segment (r)",
    "left": "⊘ stay as they are:",
}


def figures_lines(foreseen: PlacesForeseen, settings: PositionSettings, width: int) -> list[Line]:
    """The whole of it in numbers: what the histograms mean, how rows stand, the tenths, why some rows stay."""
    lines = flow([Span("now: ", " bold"), Span(foreseen.balance.words)], width)
    if foreseen.balance_after is not None:
        lines += flow([Span(f"then, {wish_words(settings)}: ", " bold"), Span(foreseen.balance_after.words)], width)
    lines.append([])
    for state, name in _STATES.items():
        if n := foreseen.states[state]:
            lines.append([Span(f"{n:>8,} rows  "), Span(name)])
    for code, n in foreseen.guards.items():
        lines.append([Span(f"{n:>8,}    "), Span(code, "reject"), Span(f": {GUARDS[code]}", "muted")])
    lines += [[], [Span(f"{'tenth':<10}{'now':>10}{'then':>10}", "muted")]]
    names = {0: "1 head", DECILES - 1: "10 tail"}
    top = max([*foreseen.before, *foreseen.after], default=0) or 1
    for tenth in range(DECILES):
        n = foreseen.before[tenth]
        m = foreseen.after[tenth] if foreseen.after else 0
        then = f"{m:>10,}" if foreseen.after else f"{'?':>10}"
        bar = "█" * round(16 * n / top)
        lines.append(
            [
                Span(f"{names.get(tenth, str(tenth + 1)):<10}{n:>10,}{then}  "),
                Span(f"{bar:<17}", "muted"),
                Span("█" * round(16 * m / top), "gold"),
            ]
        )
    return lines


# -- a row -----------------------------------------------------------------------------------------


class Then(NamedTuple):
    """What would become of the row: its context after it was placed, and what else changed in it; or why it stays."""

    context: Context | None = None
    plan: Plan | None = None
    row: StoredRow | None = None
    guard: Guard | None = None


def head_lines(stored: StoredRow, context: Context, then: Then, settings: PositionSettings, width: int) -> list[Line]:
    """What is known of a row and what would become of it, in two to four lines."""
    count = len(context.segments)
    head = f"#{stored.id} {count} {context.segments.kind} in {context.field}"
    lines: list[Line] = []
    if context.guard is not None:
        lines += flow([Span(f"{head}  ", "muted"), Span(f"⊘ stays: {context.guard}", "reject")], width)
    elif then.plan is not None and then.plan.gold is not None and then.guard is None:
        after = strip(then.plan.gold, len(then.plan.order))
        lines.append(
            [
                Span(f"{head}  ", "muted"),
                Span("now ", "muted"),
                Span(strip(context.gold.place, count), "gold"),
                Span("  then ", "muted"),
                Span(after, "gold"),
                Span(f" {settings.strategy}", "pending"),
            ]
        )
    else:
        waits = not context.sure(settings.sure) and context.segments.kind != "constraints"
        told = "waits for a look: which one holds the answer?" if waits else "stays where it is"
        if then.plan is not None:
            told = f"then, {settings.strategy}: " + " ".join(str(place + 1) for place in then.plan.order)
        lines += flow([Span(f"{head}  ", "muted"), Span(told, "pending" if waits else "accept")], width)
    return [*lines, *flow(_gold_line(context, settings), width), *_changes(then, width)]


def _gold_line(context: Context, settings: PositionSettings) -> list[Span]:
    gold = context.gold
    if gold.place is None and context.segments.kind == "constraints":
        return [Span("≡ they need no gold segment: by balanced, each of them comes first in as many rows", "accept")]
    if gold.place is None:
        return [Span(f"? no gold segment: {gold.evidence}", "pending")]
    sure = gold.confidence >= settings.sure
    word = "sure" if sure else "unsure"
    percent = "" if gold.by == "hand" else f" {gold.confidence * 100:.0f} in 100"
    return [
        Span(f"{'★' if sure else '?'} {gold.place + 1} {word}{percent}: {gold.evidence}", "gold" if sure else "pending")
    ]


def _changes(then: Then, width: int) -> list[Line]:
    """What besides the order would change."""
    if then.guard is not None:
        return flow([Span(f"⊘ {then.guard}", "reject")], width)
    if then.plan is None or then.row is None:
        return []
    follow = [edit for edit in then.plan.edits if edit.was.strip() and len(edit.was) <= 3]
    told = []
    if follow:
        where = ", ".join(dict.fromkeys(edit.path for edit in follow))
        told.append(f"{len(follow)} reference{'s follow' if len(follow) > 1 else ' follows'} in {where}")
    if then.plan.distractors:
        told.append("distractors from " + ", ".join(f"#{row}" for row in then.plan.distractors))
    if then.plan.question != "as-is":
        told.append(f"the question {then.plan.question}")
    if then.plan.locate_first and any(locates(answer) for answer in answers(then.row.row)):
        told.append("the output names the segment first")
    return flow([Span(f"↪ {'; '.join(told)}", "accept")], width) if told else []


def segment_lines(
    context: Context, words: str, selected: int | None, width: int, *, whole: bool
) -> tuple[list[Line], tuple[int, int]]:
    """The segments under their numbers, and the first and last line of the selected one.

    words: what in the gold segment to point at, "" for nothing. whole: with all their text.
    """
    lines: list[Line] = []
    shown = (0, 0)
    segments, gold = context.segments, context.gold.place
    for number, (label, body) in enumerate(zip(segments.labels, segments.bodies, strict=True)):
        chosen = number == selected
        head = Span(f"{'▶' if chosen else ' '}{'★' if number == gold else ' '}{number + 1:>2} ", "gold")
        gap = " " if label[-1:].isspace() or body[:1].isspace() else ""
        label = f"{label.strip()}{gap}" if label.strip() else ""
        pointed = _pointed(body.strip(), words if number == gold else "")
        first = len(lines)
        if whole:
            lines += flow([head, Span(label, "muted"), *pointed], width)
        else:
            lines.append(_folded([head, Span(label, "muted"), *pointed], width))
        if chosen:
            shown = (first, len(lines) - 1)
    return lines, shown


def _pointed(text: str, words: str) -> list[Span]:
    """The text with the words between arrows: colour alone would not say where."""
    at = text.casefold().find(words.casefold()) if words else -1
    if at < 0 or len(text.casefold()) != len(text):
        return [Span(text)]
    end = at + len(words)
    return [Span(text[:at]), Span(f"»{text[at:end]}«", "gold bold"), Span(text[end:])]


def _folded(spans: list[Span], width: int) -> Line:
    """The spans on one line. Text before a pointed-at place is cut when the place would not fit."""
    texts = [one_line(span.text) for span in spans]
    pointed = next((number for number, text in enumerate(texts) if text.startswith("»") and number > 1), None)
    if pointed is not None:
        over = sum(map(columns, texts[: pointed + 1])) - width
        before = texts[pointed - 1]
        while over > 0 and before:
            over -= columns(before[0])
            before = before[1:]
        if before != texts[pointed - 1]:
            texts[pointed - 1] = f"…{before[1:]}"
    return [Span(text, span.ink) for text, span in zip(texts, spans, strict=True)]


def around_lines(stored: StoredRow, context: Context, width: int, *, whole: bool) -> tuple[list[Line], list[Line]]:
    """The question above the segments, and the answer below."""
    question = question_of(stored.row, context.field, context.segments)
    told = answers(stored.row)
    if not whole:
        above = [[Span("Q ", "muted"), Span(one_line(question, width - 2))]] if question else []
        return above, [[Span("A ", "muted"), Span(one_line(answer, width - 2))] for answer in told if answer]
    below: list[Line] = []
    for name, answer in zip(("output",) if len(told) == 1 else ("chosen", "rejected"), told, strict=False):
        below += field_lines(name, answer, width)
    return (field_lines("question", question, width) if question else []), below
