"""Counting a run of Evol-Instruct as its events come by: the funnel, what it cost, difficulty by round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from studio.alpaca.rows import prompt_text
from studio.jobs.events import AttemptFailed, Event, Evolved, LaneStarted, Paused, Planned
from studio.jobs.lane_tally import LaneTally
from studio.methods.difficulty import Difficulty, of_task


class Tally(LaneTally):
    """accepted + eliminated + failed = ended; asked are these and what is in flight.

    before: difficulty by round of what earlier starts accepted, round 0 being the seed tasks.
    """

    def __init__(self, before: Mapping[int, Difficulty] | None = None) -> None:
        super().__init__()
        self.attempts = 0
        self.done_before = 0
        self.accepted = 0
        self.eliminated: Counter[str] = Counter()
        self.difficulty: dict[int, Difficulty] = dict(before or {})
        self._in_flight: set[int] = set()

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
    def left(self) -> float | None:
        """Seconds to the end at the rate so far, None before the first attempt ended."""
        now = self.ended - self.done_before
        return (self.attempts - self.ended) * self.seconds / now if now else None

    def see(self, event: Event) -> None:
        """Count one event."""
        super().see(event)
        match event:
            case Planned():
                self.attempts, self.done_before = event.attempts, event.done
            case LaneStarted():
                self._in_flight.add(event.lane)
            case Evolved():
                self._in_flight.discard(event.lane)
                self._see_row(event)
            case AttemptFailed():
                self._in_flight.discard(event.lane)
            case Paused():
                # The attempts that met it begin anew; the others say so with their next request.
                self._in_flight.clear()
            case _:
                pass

    def _see_row(self, event: Evolved) -> None:
        made = event.made
        self.pay(event)
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
            **self.costs(),
            "difficulty": {
                str(round_): {
                    "tasks": one.tasks,
                    "length": round(one.length, 1),
                    "constraints": round(one.constraints_each, 2),
                }
                for round_, one in sorted(self.difficulty.items())
            },
        }
