"""Counting a run of Self-Instruct as its events come by: requests, instructions, instances, what each rule dropped."""

from __future__ import annotations

from collections import Counter

from studio.jobs.candidates import DECIDED
from studio.jobs.events import Event, Planned
from studio.jobs.lane_tally import LaneTally
from studio.jobs.self_instruct_events import Answered, Listed, PoolLoaded, RanDry
from studio.store.draws import UNANSWERED


class InstructionTally(LaneTally):
    """The funnel of one start.

    read + fruitless.total() replies; instructions = eliminated.total() + new; those that are new, and those that
    earlier starts left, are answered or wait for it: standing + without_instance.total() + overtaken = answered.
    target, made_before: of the whole run. instances: rows, dropped: instances that are not kept, by rule.
    classification: answered tasks that are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.target = self.made_before = self.unanswered_before = 0
        self.read = 0
        self.fruitless: Counter[str] = Counter()
        self.instructions = self.new = 0
        self.eliminated: Counter[str] = Counter()
        self.standing = self.overtaken = self.classification = self.instances = 0
        self.without_instance: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.ran_dry = 0

    @property
    def made(self) -> int:
        """Instructions of the run that stand with an instance."""
        return self.made_before + self.standing

    @property
    def answered(self) -> int:
        """New instructions whose instances came, kept or not, or that came with them."""
        return self.standing + self.without_instance.total() + self.overtaken

    @property
    def waiting(self) -> int:
        """New instructions whose instances have not come."""
        return self.unanswered_before + self.new - self.answered

    @property
    def left(self) -> float | None:
        """Seconds to the target at the rate so far, None before the first instruction stood."""
        return (self.target - self.made) * self.seconds / self.standing if self.standing else None

    def see(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Planned():
                self.target, self.made_before = event.attempts, event.done - self.standing
            case PoolLoaded():
                self.unanswered_before = event.unanswered
            case Listed():
                self.pay(event)
                self._see_list(event)
            case Answered():
                self.pay(event)
                self._see_answer(event)
            case RanDry():
                self.ran_dry = event.replies
            case _:
                super().see(event)

    def _see_list(self, event: Listed) -> None:
        if event.rule:
            self.fruitless[event.rule] += 1
        else:
            self.read += 1
        self.instructions += len(event.candidates)
        for one in event.candidates:
            if one.rule in (None, UNANSWERED):
                self.new += 1
            else:
                self.eliminated[one.rule] += 1
            if one.rule is None:
                self.standing += 1
                self.instances += 1

    def _see_answer(self, event: Answered) -> None:
        self.dropped.update(one.rule for one in event.dropped)
        self.classification += event.classification
        self.instances += len(event.row_ids)
        if event.row_ids:
            self.standing += 1
        elif event.rule == DECIDED:
            self.overtaken += 1
        else:
            self.without_instance[event.rule or ""] += 1

    def record(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "target": self.target,
            "made_before": self.made_before,
            "replies": self.read + self.fruitless.total(),
            "fruitless": dict(self.fruitless),
            "instructions": self.instructions,
            "eliminated": dict(self.eliminated),
            "new": self.new,
            "answered": self.answered,
            "waiting": self.waiting,
            "accepted": self.standing,
            "without_instance": dict(self.without_instance),
            "overtaken": self.overtaken,
            "classification": self.classification,
            "instances": self.instances,
            "dropped": dict(self.dropped),
            **self.costs(),
            "ran_dry": self.ran_dry,
        }
