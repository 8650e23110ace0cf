"""`studio evolve`."""

from __future__ import annotations

from studio.cli.output import progress, say, show_json, tell
from studio.jobs.evolve import Control
from studio.jobs.tally import Tally
from studio.session import Session


async def run(session: Session, as_json: bool) -> int:
    """Evolve and report; 1 when attempts failed."""
    tally = Tally()
    model = session.chat_model()
    tell(f"evolving with {model.name}")
    with progress("evolving") as meter:
        async for event in session.evolve(Control()):
            tally.see(event)
            meter(tally.ended, tally.attempts, f"{tally.accepted} accepted {tally.eliminated.total()} eliminated")
    if as_json:
        show_json(tally.record())
    else:
        say(_words(tally))
    for message, times in (tally.failures + tally.retries).most_common(5):
        tell(f"{times} x {message}")
    if tally.failed:
        tell("Run the same command again: it asks only for what is missing.")
    return 1 if tally.failed else 0


def _words(tally: Tally) -> str:
    rules = ", ".join(f"{n} {rule}" for rule, n in tally.eliminated.most_common())
    lines = [
        f"{tally.attempts} evolutions planned, {tally.done_before} done before",
        f"{tally.accepted} accepted (pending your review)",
        f"{tally.eliminated.total()} eliminated" + (f": {rules}" if rules else ""),
    ]
    if tally.failed:
        lines.append(f"{tally.failed} failed")
    return "\n".join(lines)
