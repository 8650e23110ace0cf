"""`studio self-instruct`: running it, and foretelling what it takes."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing

import msgspec

from studio.cli.evolving import estimate_words, spent_words
from studio.cli.output import progress, say, show_json, tell, tell_trouble
from studio.errors import BudgetError, ModelError, StudioError
from studio.jobs.runs.control import Control
from studio.jobs.self_instruct_events import PoolLoaded
from studio.jobs.self_instruct_tally import InstructionTally
from studio.session import Session


async def run(session: Session, as_json: bool) -> int:
    """Make tasks and report; 1 when something ended the run before its time, or was not answered."""
    tally = InstructionTally()
    refusal: StudioError | None = None
    tell(f"writing tasks with {session.runs.model_name}")
    with progress("writing tasks") as meter:
        try:
            async with aclosing(session.runs.self_instruct(Control())) as events:
                async for event in events:
                    if isinstance(event, PoolLoaded):
                        _tell_pool(event)
                    tally.see(event)
                    note = f"{tally.instructions} read {tally.eliminated.total()} eliminated"
                    meter(tally.made, tally.target, note)
        except (ModelError, BudgetError) as error:
            refusal = error
    if as_json:
        show_json({**tally.record(), "error": str(refusal) if refusal else None})
    else:
        say(_words(tally, session))
    given_up = (
        f"The last {tally.ran_dry} replies brought nothing new, so the run has given up. Add seed tasks, take a larger "
        "model or a higher --temperature; run it again to try once more."
    )
    return tell_trouble(tally, refusal, *[given_up] * bool(tally.ran_dry)) or int(bool(tally.ran_dry))


async def foretell(session: Session, as_json: bool) -> int:
    """Say what `studio self-instruct` would take."""
    found = await session.runs.estimate_self_instruct()
    if as_json:
        show_json(msgspec.to_builtins(found))
        return 0
    say(estimate_words(found, "instructions"))
    if not found.sampled:
        tell("Run it with --target 5 first: what it makes is kept, and the next estimate is measured on it.")
    return 0


def _tell_pool(pool: PoolLoaded) -> None:
    tell(f"language {pool.language}; the task pool: {pool.human} seed tasks, {pool.machine} machine-made")
    for other, n in pool.others.items():
        tell(f"{n} seed tasks in {other} are left out: --language {other} makes tasks like those")


def _words(tally: InstructionTally, session: Session) -> str:
    """The funnel, from replies to instances."""
    fruitless = tally.fruitless.total()
    lines = [
        f"{tally.target} instructions wanted, {tally.made_before} made before",
        f"{tally.read + fruitless} replies read" + (f", {tally.failed} requests failed" if tally.failed else ""),
        *([f"  {fruitless} brought nothing{_rules(tally.fruitless)}"] if fruitless else []),
        f"{tally.instructions} instructions, {tally.eliminated.total()} eliminated{_rules(tally.eliminated)}",
        f"{tally.new} new, {tally.answered} answered",
        *(
            [f"  {tally.without_instance.total()} without an instance{_rules(tally.without_instance)}"]
            if tally.without_instance
            else []
        ),
        *([f"  {tally.overtaken} that you decided about meanwhile"] if tally.overtaken else []),
        f"{tally.standing} passed, to be reviewed; {tally.classification} classification tasks answered",
        f"{tally.instances} rows"
        + (f", {tally.dropped.total()} instances dropped{_rules(tally.dropped)}" if tally.dropped else ""),
        *spent_words(session.runs.spent),
    ]
    if tally.waiting:
        lines.append(f"{tally.waiting} new instructions are unanswered: a higher --target goes on with them")
    if tally.made_before >= tally.target:
        lines.append("The target was reached before: raise --target, or give another --seed.")
    return "\n".join(lines)


def _rules(counts: Counter[str]) -> str:
    return ": " + ", ".join(f"{n} {rule}" for rule, n in counts.most_common()) if counts else ""
