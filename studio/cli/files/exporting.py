"""`studio export`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from studio.alpaca.census import Bar
from studio.cli.output import progress, say, show_json, tell
from studio.errors import UsageError
from studio.jobs.events import Event, Exported, Previewed, Progressed, Pushed
from studio.session import Session
from studio.settings import ExportSettings

_BAR = 40
T = TypeVar("T", bound=Event)


class Asked(msgspec.Struct, frozen=True):
    """The options of the command that are no settings of the export. push: a repository, "" for none."""

    name: str = ""
    strict: bool = False
    dry_run: bool = False
    push: str = ""
    private: bool = False


def chosen_by(session: Session, name: str, flags: dict[str, Any]) -> ExportSettings:
    """The settings of the export, flags over those of its name over [export]. None and () are not given."""
    settings = session.settings
    base = settings.export_named(name) if name else settings.export
    return msgspec.structs.replace(base, **{key: value for key, value in flags.items() if value not in (None, ())})


async def run(session: Session, out: Path | None, chosen: ExportSettings, asked: Asked, as_json: bool) -> int:
    """Export and report; 1 when rows were held back."""
    if asked.private and not asked.push:
        raise UsageError("--private says how to push.", hint="Add --push REPO.")
    if asked.dry_run:
        told = await _last(session.files.preview_export(out, chosen), Previewed, "looking")
        show_json(_record(told)) if as_json else _say_preview(told)
        return 1 if told.reasons else 0
    done = await _last(session.files.export(out, chosen, name=asked.name, strict=asked.strict), Exported, "exporting")
    pushed: Pushed | None = None
    if not as_json:
        _say_done(done)
    if asked.push and done.files:
        job = session.files.push(Path(done.out), asked.push, name=asked.name, private=asked.private)
        pushed = await _last(job, Pushed, "pushing")
    if as_json:
        show_json(_report(done) | ({"pushed": pushed.url} if pushed else {}))
    elif pushed:
        card = "" if pushed.card else "; its README.md there is somebody's own and stays"
        say(f"{pushed.url}: {pushed.files} files{card}")
    if done.held_back:
        listed = ", ".join(f"{code} ({n})" for code, n in done.reasons.items())
        tell(f"{done.held_back} rows held back, listed in {done.held_list}: {listed}")
    return 1 if done.held_back else 0


async def _last(job: AsyncGenerator[Event, None], kind: type[T], title: str) -> T:
    """Run the job and return its last event of this kind."""
    found: T | None = None
    with progress(title) as meter:
        async for event in job:
            if isinstance(event, Progressed):
                meter(event.done, event.total, event.unit)
            elif isinstance(event, kind):
                found = event
    assert found is not None
    return found


def _report(done: Exported) -> dict[str, Any]:
    return {
        "out": done.out,
        "files": [
            {"path": file.path, "type": file.type, "rows": file.rows, **({"part": file.part} if file.part else {})}
            for file in done.files
        ],
        "held_back": done.held_back,
        "reasons": done.reasons,
        "seeds_without_answer": done.waiting,
        "notes": done.preview.notes,
        "beside": list(done.beside),
    }


def _record(told: Previewed) -> dict[str, Any]:
    """A preview for machines."""
    found: dict[str, Any] = msgspec.to_builtins(told)
    for one in found["types"]:
        one |= one.pop("facts")
        one["lengths"] = [{"from": start, "below": below, "rows": rows} for start, below, rows in one["lengths"]]
    return found


def _say_done(done: Exported) -> None:
    for file in done.files:
        say(f"{file.path}: {file.rows:,} rows, read back and verified")
    if not done.files:
        say("No row to export.")
    for note in done.preview.notes:
        say(note)
    if done.waiting:
        say(f"{done.waiting} seed tasks have no answer yet and stay in the project")


def _say_preview(told: Previewed) -> None:
    about = "about " if told.estimated else ""
    for one in told.types:
        facts = one.facts
        parts = "".join(f", {name} {n:,}" for name, n in one.parts.items())
        over = f", {facts.over_cutoff:,} over the cutoff of {told.cutoff:,}" if facts.over_cutoff else ""
        say(f"{facts.type}: {facts.rows:,} rows{parts}; {about}{facts.tokens:,} tokens to train on{over}")
        for line in _histogram(facts.lengths, None if facts.type == "pretrain" else told.cutoff):
            say(f"  {line}")
        if one.waiting:
            say(f"  {one.waiting:,} seed tasks have no answer yet")
        for held in one.held_back:
            say(f"  held back: {held.rows:,} {held.code}, first row {held.row}: {held.reason}")
    if not told.types:
        say("No row to export.")
    for note in told.notes:
        say(note)


def _histogram(bars: list[Bar], cutoff: int | None) -> Iterator[str]:
    """A line for each bar up to the longest row, and one where the cutoff is."""
    most = max((rows for _, _, rows in bars), default=0)
    while bars and not bars[-1][2]:
        bars = bars[:-1]
    for start, _, rows in bars:
        if cutoff is not None and start >= cutoff:
            yield f"{'-' * 9} cutoff {cutoff:,}"
            cutoff = None
        yield f"{start:>9,} {'#' * -(-_BAR * rows // most):<{_BAR}} {rows:,}"
    if cutoff is not None and bars:
        yield f"{'-' * 9} cutoff {cutoff:,}"
