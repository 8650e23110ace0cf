"""Counting a probe as its events come by."""

from __future__ import annotations

import time
from collections import Counter

import msgspec

from studio.jobs.events import AttemptFailed, Event, LaneStarted, Paused, Planned, Retried
from studio.jobs.probe_events import ProbeBegun, Probed, ProbeEnded
from studio.methods.probe.curve import Curve, counted, weights_by_decile
from studio.methods.probe.tasks import Setup
from studio.methods.probe.verdict import judge


class ProbeTally:
    """questions = answered + failed at the end. replayed: answered without paying now. tokens: of answers.

    setup and room: as in `ProbeBegun`, None before it.
    """

    def __init__(self) -> None:
        self.model = ""
        self.setup: Setup | None = None
        self.room: tuple[int, int] | None = None
        self.questions = self.failed = self.replayed = self.prompt_tokens = self.tokens = 0
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.paused_for = ""
        self.ended = False
        self._answers: list[tuple[int, bool]] = []
        self._started = time.monotonic()

    @property
    def answered(self) -> int:
        return len(self._answers)

    @property
    def right(self) -> int:
        return sum(right for _, right in self._answers)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def curve(self) -> Curve | None:
        """What has come so far; None before the probe began."""
        return None if self.setup is None else counted(self.setup.size, self.setup.indices, self._answers)

    def see(self, event: Event) -> None:
        """Count one event."""
        match event:
            case ProbeBegun():
                self.model, self.setup, self.room = event.model, event.setup, event.room
            case Planned():
                self.questions = event.attempts
            case LaneStarted():
                self.paused_for = ""
            case Probed():
                self._answers.append((event.index, event.right))
                self.prompt_tokens += event.tokens[0]
                self.tokens += event.tokens[1]
                self.replayed += event.replayed
            case AttemptFailed():
                self.failed += 1
                self.failures[event.message] += 1
            case Retried():
                self.retries[event.message] += 1
            case Paused():
                self.paused_for = event.reason
            case ProbeEnded():
                self.ended = True
            case _:
                pass

    def record(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "questions": self.questions,
            "answered": self.answered,
            "right": self.right,
            "failed": self.failed,
            "failures": dict(self.failures),
            "retries": dict(self.retries),
            "replayed": self.replayed,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
            "ended": self.ended,
        }


def curve_record(curve: Curve) -> dict[str, object]:
    """A curve, its verdict and its weights for machines. position: from 1."""
    verdict = judge(curve)
    return {
        "size": curve.size,
        "points": [
            {
                "position": point.index + 1,
                "asked": point.asked,
                "right": point.right,
                "share": round(point.share, 4),
                "interval": [round(bound, 4) for bound in point.interval],
            }
            for point in curve.points
        ],
        "verdict": msgspec.to_builtins(verdict),
        "weights_by_decile": [round(weight, 4) for weight in weights_by_decile(curve)],
    }
