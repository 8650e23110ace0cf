"""Counting a run of a method as its events come by: what it asked, what came of it, what it cost, why it rests."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from studio.jobs.events import AttemptFailed, Ended, Event, LaneStarted, Paused, Planned, Retried


class RunTally:
    """The funnel of one start.

    made + rejected.total() rows came of answered attempts; fruitless counts attempts that brought nothing at all, by
    rule, and counts is the method's own. attempts and done_before: of the plan. failures, retries: by message.
    replayed: answered without paying now. tokens: of answers. left_out: attempts that were not done after all.
    """

    def __init__(self) -> None:
        self.attempts = self.done_before = self.answered = self.failed = self.left_out = self.replayed = 0
        self.prompt_tokens = self.tokens = self.made = 0
        self.rejected: Counter[str] = Counter()
        self.fruitless: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.paused_for = ""
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
        """Attempts of the plan that are over, with those of earlier starts."""
        return self.done_before + self.answered + self.failed

    @property
    def left(self) -> float | None:
        """Seconds to the end at the rate so far, None before the first attempt ended."""
        now = self.ended - self.done_before
        return (self.attempts - self.ended) * self.seconds / now if now else None

    def see(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Planned():
                self.attempts, self.done_before = event.attempts, event.done
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
            case _:
                pass

    def record(self) -> dict[str, Any]:
        """The counts for machines."""
        return {
            "attempts": self.attempts,
            "done_before": self.done_before,
            "answered": self.answered,
            "accepted": self.made,
            "eliminated": dict(self.rejected),
            "fruitless": dict(self.fruitless),
            "counts": dict(self.counts),
            "failed": self.failed,
            "failures": dict(self.failures),
            "retries": dict(self.retries),
            "replayed": self.replayed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
        }

    def _see_end(self, event: Ended) -> None:
        self.prompt_tokens += event.tokens[0]
        self.tokens += event.tokens[1]
        self.replayed += event.replayed
        result = event.result
        if result.left:
            self.left_out += 1
            return
        self.answered += 1
        self.counts.update(result.counts)
        if result.rule:
            self.fruitless[result.rule] += 1
        for made in result.rows:
            if made.rule is None:
                self.made += 1
            else:
                self.rejected[made.rule] += 1
