"""`studio dedup` and `studio place`."""

from __future__ import annotations

from studio.cli.output import progress, say, show_json
from studio.curate.placement import histogram
from studio.jobs.events import PairsFound, Placed, Progressed
from studio.session import Session
from studio.settings import Strategy
from studio.text.display import one_line


async def run_dedup(session: Session, threshold: float | None, apply: str, as_json: bool) -> int:
    """Find pairs, settle them when asked, report."""
    found = PairsFound([])
    with progress("comparing") as meter:
        async for event in session.find_duplicates(threshold):
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, PairsFound):
                found = event
    rejected = session.settle_all("keep-left") if apply == "keep-first" else 0
    if as_json:
        pairs = [{"left": left, "right": right, "score": round(score, 4)} for left, right, score in found.pairs]
        show_json({"pairs": pairs, "rejected": rejected})
        return 0
    for left, right, score in sorted(found.pairs, key=lambda pair: -pair[2]):
        say(f"{score:.3f}  #{left}  {_title(session, left)}\n       #{right}  {_title(session, right)}")
    say(f"{len(found.pairs)} near-duplicate pairs" + (f", {rejected} later rows rejected" if rejected else ""))
    return 0


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


def _title(session: Session, row_id: int) -> str:
    from studio.alpaca.rows import prompt_text

    stored = session.rows.get(row_id)
    return one_line(prompt_text(stored.row), 64) if stored else ""
