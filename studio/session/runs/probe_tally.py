"""Counting a probe as its events come by, with what was answered before."""

from __future__ import annotations

from typing import Any

import msgspec

from studio.jobs.events import Ended, Event, Planned
from studio.jobs.runs.tally import RunTally
from studio.methods import registry
from studio.methods.probe.curve import Curve, counted, weights_by_decile
from studio.methods.probe.tasks import Setup
from studio.methods.probe.verdict import judge
from studio.session.runs.probing import METHOD, ProbeBegun, ProbeEnded


class ProbeTally(RunTally):
    """questions = all_answered + failed at the end.

    setup and room: as in `ProbeBegun`, None before it. through: it came to its end.
    """

    def __init__(self) -> None:
        super().__init__(registry.get(METHOD))
        self.model = ""
        self.setup: Setup | None = None
        self.room: tuple[int, int] | None = None
        self.questions = 0
        self.through = False
        self._answers: list[tuple[int, bool]] = []

    @property
    def all_answered(self) -> int:
        """Questions that were answered, now or before."""
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
        super().see(event)
        match event:
            case ProbeBegun():
                self.model, self.setup, self.room = event.model, event.setup, event.room
                self._answers += event.before
                self.replayed += len(event.before)
            case Planned():
                self.questions = event.attempts
            case Ended(task=task, result=result):
                self._answers.append((int(task.key[1]), bool(result.value["right"])))
            case ProbeEnded():
                self.through = True
            case _:
                pass

    def record(self) -> dict[str, Any]:
        """The counts for machines."""
        return {
            **super().record(),
            "questions": self.questions,
            "answered": self.all_answered,
            "right": self.right,
            "ended": self.through,
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
