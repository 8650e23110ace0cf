"""Counting a run of Evol-Instruct as its events come by: the funnel, what it cost, difficulty by round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from studio.alpaca.rows import prompt_text
from studio.jobs.events import AttemptFailed, Event, Evolved, LaneStarted, Paused, Planned, Retried
from studio.methods.difficulty import Difficulty, of_task


class Tally:
    """accepted + eliminated + failed = ended; asked are these and what is in flight.

    before: difficulty by round of what earlier starts accepted, round 0 being the seed tasks. tokens: of answers.
    """

    def __init__(self, before: Mapping[int, Difficulty] | None = None) -> None:
        self.attempts = 0
        self.done_before = 0
        self.accepted = 0
        self.eliminated: Counter[str] = Counter()
        self.failed = 0
        self.replayed = 0
        self.prompt_tokens = 0
        self.tokens = 0
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.difficulty: dict[int, Difficulty] = dict(before or {})
        self.paused_for = ""
        self._in_flight: set[int] = set()
        self._started = time.monotonic()

    @property
    def answered(self) -> int:
        """Attempts the model answered, whatever became of the answers."""
        return self.accepted + self.eliminated.total()

    @property
    def asked(self) -> int:
        """Attempts that have begun."""
        return self.answered + self.failed + len(self._in_flight)

    @property
    def ended(self) -> int:
        """Attempts of the plan that are over, with those of earlier starts."""
        return self.done_before + self.answered + self.failed

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

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
                self._in_flight.add(event.lane)
                self.paused_for = ""
            case Evolved():
                self._in_flight.discard(event.lane)
                self._see_row(event)
            case AttemptFailed():
                self._in_flight.discard(event.lane)
                self.failed += 1
                self.failures[event.message] += 1
            case Retried():
                self.retries[event.message] += 1
            case Paused():
                # The attempts that met it begin anew; the others say so with their next request.
                self._in_flight.clear()
                self.paused_for = event.reason
            case _:
                pass

    def _see_row(self, event: Evolved) -> None:
        made = event.made
        self.prompt_tokens += event.tokens[0]
        self.tokens += event.tokens[1]
        self.replayed += event.replayed
        if made.rule:
            self.eliminated[made.rule] += 1
        else:
            self.accepted += 1
            self.difficulty[made.round] = self.difficulty.get(made.round, Difficulty()) + of_task(prompt_text(made.row))

    def record(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "attempts": self.attempts,
            "done_before": self.done_before,
            "accepted": self.accepted,
            "eliminated": dict(self.eliminated),
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
        }
