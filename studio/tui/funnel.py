"""How a run goes, as lines: the funnel from asked to accepted, trouble with its count, difficulty by round."""

from __future__ import annotations

from typing import NamedTuple

from studio.jobs.estimate import Estimate
from studio.jobs.tally import Tally
from studio.llm.budget import Spent
from studio.text.display import columns, one_line
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

_BAR = 40
# What trouble in short takes of a line.
_TROUBLE = 20


class Standing(NamedTuple):
    """How a run stands. state: in a word. rate: tokens a second. remark: what to do next, "" for nothing."""

    tally: Tally
    state: str
    rate: float
    remark: str


def head_lines(standing: Standing, width: int) -> list[Line]:
    """The funnel in two lines. What changes all the time shares one colour: each costs some 50 bytes on the wire."""
    tally, state, rate, remark = standing
    eliminated = tally.eliminated.total()
    failed = f"  ! {tally.failed:,} failed" if tally.failed else ""
    left = f"  ETA {clock(tally.left)}" if rate and tally.left is not None else ""
    speed = f"  {rate:.0f} tok/s" if rate else ""
    done, ends = f"{tally.ended:,}/{tally.attempts:,}", f"{failed}{left}{speed}"
    counts = f"{done}  ✓ {tally.accepted:,} accepted  ✗ {eliminated:,} eliminated{ends}"
    if len(state) + 1 + len(counts) > width:
        counts = f"{done}  ✓ {tally.accepted:,}  ✗ {eliminated:,}{ends}"
    first = [Span(f"{state} ", " bold"), Span(counts)]
    if remark:
        return [first, [Span(one_line(remark, width), "pending")]]
    rules = "".join(f" {rule} {n:,} " for rule, n in tally.eliminated.most_common())
    asked = f"asked {tally.asked:,}  answered {tally.answered:,}  {'✗' if rules else ''}{rules}"
    return [first, [Span(one_line(asked, width - _TROUBLE), "muted"), *_trouble(tally, width - columns(asked))]]


def _trouble(tally: Tally, room: int) -> Line:
    """What went wrong, once with its count; in words where there is room for them."""
    troubles = (tally.failures + tally.retries).most_common()
    if not troubles:
        return []
    message, times = troubles[0]
    if room > 2 * _TROUBLE:
        others = f" and {len(troubles) - 1} more" if troubles[1:] else ""
        return [Span(one_line(f" ! {times:,} × {message}", room - len(others)) + others, "reject")]
    return [Span(one_line(f" ! {sum(n for _, n in troubles):,} × trouble", _TROUBLE), "reject")]


def full_lines(standing: Standing, foretold: Estimate | None, spent: Spent | None, width: int) -> list[Line]:
    """The whole funnel: every rule, every kind of trouble once with its count, difficulty by round, what it costs."""
    tally = standing.tally
    lines: list[Line] = [[Span(f"{standing.state} ", " bold"), Span(f"{tally.ended:,}/{tally.attempts:,}")]]
    if standing.remark:
        lines += flow([Span(standing.remark, "pending")], width)
    bar = min(_BAR, width - 24)
    lines += [
        [],
        _step("asked", tally.asked, tally.asked, "", bar),
        _step("answered", tally.answered, tally.asked, "", bar),
        _step("✓ accepted", tally.accepted, tally.asked, "accept", bar),
        _step("✗ eliminated", tally.eliminated.total(), tally.asked, "reject", bar),
        *(_step(f"    {rule}", n, tally.asked, "muted", bar) for rule, n in tally.eliminated.most_common()),
        _step("! failed", tally.failed, tally.asked, "reject", bar),
    ]
    for title, found in (("failed", tally.failures), ("asked again", tally.retries)):
        for message, times in found.most_common():
            lines += flow([Span(f"  {times:,} × {title}: ", "reject"), Span(message)], width)
    if tally.difficulty:
        lines += [[], [Span(f"{'difficulty':<12}{'tasks':>8}{'length':>9}{'constraints':>13}", "muted")]]
    for number, one in sorted(tally.difficulty.items()):
        name = f"round {number}" if number else "seed tasks"
        lines.append([Span(f"{name:<12}{one.tasks:>8,}{one.length:>9.1f}{one.constraints_each:>13.2f}")])
    lines.append([])
    replayed = f", {tally.replayed:,} attempts replayed from the ledger" if tally.replayed else ""
    lines += flow([Span(f"used: {spent_words(tally, spent)}{replayed}", "muted")], width)
    if foretold is not None:
        lines += flow([Span(f"foretold: {estimate_words(foretold)}", "muted")], width)
        lines += flow([Span(f"  as {'; '.join(foretold.assumptions)}", "muted")], width)
    return lines


def estimate_words(found: Estimate) -> str:
    """What a run would take, in one sentence."""
    if found.unpriced:
        money = f"price unknown for {', '.join(found.unpriced)}"
    else:
        money = f"about ${found.usd:,.2f}" if found.usd else "nothing to pay"
    tokens = f"{short(found.prompt_tokens)} + {short(found.completion_tokens)} tokens"
    return f"{found.attempts:,} tasks, {found.requests:,} requests, {tokens}, {money}, {clock(found.seconds)}"


def spent_words(tally: Tally, spent: Spent | None) -> str:
    """What a run has taken so far."""
    if spent is None:
        return "nothing yet"
    money = "" if not spent.usd else f", ${spent.usd:,.4f}"
    tokens = f"{short(tally.prompt_tokens)} + {short(tally.tokens)} tokens of attempts that ended"
    return f"{spent.requests:,} requests, {tokens}{money}"


def short(number: int) -> str:
    """A number in few characters: 950, 12k, 3.4M."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1e3:,.0f}k" if number < 1e6 else f"{number / 1e6:,.1f}M"


def clock(seconds: float) -> str:
    """A time to come in few characters: 0:42, 12:05, 3 h 20 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60} h {minutes % 60} min"


def _step(name: str, n: int, of: int, ink: str, room: int) -> Line:
    blocks = -(-n * room // of) if of else 0
    return [Span(f"{name:<20.20}{n:>8,} ", ink), Span("█" * min(blocks, max(0, room)), ink)]
