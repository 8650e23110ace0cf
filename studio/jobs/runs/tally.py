"""Counting a run of a method as its events come by: what it asked, what came of it, what it cost, why it rests."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from studio.alpaca.rows import prompt_text
from studio.jobs.events import AttemptFailed, Ended, Event, GaveUp, LaneStarted, Paused, Planned, Retried
from studio.methods.asking import Method, Step
from studio.methods.difficulty import Difficulty, of_task


class RunTally:
    """The funnel of one start of a method.

    accepted + eliminated.total() rows came of answered attempts; fruitless counts attempts that brought nothing at all,
    by rule, and counts is the method's own. attempts and done_before: of the plan. failures, retries: by message.
    replayed: answered without paying now. tokens: of answers. left_out: attempts that were not done after all.
    difficulty: by round, of what passed; round 0: the seed tasks. gave_up: why it ended before it was done.
    """

    def __init__(self, method: Method, difficulty: Mapping[int, Difficulty] | None = None) -> None:
        """difficulty: of what earlier starts made."""
        self.method = method
        self.attempts = self.done_before = self.answered = self.failed = self.left_out = self.replayed = 0
        self.prompt_tokens = self.tokens = self.accepted = 0
        self.eliminated: Counter[str] = Counter()
        self.fruitless: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.difficulty: dict[int, Difficulty] = dict(difficulty or {})
        self.paused_for = self.gave_up = ""
        self._done = 0
        self._in_flight: set[int] = set()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def asked(self) -> int:
        """Attempts that have begun."""
        return self.answered + self.failed + len(self._in_flight)

    @property
    def ended(self) -> int:
        """How much of the plan is over, with what earlier starts did. What failed is over where the plan is static."""
        return self.done_before + self._done + (0 if self.method.progress else self.failed)

    @property
    def left(self) -> float | None:
        """Seconds to the end at the rate so far, None before anything ended."""
        now = self.ended - self.done_before
        return (self.attempts - self.ended) * self.seconds / now if now > 0 else None

    @property
    def funnel(self) -> list[Step]:
        """From what was asked to what passed."""
        return self.method.funnel(self)

    @property
    def dropped(self) -> Counter[str]:
        """What took something away for good, by rule, wherever in the funnel it did."""
        found: Counter[str] = Counter()
        for step in self.funnel:
            if step.sign == "reject":
                found.update(step.rules)
        return found

    def by_rule(self, name: str) -> Counter[str]:
        """The method's counts of the form "name:RULE", by rule."""
        return Counter({key.partition(":")[2]: n for key, n in self.counts.items() if key.startswith(f"{name}:")})

    def see(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Planned():
                # An open-ended plan that is laid out anew counts what this start has done among what is done.
                done = event.done - self._done if self.method.progress else event.done
                self.attempts, self.done_before = event.attempts, done
            case LaneStarted():
                self.paused_for = ""
                self._in_flight.add(event.lane)
            case Ended():
                self._in_flight.discard(event.lane)
                self._see_end(event)
            case AttemptFailed():
                self._in_flight.discard(event.lane)
                self.failed += 1
                self.failures[event.message] += 1
            case Retried():
                self.retries[event.message] += 1
            case Paused():
                self.paused_for = event.reason
                # The attempts that met it begin anew; the others say so with their next request.
                self._in_flight.clear()
            case GaveUp():
                self.gave_up = event.reason
            case _:
                pass

    def record(self) -> dict[str, Any]:
        """The counts for machines: the same of every method, then its own."""
        own: dict[str, Any] = {}
        for name, n in self.counts.items():
            group, _, rule = name.partition(":")
            if rule:
                own.setdefault(group.replace("-", "_"), {})[rule] = n
            else:
                own[name.replace("-", "_")] = n
        return {
            "method": self.method.name,
            "attempts": self.attempts,
            "done_before": self.done_before,
            "answered": self.answered,
            "accepted": self.accepted,
            "eliminated": dict(self.eliminated),
            "fruitless": dict(self.fruitless),
            "failed": self.failed,
            "failures": dict(self.failures),
            "retries": dict(self.retries),
            "replayed": self.replayed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
            "difficulty": {
                str(round_): {
                    "tasks": one.tasks,
                    "length": round(one.length, 1),
                    "constraints": round(one.constraints_each, 2),
                }
                for round_, one in sorted(self.difficulty.items())
            },
            "gave_up": self.gave_up,
            **own,
        }

    def _see_end(self, event: Ended) -> None:
        self.prompt_tokens += event.tokens[0]
        self.tokens += event.tokens[1]
        self.replayed += event.replayed
        result = event.result
        self.counts.update(result.counts)
        if result.left:
            self.left_out += 1
            return
        self.answered += 1
        self._done += result.counts.get(self.method.progress, 0) if self.method.progress else 1
        if result.rule:
            self.fruitless[result.rule] += 1
        for made in result.rows:
            if made.rule is not None:
                self.eliminated[made.rule] += 1
                continue
            self.accepted += 1
            if self.method.deepens:
                before = self.difficulty.get(made.round, Difficulty())
                self.difficulty[made.round] = before + of_task(prompt_text(made.row))
