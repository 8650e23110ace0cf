"""`studio export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.alpaca.rows import RowType
from studio.cli.output import progress, say, show_json, tell
from studio.jobs.events import Exported, Progressed
from studio.session import Session


async def run(
    session: Session, out: Path, types: Sequence[RowType], statuses: Sequence[str] | None, strict: bool, as_json: bool
) -> int:
    """Export and report; 1 when rows were held back."""
    done = Exported(str(out), [], 0, 0, {})
    with progress("exporting") as meter:
        async for event in session.export(out, types, statuses=statuses, strict=strict):
            if isinstance(event, Progressed):
                meter(event.done, event.total, event.unit)
            elif isinstance(event, Exported):
                done = event
    if as_json:
        files = [{"path": file.path, "type": file.type, "rows": file.rows} for file in done.files]
        show_json(
            {
                "out": done.out,
                "files": files,
                "held_back": done.held_back,
                "reasons": done.reasons,
                "seeds_without_answer": done.waiting,
            }
        )
    else:
        for file in done.files:
            say(f"{file.path}: {file.rows:,} rows, read back and verified")
        if not done.files:
            say("No row to export.")
        if done.waiting:
            say(f"{done.waiting} seed tasks have no answer yet and stay in the project")
    if done.held_back:
        listed = ", ".join(f"{code} ({n})" for code, n in done.reasons.items())
        tell(f"{done.held_back} rows held back, listed in {out / 'held_back.jsonl'}: {listed}")
    return 1 if done.held_back else 0
