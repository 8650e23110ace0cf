"""`studio dedup`."""

from __future__ import annotations

from studio.cli.output import progress, say, show_json
from studio.jobs.events import PairsFound, Progressed
from studio.session import Session
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


def _title(session: Session, row_id: int) -> str:
    from studio.alpaca.rows import prompt_text

    stored = session.rows.get(row_id)
    return one_line(prompt_text(stored.row), 64) if stored else ""
