"""`studio evolve`: running it, and foretelling what it takes."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import msgspec

from studio.cli.output import progress, say, show_json, tell, tell_trouble
from studio.errors import BudgetError, ModelError, StudioError, UsageError
from studio.jobs.estimate import Estimate
from studio.jobs.runs.control import Control
from studio.jobs.tally import Tally
from studio.llm.budget import Spent
from studio.methods.evol_prompts import OPERATIONS
from studio.session import Session


def weights_of(typed: str) -> dict[str, Any]:
    """--operations as settings: "deepening=2,in_breadth". Raises UsageError for a name or weight that is none."""
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in typed.split(","))):
        name, _, weight = part.partition("=")
        if name not in OPERATIONS:
            raise UsageError(f"{name!r} is no operation.", hint=f"Known: {', '.join(OPERATIONS)}.")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            raise UsageError(f"{weight!r} is no weight.", hint="Example: --operations deepening=2,in_breadth") from None
    return {"operations": list(weights), "weights": weights}


async def run(session: Session, as_json: bool) -> int:
    """Evolve and report; 1 when attempts failed or something ended the run before its time."""
    tally = Tally(await session.runs.difficulty())
    refusal: StudioError | None = None
    tell(f"evolving with {session.runs.model_name}")
    with progress("evolving") as meter:
        try:
            async with aclosing(session.runs.evolve(Control())) as events:
                async for event in events:
                    tally.see(event)
                    note = f"{tally.accepted} passed {tally.eliminated.total()} eliminated"
                    meter(tally.ended, tally.attempts, note)
        except (ModelError, BudgetError) as error:
            refusal = error
    if as_json:
        spent = msgspec.to_builtins(session.runs.spent)
        show_json({**tally.record(), "spent": spent, "error": str(refusal) if refusal else None})
    else:
        say(_words(tally, session.runs.spent))
    return tell_trouble(tally, refusal)


async def foretell(session: Session, sample: int, as_json: bool) -> int:
    """Say what `studio evolve` would take."""
    found = await session.runs.estimate(sample)
    if as_json:
        show_json(msgspec.to_builtins(found))
        return 0
    say(estimate_words(found, "evolutions"))
    if not found.sampled:
        tell("--sample 3 asks three evolutions really, and measures them. They are kept: no run pays for them again.")
    return 0


def _words(tally: Tally, spent: Spent | None) -> str:
    rules = ", ".join(f"{n} {rule}" for rule, n in tally.eliminated.most_common())
    lines = [
        f"{tally.attempts} evolutions planned, {tally.done_before} done before",
        f"{tally.asked} asked, {tally.answered} answered" + (f", {tally.failed} failed" if tally.failed else ""),
        f"{tally.eliminated.total()} eliminated" + (f": {rules}" if rules else ""),
        f"{tally.accepted} passed, to be reviewed",
    ]
    lines += spent_words(spent)
    if tally.difficulty:
        lines.append(f"{'difficulty':<10}{'tasks':>8}{'length':>9}{'constraints':>13}")
    for round, one in sorted(tally.difficulty.items()):
        name = f"round {round}" if round else "seeds"
        lines.append(f"  {name:<8}{one.tasks:>8,}{one.length:>9.1f}{one.constraints_each:>13.2f}")
    if tally.attempts and tally.done_before == tally.attempts:
        lines.append("Nothing is left of this plan: raise --rounds or --limit, or give another --seed.")
    return "\n".join(lines)


def spent_words(spent: Spent | None) -> list[str]:
    """What a run has cost, for people; nothing when it cost nothing."""
    if not spent or not spent.requests:
        return []
    money = "" if spent.usd is None else f", ${spent.usd:,.4f}"
    return [f"spent {spent.requests:,} requests, {spent.tokens:,} tokens{money}"]


def estimate_words(found: Estimate, unit: str) -> str:
    """An estimate for people. unit: what its attempts are called."""
    hours, minutes = divmod(round(found.seconds / 60), 60)
    time = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{found.seconds:.0f} s"
    money = "nothing, it runs here" if found.usd == 0 else f"${found.usd:,.4f}" if found.usd is not None else "unknown"
    unpriced = "".join(
        f'\n  no price is known for {name}: add [prices."{name}"] to studio.toml' for name in found.unpriced
    )
    source = f"measured on {found.sampled} {unit}" if found.sampled else "assumed"
    return (
        f"{found.attempts:,} {unit} left\n"
        f"requests  {found.requests:,}\n"
        f"tokens    {found.prompt_tokens:,} of prompts, {found.completion_tokens:,} of answers\n"
        f"money     {money}{unpriced}\n"
        f"time      {time}\n"
        f"{source}: {'; '.join(found.assumptions)}"
    )
