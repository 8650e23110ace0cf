"""The task pool as lines: its balance, what a request would show, what speaks against a seed task. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from studio.alpaca.rows import Sft
from studio.curate.selecting.pool import LANGUAGES, Balance
from studio.curate.selecting.pool_report import Bar, heading, sections
from studio.jobs.pool_draw import Drawn
from studio.methods.self_instruct.seed_tasks import IS_CLASSIFICATION, NO_CLASSIFICATION, Hint, classification
from studio.methods.templates import Language
from studio.store.rows import StoredRow
from studio.text.display import columns, one_line
from studio.tui.details.rows import row_lines, status_line
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LABEL = 20


def seed_lines(
    stored: StoredRow, origin: str, hints: Sequence[Hint], width: int, *, compared: bool = True, near: str = ""
) -> list[Line]:
    """A row with what the task pool makes of it, below its status. compared: with the other seed tasks too.

    near: as for `row_lines`.
    """
    lines = row_lines(stored, origin, width, near=near)
    if not stored.seed or not isinstance(stored.row, Sft):
        return lines
    told = classification(stored.row.instruction, stored.tags, stored.extras)
    about: list[Line] = []
    for hint in hints:
        about += flow([Span(f"! {hint.rule}: ", "pending"), Span(hint.reason)], width)
    if not {IS_CLASSIFICATION, NO_CLASSIFICATION} & {*stored.tags}:
        answer = "classification" if told.answer else "no classification"
        said = f"{answer}: {told.why}" if told.known else f"{answer}? {told.why}; c marks it"
        about += flow([Span(said, "muted")], width)
    if not compared:
        about += flow([Span("not compared with the other seed tasks yet: h does", "muted")], width)
    place = len(flow(status_line(stored, origin), width))
    return [*lines[:place], *about, *lines[place:]]


def balance_lines(balance: Balance, width: int) -> list[Line]:
    """The balance of the pool; what is missing first."""
    size, *missing = heading(balance)
    lines: list[Line] = [*flow([Span("Task pool   ", " bold"), Span(size), Span("   Esc closes", "muted")], width)]
    for told in missing:
        lines += flow([Span(told, "pending")], width)
    for section in sections(balance):
        most = max((bar.n for bar in section.bars), default=0)
        lines += [[], *flow([Span(section.title, "muted underline")], width)]
        lines += [_bar_line(bar, most, width) for bar in section.bars]
    return lines


def _bar_line(bar: Bar, most: int, width: int) -> Line:
    label = one_line(bar.label, _LABEL)
    figures = f"{bar.n:>7,} {bar.share:>4}  "
    room = max(4, min(30, (width - _LABEL - len(figures)) // 3))
    filled = round(bar.n * room * 8 / (most or 1)) or bool(bar.n)
    painted = "█" * (filled // 8) + _EIGHTHS[filled % 8].strip()
    return [
        Span(label + " " * (_LABEL - columns(label))),
        Span(figures),
        Span(painted + " " * (room - len(painted)), "gold"),
        Span(f"  {bar.note}" if bar.note else "", "muted"),
    ]


def drawn_lines(drawn: Drawn, language: Language, request: int, seed: int, width: int) -> list[Line]:
    """The very prompt of one request, and which rows it shows."""
    machine = sum(stored.generated for stored in drawn.shown)
    title = f"Request {request + 1:,} of Self-Instruct, {LANGUAGES[language]}, seed {seed}"
    sums = f"about {drawn.tokens:,} tokens, and up to {drawn.most:,} of the reply"
    keys = "n p the next and previous draw, l the other language, j k scroll, Esc closes"
    lines = flow([Span(f"{title}   ", " bold"), Span(sums)], width)
    lines += flow([Span(keys, "muted")], width)
    told = [Span(f"{len(drawn.shown) - machine} seed tasks, {machine} machine-made: ")]
    for stored in drawn.shown:
        told.append(Span(f"#{stored.id}{'⚙' if stored.generated else ''} ", "muted" if stored.generated else "gold"))
    lines += flow(told, width)
    # The draw fills the last turn; what goes before it is the same each time, and long for a small model.
    *before, last = drawn.turns
    lines += [[], *_turn(last, "", width)]
    return [*lines, *(line for turn in before for line in [[], *_turn(turn, ", sent before that", width)])]


def _turn(turn: tuple[str, str], when: str, width: int) -> list[Line]:
    return [[Span(f"{turn[0]}{when}", "muted underline")], *flow([Span(turn[1])], width)]
