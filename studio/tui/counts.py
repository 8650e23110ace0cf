"""What the tallies of the methods count, in the one form that the Evolve screen shows."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from studio.jobs.self_instruct_tally import InstructionTally
from studio.jobs.tally import Tally
from studio.methods.difficulty import Difficulty

RunTally = Tally | InstructionTally


class Step(NamedTuple):
    """One level of a funnel; those of rules are indented under what they took away from."""

    name: str
    n: int
    ink: str = ""


class Counts(NamedTuple):
    """How far a run is. done: of `of` attempts or instructions. eliminated: by rule. begun: in words."""

    done: int
    of: int
    accepted: int
    eliminated: Counter[str]
    begun: str
    steps: list[Step]
    difficulty: dict[int, Difficulty]


def counts_of(tally: RunTally) -> Counts:
    """The counts of either method."""
    return _of_tasks(tally) if isinstance(tally, Tally) else _of_instructions(tally)


def _of_tasks(tally: Tally) -> Counts:
    steps = [
        Step("asked", tally.asked),
        Step("answered", tally.answered),
        Step("✓ passed", tally.accepted, "accept"),
        Step("✗ eliminated", tally.eliminated.total(), "reject"),
        *_rules(tally.eliminated),
        Step("! failed", tally.failed, "reject"),
    ]
    begun = f"asked {tally.asked:,}  answered {tally.answered:,}"
    return Counts(tally.ended, tally.attempts, tally.accepted, tally.eliminated, begun, steps, tally.difficulty)


def _of_instructions(tally: InstructionTally) -> Counts:
    replies = tally.read + tally.fruitless.total()
    steps = [
        Step("replies read", replies),
        *_rules(tally.fruitless),
        Step("instructions", tally.instructions),
        Step("✗ eliminated", tally.eliminated.total(), "reject"),
        *_rules(tally.eliminated),
        Step("new", tally.new),
        Step("answered", tally.answered),
        Step("✗ without instance", tally.without_instance.total(), "reject"),
        *_rules(tally.without_instance),
        Step("✓ passed", tally.standing, "accept"),
        Step("rows", tally.instances),
        Step("✗ instances dropped", tally.dropped.total(), "reject"),
        *_rules(tally.dropped),
        Step("! failed", tally.failed, "reject"),
    ]
    eliminated = tally.fruitless + tally.eliminated + tally.without_instance
    begun = f"replies {replies:,}  instructions {tally.instructions:,}  new {tally.new:,}"
    return Counts(tally.made, tally.target, tally.standing, eliminated, begun, steps, {})


def _rules(found: Counter[str]) -> list[Step]:
    return [Step(f"    {rule}", n, "muted") for rule, n in found.most_common()]
