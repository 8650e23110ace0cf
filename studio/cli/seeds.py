"""`studio seeds`: the balance of the task pool, and what speaks against single seed tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.calls import folder_argument, json_option, with_session

if TYPE_CHECKING:
    from studio.session import Session


@click.command()
@folder_argument
@json_option
def seeds(folder: Path, as_json: bool) -> int:
    """The task pool: kinds, languages, lengths, beginnings, what is missing, and hints about single seed tasks."""
    return with_session(folder, lambda session: _run(session, as_json), read_only=True)


async def _run(session: Session, as_json: bool) -> int:
    import msgspec

    from studio.cli.output import progress, say, show_json
    from studio.curate.selecting import pool, pool_report
    from studio.jobs.events import HintsFound, PoolCounted, Progressed
    from studio.text.display import columns

    counted, found = None, {}
    with progress("task pool") as meter:
        async for event in session.runs.survey_pool():
            if isinstance(event, Progressed):
                meter(event.done, event.total, event.unit)
            elif isinstance(event, PoolCounted):
                counted = event.balance
            elif isinstance(event, HintsFound):
                found = event.hints
    assert counted is not None  # a survey that ends has counted
    if as_json:
        listed = [
            {"row": row, "hints": [{"rule": hint.rule, "reason": hint.reason} for hint in hints]}
            for row, hints in found.items()
        ]
        balance = msgspec.to_builtins(counted) | {"lengths": pool.class_names()}
        show_json({"balance": balance, "hints": listed})
        return 0
    for line in pool_report.heading(counted):
        say(line)
    for section in pool_report.sections(counted):
        say(f"{section.title}")
        for bar in section.bars:
            label = bar.label + " " * (28 - columns(bar.label))
            say(f"  {label}{bar.n:>9,}  {bar.share:>4}  {bar.note}".rstrip())
    if found:
        say(f"hints about {len(found):,} seed tasks")
    for row, hints in found.items():
        for hint in hints:
            say(f"  #{row}  {hint.rule}: {hint.reason}")
    return 0
