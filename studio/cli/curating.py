"""`studio place`."""

from __future__ import annotations

from studio.cli.output import progress, say, show_json
from studio.curate.placement import histogram
from studio.jobs.events import Placed, Progressed
from studio.session import Session
from studio.settings import Strategy


async def run_place(session: Session, strategy: Strategy | None, seed: int | None, as_json: bool) -> int:
    """Place gold segments and show where they were and are."""
    placed = Placed([], {}, [], [])
    with progress("placing") as meter:
        async for event in session.place(strategy, seed):
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, Placed):
                placed = event
    before, after = histogram(placed.before), histogram(placed.after)
    if as_json:
        skipped = {reason: len(ids) for reason, ids in placed.skipped.items()}
        show_json({"placed": len(placed.placements), "skipped": skipped, "before": before, "after": after})
        return 0
    say(f"{len(placed.placements)} rows changed; gold segments by tenth of the context, before and after:")
    say("  before  " + " ".join(f"{n:4d}" for n in before))
    say("  after   " + " ".join(f"{n:4d}" for n in after))
    for reason, ids in placed.skipped.items():
        say(f"{len(ids)} rows stay as they are: {reason}")
    return 0
