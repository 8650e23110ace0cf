"""`studio probe`: running it, drawing what it found, and foretelling what it takes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import aclosing

import msgspec

from studio.cli.output import progress, say, show_json, tell, tell_trouble
from studio.cli.running import estimate_words, spent_words
from studio.errors import BudgetError, ModelError, StudioError
from studio.jobs.runs.control import Control
from studio.methods.probe import drawing
from studio.methods.probe.curve import Curve, weights_by_decile
from studio.methods.probe.tasks import Setup
from studio.methods.probe.verdict import judge
from studio.session import Session
from studio.session.runs.probe_tally import ProbeTally, curve_record
from studio.session.runs.probing import ProbeBegun

_WIDTH = 80


async def run(session: Session, as_json: bool) -> int:
    """Probe and report; 1 when questions failed or something ended the probe before its time."""
    tally = ProbeTally()
    refusal: StudioError | None = None
    with progress("probing") as meter:
        try:
            async with aclosing(session.runs.probe(Control())) as events:
                async for event in events:
                    tally.see(event)
                    if isinstance(event, ProbeBegun):
                        tell(f"probing {event.model}")
                    note = f"{tally.right} right" + (f" {tally.failed} failed" if tally.failed else "")
                    meter(tally.all_answered + tally.failed, tally.questions, note)
        except (ModelError, BudgetError) as error:
            refusal = error
    setup, curve = tally.setup, tally.curve
    if as_json:
        show_json(_record(tally, session, refusal))
    elif setup is not None and curve is not None:
        for line in heading(setup, tally.model):
            say(line)
        if tally.replayed:
            say(f"{tally.replayed:,} of {tally.all_answered:,} answers are from the ledger")
        for line in [*spent_words(session.runs.spent), "", *picture(curve)]:
            say(line)
    return tell_trouble(tally, refusal)


async def foretell(session: Session, as_json: bool) -> int:
    """Say what `studio probe` would ask and take."""
    found = await session.runs.estimate_probe()
    if as_json:
        indices = [index + 1 for index in found.setup.indices]
        show_json({**msgspec.to_builtins(found), "positions": indices})
        return 0
    for line in heading(found.setup, found.model):
        say(line)
    say(f"positions {', '.join(str(index + 1) for index in found.setup.indices)}")
    if found.room:
        say(f"prompts of up to {found.room[0]:,} tokens; {found.room[1]:,} fit beside an answer")
    say(estimate_words(found.estimate, "questions"))
    return 0


def heading(setup: Setup, model: str) -> list[str]:
    """What was asked of whom."""
    size = f"{setup.size} documents" if setup.task == "documents" else f"{setup.size} key-value pairs"
    return [
        f"{setup.task}, {setup.language}: {size}, {setup.positions} positions x {setup.samples} samples, "
        f"seed {setup.seed}",
        f"model: {model}",
    ]


def picture(curve: Curve) -> Iterator[str]:
    """The curve with its figures, its verdict, and what placement would make of it; 80 columns, no colour."""
    verdict = judge(curve)
    at = max(len("at"), len(str(curve.size)))
    right = max(len("right"), *(len(row.counts) for row in drawing.rows(curve, verdict, 1)))
    room = _WIDTH - at - right - len("  100%   <")
    yield f"{'at':>{at}}  {'right':>{right}}       {drawing.axis(room)}"
    for row in drawing.rows(curve, verdict, room):
        yield f"{row.label:>{at}}  {row.counts:>{right}} {row.share} {row.track} {'<' if row.weak else ''}".rstrip()
    outline = f"head {drawing.outline(curve)} tail   "
    legend = f"({drawing.DOT} share right, {drawing.LOW}{drawing.HIGH} 95% interval)"
    yield outline + legend if len(outline + legend) <= _WIDTH else legend
    yield ""
    yield from textwrap.wrap(verdict.words, _WIDTH)
    weights = " ".join(f"{100 * weight:.0f}" for weight in weights_by_decile(curve))
    yield f"inverse placement of gold, % by tenth from head: {weights}"


def _record(tally: ProbeTally, session: Session, refusal: StudioError | None) -> dict[str, object]:
    setup, curve = tally.setup, tally.curve
    return {
        "model": tally.model,
        "setup": None if setup is None else msgspec.to_builtins(setup),
        **tally.record(),
        "curve": None if curve is None else curve_record(curve),
        "spent": msgspec.to_builtins(session.runs.spent),
        "error": str(refusal) if refusal else None,
    }
