"""`studio evolve`."""

from __future__ import annotations

from contextlib import aclosing

from studio.cli.output import progress, say, show_json, tell
from studio.errors import ModelError
from studio.jobs.evolve import Control
from studio.jobs.tally import Tally
from studio.session import Session


async def run(session: Session, as_json: bool) -> int:
    """Evolve and report; 1 when attempts failed or the model refused, which ends the run."""
    tally = Tally()
    refusal: ModelError | None = None
    model = session.chat_model()
    tell(f"evolving with {model.name}")
    with progress("evolving") as meter:
        try:
            async with aclosing(session.evolve(Control())) as events:
                async for event in events:
                    tally.see(event)
                    note = f"{tally.accepted} accepted {tally.eliminated.total()} eliminated"
                    meter(tally.ended, tally.attempts, note)
        except ModelError as error:
            refusal = error
    if as_json:
        show_json({**tally.record(), "error": str(refusal) if refusal else None})
    else:
        say(_words(tally))
    for message, times in (tally.failures + tally.retries).most_common(5):
        tell(f"{times} x {message}")
    if refusal:
        tell(f"{refusal.title}: {refusal}")
    if refusal or tally.failed:
        tell("What was answered is kept. Run the same command again: it asks only for what is missing.")
        return 1
    return 0


def _words(tally: Tally) -> str:
    rules = ", ".join(f"{n} {rule}" for rule, n in tally.eliminated.most_common())
    lines = [
        f"{tally.attempts} evolutions planned, {tally.done_before} done before",
        f"{tally.accepted} accepted (pending your review)",
        f"{tally.eliminated.total()} eliminated" + (f": {rules}" if rules else ""),
    ]
    if tally.failed:
        lines.append(f"{tally.failed} failed")
    if tally.attempts and tally.done_before == tally.attempts:
        lines.append("Nothing is left of this plan: raise --rounds or --limit, or give another --seed.")
    return "\n".join(lines)
