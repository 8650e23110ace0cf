"""Counting a run of Evol-Instruct as its events come by."""

from __future__ import annotations

import time
from collections import Counter

from studio.jobs.events import AttemptFailed, Event, Evolved, Planned, Retried


class Tally:
    """attempts = done_before + accepted + eliminated + failed, once the run has ended."""

    def __init__(self) -> None:
        self.attempts = 0
        self.done_before = 0
        self.accepted = 0
        self.eliminated: Counter[str] = Counter()
        self.failed = 0
        self.replayed = 0
        self.tokens = 0
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self._started = time.monotonic()

    @property
    def ended(self) -> int:
        return self.done_before + self.accepted + self.eliminated.total() + self.failed

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def left(self) -> float | None:
        """Seconds to the end at the rate so far, None before the first attempt ended."""
        now = self.ended - self.done_before
        return (self.attempts - self.ended) * self.seconds / now if now else None

    def see(self, event: Event) -> None:
        match event:
            case Planned():
                self.attempts, self.done_before = event.attempts, event.done
            case Evolved():
                self.tokens += event.tokens
                self.replayed += event.replayed
                if event.made.rule:
                    self.eliminated[event.made.rule] += 1
                else:
                    self.accepted += 1
            case AttemptFailed():
                self.failed += 1
                self.failures[event.message] += 1
            case Retried():
                self.retries[event.message] += 1
            case _:
                pass

    def record(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "attempts": self.attempts,
            "done_before": self.done_before,
            "accepted": self.accepted,
            "eliminated": dict(self.eliminated),
            "failed": self.failed,
            "replayed": self.replayed,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
        }
