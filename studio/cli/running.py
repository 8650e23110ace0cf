"""`studio METHOD`: running a method, and foretelling what it takes; the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

import msgspec

from studio.cli.output import progress, say, show_json, tell, tell_trouble
from studio.errors import BudgetError, ModelError, StudioError
from studio.jobs.events import RunBegun
from studio.jobs.runs.control import Control
from studio.jobs.runs.estimate import Estimate
from studio.jobs.runs.tally import RunTally
from studio.llm.budget import Spent
from studio.session import Session


async def run(session: Session, name: str, as_json: bool) -> int:
    """Run a method and report; 1 when attempts failed or something ended the run before its time."""
    tally = await session.runs.tally(name)
    method = tally.method
    refusal: StudioError | None = None
    tell(f"{method.doing} with {session.runs.model_name}")
    with progress(method.doing) as meter:
        try:
            async with aclosing(session.runs.run(name, Control())) as events:
                async for event in events:
                    tally.see(event)
                    if isinstance(event, RunBegun):
                        for line in event.says:
                            tell(line)
                    note = f"{tally.accepted} passed {tally.dropped.total()} eliminated"
                    meter(tally.ended, tally.attempts, note)
        except (ModelError, BudgetError) as error:
            refusal = error
    if as_json:
        spent = msgspec.to_builtins(session.runs.spent)
        show_json({**tally.record(), "spent": spent, "error": str(refusal) if refusal else None})
    else:
        say(_words(tally, session.runs.spent))
    return tell_trouble(tally, refusal, *filter(None, [tally.gave_up])) or int(bool(tally.gave_up))


async def foretell(session: Session, name: str, sample: int, as_json: bool) -> int:
    """Say what a run of the method would take."""
    found, method = await session.runs.estimate(name, sample), session.runs.method(name)
    if as_json:
        show_json(msgspec.to_builtins(found))
        return 0
    say(estimate_words(found, method.unit))
    if found.sampled:
        return 0
    if method.progress:
        tell("Run it with --target 5 first: what it makes is kept, and the next estimate is measured on it.")
    else:
        tell(f"--sample 3 asks for three {method.unit} really, and measures them. No run pays for the answers again.")
    return 0


def _words(tally: RunTally, spent: Spent | None) -> str:
    """The funnel, what it cost, difficulty by round."""
    lines = [f"{tally.attempts:,} {tally.method.unit} planned, {tally.done_before:,} done before"]
    lines += [f"{step.n:,} {step.name}{_rules(step.rules)}" for step in tally.funnel if step.n or step.sign == "accept"]
    lines += spent_words(spent)
    if tally.difficulty:
        lines.append(f"{'difficulty':<10}{'tasks':>8}{'length':>9}{'constraints':>13}")
    for round, one in sorted(tally.difficulty.items()):
        name = f"round {round}" if round else "seeds"
        lines.append(f"  {name:<8}{one.tasks:>8,}{one.length:>9.1f}{one.constraints_each:>13.2f}")
    if tally.attempts and tally.done_before >= tally.attempts:
        lines.append(
            "Nothing is left of this plan: raise what it aims at (--help has the options), or give another --seed."
        )
    return "\n".join(lines)


def _rules(counts: Mapping[str, int]) -> str:
    told = sorted(counts.items(), key=lambda one: -one[1])
    return ": " + ", ".join(f"{n} {rule}" for rule, n in told) if told else ""


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
