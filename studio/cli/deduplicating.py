"""`studio dedup`: finding duplicates, telling them, dropping what repeats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import orjson

from studio.alpaca.rows import prompt_text
from studio.cli.output import progress, say, show_json, tell
from studio.curate.duplicates.review_queue import Loss, ReviewQueue
from studio.errors import ProjectError
from studio.jobs.duplicates.dedup_events import DuplicatesFound, QueueMade
from studio.jobs.duplicates.semantic_events import LeftOut, TextsPlanned
from studio.jobs.events import Progressed
from studio.session import Session
from studio.session.journal import count_of
from studio.settings import DedupSettings, KeepRule
from studio.text.display import one_line

_SHOWN = 20


async def run(session: Session, chosen: DedupSettings, keep: KeepRule | None, pairs: str, as_json: bool) -> int:
    """Find, drop what repeats if a rule says which row stays, report. pairs: where to write them, "-" for stdout."""
    found: DuplicatesFound | None = None
    with progress("comparing") as meter:
        async for event in session.review.find_duplicates(chosen):
            match event:
                case Progressed():
                    meter(event.done, event.total, event.unit)
                case TextsPlanned(missing=missing) if missing:
                    money = "" if event.usd is None else f", ${event.usd:,.4f}"
                    tell(
                        f"{missing:,} of {event.texts:,} texts have no vector yet: about {event.tokens:,} tokens{money}"
                    )
                case LeftOut():
                    tell(f"{count_of(len(event.reasons))} without a vector: {next(iter(event.reasons.values()))}")
                case DuplicatesFound():
                    found = event
    assert found is not None
    queue = await _queue(session, chosen)
    listed = [_record(session, pair) for pair in found.pairs if pair[2] >= chosen.limit] if pairs or as_json else []
    if pairs:
        _write(pairs, listed)
    outlook, rejected = queue.outlook(), 0
    shown = [] if as_json or pairs == "-" else [_cluster(session, one) for one in list(queue)[:_SHOWN]]
    if keep is not None:
        rejected = session.review.drop_duplicates(going(queue))
    if as_json:
        told = {"method": chosen.method, "field": chosen.field, "threshold": chosen.limit, "rows": found.rows}
        left = {"clusters": outlook.clusters, "conflicts": outlook.conflicts, "would_go": outlook.rows}
        show_json({**told, **left, "pairs": listed, "rejected": rejected})
        return 0
    for lines in shown:
        say(lines)
    if more := len(shown) and outlook.clusters + outlook.conflicts - len(shown):
        say(f"... and {more:,} more; --pairs FILE writes every pair, the Dedup stage shows them side by side")
    summary = (
        f"{found.rows:,} rows, {outlook.clusters:,} clusters of duplicates by {chosen.method} of {chosen.field} "
        f"from {chosen.limit:g} on, {outlook.conflicts:,} conflicts (one prompt, several answers)"
    )
    tell(summary) if pairs == "-" else say(summary)
    if keep is not None:
        tell(f"{rejected:,} rows rejected, kept with their reason: studio rejected DIR lists them, restore brings back")
    elif outlook.rows:
        tell(f"{outlook.rows:,} rows would go with --apply keep-first; conflicts stay, a person decides about them")
    return 0


def going(queue: ReviewQueue) -> list[Loss]:
    """The rows that go when every representative stays, repeated until no more rows go.

    A row that others went for stays, even if it is near a better row: those others need not be near the better one.
    """
    found: list[Loss] = []
    keepers: set[int] = set()
    while losses := [loss for loss in queue.losses() if loss.row not in keepers]:
        found += losses
        keepers |= {loss.keeper for loss in losses}
        queue.follow(loss.row for loss in losses)
    return found


async def _queue(session: Session, chosen: DedupSettings) -> ReviewQueue:
    async for event in session.review.queue(chosen, "closest"):
        if isinstance(event, QueueMade):
            return event.queue
    raise AssertionError("the job ends with its queue")


def _record(session: Session, pair: tuple[int, int, float, str]) -> dict[str, Any]:
    """A pair with its evidence."""
    left, right, score, kind = pair
    shared = [] if kind in ("exact", "conflict", "task") else session.neighbours.shared_terms(left, right)[:5]
    terms = [{"term": term, "weight": round(weight, 2)} for term, weight in shared]
    return {"left": left, "right": right, "score": round(score, 4), "kind": kind, "shared": terms}


def _write(where: str, records: list[dict[str, Any]]) -> None:
    lines = b"".join(orjson.dumps(one) + b"\n" for one in records)
    if where == "-":
        sys.stdout.buffer.write(lines)
        return
    try:
        Path(where).write_bytes(lines)
    except OSError as error:
        raise ProjectError(f"The pairs cannot be written to {where}: {error.strerror}.") from None


def _cluster(session: Session, cluster: Any) -> str:
    """A cluster or conflict for people, a row a line."""
    rows = {stored.id: stored for stored in session.rows.page(cluster.rows)}
    lines = []
    for number, (row, score) in enumerate(zip(cluster.rows, cluster.scores, strict=True)):
        near = f"{score:.3f}" if number else "stays"
        mark = near if cluster.kind == "near" else "" if number else "conflict"
        lines.append(f"{mark:>8}  #{row}  {one_line(prompt_text(rows[row].row), 70)}")
    return "\n".join(lines)


def chosen_by(session: Session, flags: dict[str, Any]) -> DedupSettings:
    """[dedup] with the flags that were given. Another method brings its own threshold."""
    given = {name: value for name, value in flags.items() if value is not None}
    own = session.settings.dedup
    if given.get("method", own.method) != own.method:
        given.setdefault("threshold", 0.0)
    return msgspec.structs.replace(own, **given)
