"""Counting what every job with lanes has: what failed, what was asked again, why it rests, tokens, time."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

from studio.jobs.events import AttemptFailed, Event, LaneStarted, Paused, Retried


class Paid(Protocol):
    """An event that tells of replies. tokens: of prompts and answers; replayed: not paid for now."""

    @property
    def tokens(self) -> tuple[int, int]: ...

    @property
    def replayed(self) -> int: ...


class LaneTally:
    """failures, retries: by message. replayed: answered without paying now. tokens: of answers."""

    def __init__(self) -> None:
        self.failed = self.replayed = self.prompt_tokens = self.tokens = 0
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.paused_for = ""
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def see(self, event: Event) -> None:
        """Count one event."""
        match event:
            case LaneStarted():
                self.paused_for = ""
            case AttemptFailed():
                self.failed += 1
                self.failures[event.message] += 1
            case Retried():
                self.retries[event.message] += 1
            case Paused():
                self.paused_for = event.reason
            case _:
                pass

    def pay(self, event: Paid) -> None:
        """Count what an event says its replies took."""
        self.prompt_tokens += event.tokens[0]
        self.tokens += event.tokens[1]
        self.replayed += event.replayed

    def costs(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "failed": self.failed,
            "failures": dict(self.failures),
            "retries": dict(self.retries),
            "replayed": self.replayed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
        }
