"""How a run goes, as lines: the funnel from asked to passed, trouble with its count, difficulty by round."""

from __future__ import annotations

from typing import NamedTuple

from studio.jobs.runs.estimate import Estimate
from studio.jobs.runs.tally import RunTally
from studio.llm.budget import Spent
from studio.text.display import columns, one_line
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

_BAR = 40
# What trouble in short takes of a line.
_TROUBLE = 20
_GLYPHS = {"accept": "✓ ", "reject": "✗ ", "fail": "! "}
_INKS = {"accept": "accept", "reject": "reject", "fail": "reject"}


class Standing(NamedTuple):
    """How a run stands. state: in a word. rate: tokens a second. remark: what to do next, "" for nothing."""

    tally: RunTally
    state: str
    rate: float
    remark: str


def head_lines(standing: Standing, width: int) -> list[Line]:
    """The funnel in two lines. What changes all the time shares one colour: each costs some 50 bytes on the wire."""
    tally, state, rate, remark = standing
    steps = tally.funnel
    passed = next(step.n for step in steps if step.sign == "accept")
    rules = tally.dropped
    failed = f"  ! {tally.failed:,} failed" if tally.failed else ""
    left = f"  ETA {clock(tally.left)}" if rate and tally.left is not None else ""
    speed = f"  {rate:.0f} tok/s" if rate else ""
    done, ends = f"{tally.ended:,}/{tally.attempts:,}", f"{failed}{left}{speed}"
    told = f"{done}  ✓ {passed:,} passed  ✗ {rules.total():,} eliminated{ends}"
    if len(state) + 1 + len(told) > width:
        told = f"{done}  ✓ {passed:,}  ✗ {rules.total():,}{ends}"
    first = [Span(f"{state} ", " bold"), Span(told)]
    if remark:
        return [first, [Span(one_line(remark, width), "pending")]]
    words = "".join(f" {rule} {n:,} " for rule, n in rules.most_common())
    begun = "  ".join(f"{step.name} {step.n:,}" for step in steps if not step.sign and not step.rules)
    begun = f"{begun}  {'✗' if words else ''}{words}"
    trouble = _trouble(tally, width - columns(begun))
    return [first, [Span(one_line(begun, width - _TROUBLE if trouble else width), "muted"), *trouble]]


def _trouble(tally: RunTally, room: int) -> Line:
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
    most = max(step.n for step in tally.funnel)
    lines.append([])
    for step in tally.funnel:
        room = min(_BAR, width - 32)
        lines.append(_bar(_GLYPHS.get(step.sign, "") + step.name, step.n, _INKS.get(step.sign, ""), most, room))
        told = sorted(step.rules.items(), key=lambda one: -one[1])
        lines += [_bar(f"    {rule}", n, "muted", most, room) for rule, n in told]
    for title, found in (("failed", tally.failures), ("asked again", tally.retries)):
        for message, times in found.most_common():
            lines += flow([Span(f"  {times:,} × {title}: ", "reject"), Span(message)], width)
    if tally.difficulty:
        lines += [[], [Span(f"{'difficulty':<12}{'tasks':>8}{'length':>9}{'constraints':>13}", "muted")]]
    for number, one in sorted(tally.difficulty.items()):
        name = f"round {number}" if number else "seed tasks"
        lines.append([Span(f"{name:<12}{one.tasks:>8,}{one.length:>9.1f}{one.constraints_each:>13.2f}")])
    lines.append([])
    replayed = f", {tally.replayed:,} replayed from the ledger" if tally.replayed else ""
    lines += flow([Span(f"used: {spent_words(spent)}{replayed}", "muted")], width)
    if foretold is not None:
        lines += flow([Span(f"foretold: {estimate_words(foretold, tally.method.unit)}", "muted")], width)
        lines += flow([Span(f"  as {'; '.join(foretold.assumptions)}", "muted")], width)
    return lines


def estimate_words(found: Estimate, unit: str = "tasks") -> str:
    """What a run would take, in one sentence. unit: what its attempts are called."""
    if found.unpriced:
        money = f"price unknown for {', '.join(found.unpriced)}"
    else:
        money = f"about ${found.usd:,.2f}" if found.usd else "nothing to pay"
    tokens = f"{short(found.prompt_tokens)} + {short(found.completion_tokens)} tokens"
    return f"{found.attempts:,} {unit}, {found.requests:,} requests, {tokens}, {money}, {clock(found.seconds)}"


def spent_words(spent: Spent | None) -> str:
    """What a run has taken so far."""
    if spent is None:
        return "nothing yet"
    money = f", ${spent.usd:,.4f}" if spent.usd else "" if spent.usd == 0 else ", price unknown"
    return f"{spent.requests:,} requests, {short(spent.tokens)} tokens{money}"


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


def _bar(name: str, n: int, ink: str, most: int, room: int) -> Line:
    blocks = -(-n * room // most) if most else 0
    return [Span(f"{name:<22.22}{n:>8,} ", ink), Span("█" * max(0, blocks), ink)]
