"""`studio place`: asking the judge, placing, and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import msgspec

from studio.cli.output import progress, say, show_json, tell
from studio.cli.running import spent_words
from studio.curate.placing.plans import Plan
from studio.errors import BudgetError, ModelError, StudioError, UsageError
from studio.jobs.events import AttemptFailed, Ended, Planned, Progressed
from studio.jobs.placement.events import Left, Placed, Placement, RowsPlaced, Variant
from studio.jobs.runs.control import Control
from studio.session import Session


def weights_of(typed: str) -> tuple[float, ...]:
    """--weights as settings: "1,1,2,3,4,4,3,2,1,1". Raises UsageError for what is no number."""
    try:
        return tuple(float(part) for part in typed.replace(" ", "").split(","))
    except ValueError:
        raise UsageError(f"{typed!r} is no list of numbers.", hint="Example: --weights 1,1,2,3,4,4,3,2,1,1") from None


async def run(session: Session, only: Iterable[int] | None, as_json: bool, *, judge: bool = False) -> int:
    """Place rows and show where gold was and is; 1 when the judge could not be asked to the end."""
    judged = await _judge(session, only) if judge else None
    placed = await _place(session, only)
    if as_json:
        report = {
            "placed": placed.rows,
            "variants": placed.variants,
            "skipped": {reason: left.rows for reason, left in placed.left.items()},
            "left": msgspec.to_builtins(placed.left),
            "before": placed.before,
            "after": placed.after,
            "verdicts": {"before": placed.words[0], "after": placed.words[1]},
        }
        show_json(report if judged is None else {**report, "judge": judged})
    else:
        say(_words(placed, session))
    return 1 if judged and (judged["error"] or judged["failed"]) else 0


async def foretell(session: Session, only: Iterable[int] | None) -> int:
    """Print the plan as JSON. Places and segments count from 1; 0 in an order is a distractor."""
    rows: list[dict[str, Any]] = []
    placed = Placed(0, 0, {}, [], [], ("", ""))
    with progress("planning") as meter:
        async for event in session.placing.place(only=only, dry_run=True):
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, RowsPlaced):
                rows += map(_row, event.placements)
                rows += map(_variant, event.variants)
            elif isinstance(event, Placed):
                placed = event
    chosen = session.placing.weighted(session.settings.position)
    named = ("strategy", "seed", "sure", "variants", "distractors", "question", "locate_first", "weights")
    show_json(
        {
            **{name: getattr(chosen, name) for name in named},
            "rows": rows,
            "left": msgspec.to_builtins(placed.left),
            "before": {"tenths": placed.before, "verdict": placed.words[0]},
            "after": {"tenths": placed.after, "verdict": placed.words[1]},
        }
    )
    return 0


async def _place(session: Session, only: Iterable[int] | None) -> Placed:
    placed = Placed(0, 0, {}, [], [], ("", ""))
    with progress("placing") as meter:
        async for event in session.placing.place(only=only):
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, Placed):
                placed = event
    return placed


async def _judge(session: Session, only: Iterable[int] | None) -> dict[str, Any]:
    """Ask the judge; returns the counts and the error for the report."""
    counted: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    total = 0
    refusal: StudioError | None = None
    with progress("judging") as meter:
        try:
            async with aclosing(session.runs.judge_gold(Control(), only)) as events:
                async for event in events:
                    if isinstance(event, Planned):
                        total = event.attempts
                        tell(f"asking {session.runs.judge_name} about {total} rows of which no rule is sure")
                    elif isinstance(event, Ended) and not event.result.left:
                        place, confidence = event.result.value["place"], event.result.value["confidence"]
                        sure = place is not None and confidence >= session.settings.position.sure
                        counted["sure" if sure else "none" if place is None else "unsure"] += 1
                        meter(counted.total(), total)
                    elif isinstance(event, AttemptFailed):
                        failures[event.message] += 1
        except (ModelError, BudgetError) as error:
            refusal = error
    for line in spent_words(session.runs.spent):
        tell(line)
    tell(f"the judge is sure of {counted['sure']}, unsure of {counted['unsure']}, names none in {counted['none']}")
    for message, times in failures.most_common(5):
        tell(f"{times} x {message}")
    if refusal:
        tell(f"{refusal.title}: {refusal}")
    if refusal or failures:
        tell("What was answered is kept. Run the same command again: it asks only for what is missing.")
    return {
        "asked": total,
        **{name: counted[name] for name in ("sure", "unsure", "none")},
        "failed": failures.total(),
        "error": str(refusal) if refusal else None,
    }


def _words(placed: Placed, session: Session) -> str:
    chosen = session.settings.position
    made = f"{placed.variants} variants made" if chosen.variants else f"{placed.rows} rows changed"
    lines = [
        f"{made} ({chosen.strategy}, seed {chosen.seed}); gold segments by tenth of the context, head to tail:",
        "  before  " + " ".join(f"{n:4d}" for n in placed.before),
        f"    {placed.words[0]}",
        "  after   " + " ".join(f"{n:4d}" for n in placed.after),
        f"    {placed.words[1]}",
    ]
    return "\n".join([*lines, *(_stay(reason, left) for reason, left in placed.left.items())])


def _stay(reason: str, left: Left) -> str:
    many = "1 row stays as it is" if left.rows == 1 else f"{left.rows} rows stay as they are"
    evidence = f": {left.evidence}" if left.evidence else ""
    return f"{many}: {reason} (#{left.row}{evidence})"


def _row(placed: Placement) -> dict[str, Any]:
    plan = placed.plan
    return {"row": placed.row_id, "from": _count(placed.gold_before), "to": _count(placed.gold_after), **_plan(plan)}


def _variant(variant: Variant) -> dict[str, Any]:
    plan = variant.plan
    return {
        "row": variant.parent, "variant": variant.number, "from": _count(plan.before), "to": _count(plan.gold),
        **_plan(plan),
    }  # fmt: skip


def _plan(plan: Plan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    return {
        "field": plan.field,
        "segments": len(plan.order),
        "order": [place + 1 for place in plan.order],
        "distractors": list(plan.distractors),
        "edits": [{"field": edit.path, "at": edit.start, "was": edit.was} for edit in plan.edits],
    }


def _count(place: int | None) -> int | None:
    return None if place is None else place + 1
