"""`studio why`, `studio rejected`, `studio restore`: where rows come from, why they went, bringing them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from studio.alpaca.rows import prompt_text
from studio.cli.output import say, show_json, tell
from studio.errors import ProjectError, UsageError
from studio.session import Session
from studio.session.journal import count_of
from studio.session.rows import Exchange
from studio.store.filters import Filter
from studio.store.lineage import Kin
from studio.store.rows import StoredRow
from studio.store.summary import step
from studio.text.display import one_line

_GLYPHS = {"pending": "·", "accepted": "✓", "rejected": "✗"}


async def run_why(session: Session, row_id: int, as_json: bool) -> int:
    """Print a row's family as a tree, and what was asked and answered along its line."""
    kin = session.rows.family(row_id)
    if not kin:
        raise ProjectError(f"There is no row #{row_id}.")
    if as_json:
        show_json([_record(session, one) for one in kin])
        return 0
    for one in kin:
        say(_branch(one, row_id))
    for one in kin:
        if one.on_line and one.row.replies:
            say(f"\n#{one.row.id}: {session.rows.origin(one.row)}")
            if shown := session.runs.shown(one.row):
                say("  shown to the model:")
                for task in shown:
                    say(f"    #{task['row']} {one_line(task['instruction'], 90)}")
            for step, exchange in _exchanges(session, one.row):
                usage, asked = exchange.reply.usage, exchange.request
                told = (
                    f"{step} by {exchange.reply.model or asked.model}, {exchange.at}, temperature {asked.temperature}"
                )
                say(f"  {told}, {usage.prompt_tokens}+{usage.completion_tokens} tokens")
                say("    " + exchange.reply.text.strip().replace("\n", "\n    "))
    return 0


async def run_rejected(session: Session, rule: str, as_json: bool) -> int:
    """List the rejected rows: how many each rule has, then each with its evidence."""
    rows = list(session.rows.each(Filter(statuses=("rejected",), rule=rule)))
    counts = {True: session.rows.rules(), False: session.rows.rules(generated=False)}
    known = {*counts[True], *counts[False]}
    if rule and rule not in known:
        raise UsageError(
            f"No row is rejected by {rule!r}.", hint=f"Rules that rejected some: {', '.join(sorted(known)) or 'none'}."
        )
    if as_json:
        found = [
            {
                "row": one.id, "rule": one.rule, "evidence": one.evidence, "generated": one.generated,
                "operation": one.operation, "round": one.round, "parent": one.parent, "text": prompt_text(one.row),
            }
            for one in rows
        ]  # fmt: skip
        show_json({"eliminated": counts[True], "rejected": counts[False], "rows": found})
        return 0
    for generated, title in ((True, "eliminated"), (False, "rejected")):
        if told := ", ".join(f"{n:,} {name}" for name, n in counts[generated].items()):
            say(f"{title}: {told}")
    for one in rows:
        say(f"#{one.id} {one.rule}: {one_line(one.evidence or '', 80)}\n    {one_line(prompt_text(one.row), 100)}")
    if rows:
        tell("studio why DIR ROW tells all about one; studio restore DIR ROW... brings them back.")
    return 0


async def run_restore(session: Session, row_ids: Sequence[int], rule: str, as_json: bool) -> int:
    """Bring rows back, and say which of them have no answer yet; 1 when there was nothing to bring back."""
    ids = list(session.rows.ids(Filter(statuses=("rejected",), rule=rule))) if rule else list(row_ids)
    known = session.rows.page(ids)
    if missing := set(ids) - {one.id for one in known}:
        raise ProjectError(f"There is no row {', '.join(f'#{one}' for one in sorted(missing))}. Nothing was changed.")
    restored = [one.id for one in known if one.status == "rejected"]
    session.rows.restore(restored)
    unanswered = [one.id for one in known if one.status == "rejected" and not getattr(one.row, "output", "-")]
    if as_json:
        show_json({"restored": restored, "unanswered": unanswered})
    else:
        say(f"{count_of(len(restored))} restored")
        if unanswered:
            say(f"{count_of(len(unanswered))} of these never got an answer: the output is empty")
    return 0 if restored else 1


def _exchanges(session: Session, row: StoredRow) -> list[tuple[str, Exchange]]:
    """What was asked and answered to make a row, each with what for."""
    steps, found = session.runs.steps(row), session.rows.exchanges(row)
    return [(steps[place] if place < len(steps) else f"request {place + 1}", one) for place, one in enumerate(found)]


def _branch(one: Kin, asked: int) -> str:
    row = one.row
    made = f"{step(row)} {row.operation} " if row.generated else "◆ seed " if row.seed else ""
    made = f"{made}{row.operation} " if row.operation and not row.generated else made
    ended = f"  [{row.rule}: {one_line(row.evidence or '', 60)}]" if row.rule else ""
    here = "→" if row.id == asked else " "
    return f"{here}{'  ' * one.depth}{_GLYPHS[row.status]} #{row.id} {made}{one_line(prompt_text(row.row), 70)}{ended}"


def _record(session: Session, one: Kin) -> dict[str, Any]:
    row: StoredRow = one.row
    lineage = {name: getattr(row, name) for name in ("parent", "root", "round", "variant", "operation")}
    return {
        "row": row.id,
        "depth": one.depth,
        "on_line": one.on_line,
        "status": row.status,
        "rule": row.rule,
        "evidence": row.evidence,
        "origin": session.rows.origin(row),
        **lineage,
        "content": msgspec.to_builtins(row.row),
        "shown": session.runs.shown(row) or None,
        "exchanges": [
            {
                "step": step,
                "at": exchange.at,
                "request": msgspec.to_builtins(exchange.request),
                "reply": msgspec.to_builtins(exchange.reply),
            }
            for step, exchange in _exchanges(session, row)
        ],
    }
