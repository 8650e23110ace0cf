"""Counting a probe as its events come by."""

from __future__ import annotations

import msgspec

from studio.jobs.events import Event, Planned
from studio.jobs.lane_tally import LaneTally
from studio.jobs.probe_events import ProbeBegun, Probed, ProbeEnded
from studio.methods.probe.curve import Curve, counted, weights_by_decile
from studio.methods.probe.tasks import Setup
from studio.methods.probe.verdict import judge


class ProbeTally(LaneTally):
    """questions = answered + failed at the end.

    setup and room: as in `ProbeBegun`, None before it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = ""
        self.setup: Setup | None = None
        self.room: tuple[int, int] | None = None
        self.questions = 0
        self.ended = False
        self._answers: list[tuple[int, bool]] = []

    @property
    def answered(self) -> int:
        return len(self._answers)

    @property
    def right(self) -> int:
        return sum(right for _, right in self._answers)

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
            case Probed():
                self._answers.append((event.index, event.right))
                self.pay(event)
            case ProbeEnded():
                self.ended = True
            case _:
                super().see(event)

    def record(self) -> dict[str, object]:
        """The counts for machines."""
        return {
            "questions": self.questions,
            "answered": self.answered,
            "right": self.right,
            **self.costs(),
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
