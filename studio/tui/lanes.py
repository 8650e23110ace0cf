"""The lanes of a running job as lines: who works on what, and the end of what has been written so far."""

from __future__ import annotations

import time

from studio.jobs.events import Event, Evolved, LaneStarted, LaneText, Retried
from studio.jobs.tally import Tally
from studio.text.display import columns, one_line
from studio.tui.ink import Line, Span


class Lane:
    """One lane: the step it is at and the text that has come in."""

    def __init__(self) -> None:
        self.title = "waiting"
        self.text = ""
        self.note = ""

    def see(self, event: Event) -> None:
        match event:
            case LaneStarted():
                self.title = f"#{event.root} r{event.round} {event.operation} {event.step}"
                self.text, self.note = "", ""
            case LaneText():
                self.text += event.text
            case Retried():
                self.note = f"asking again in {event.seconds:.0f} s: {event.message}"
            case Evolved():
                self.title = "accepted" if event.made.rule is None else f"eliminated: {event.made.rule}"
            case _:
                pass

    def line(self, number: int, width: int) -> Line:
        title = one_line(f"{number + 1} {self.title} ", width // 2)
        room = width - columns(title)
        # The end of the text is what is being written.
        tail = (self.note or self.text)[-room * 2 :].replace("\n", " ")
        while columns(tail) > room:
            tail = tail[1:]
        return [Span(title, "pending"), Span(tail, "reject" if self.note else "")]


class Lanes:
    """All lanes of a run, and its counts."""

    def __init__(self, number: int) -> None:
        self.tally = Tally()
        self.lanes = [Lane() for _ in range(number)]
        self._tokens_at = (time.monotonic(), 0)

    def see(self, events: list[Event]) -> None:
        for event in events:
            self.tally.see(event)
            lane = getattr(event, "lane", None)
            if lane is not None and lane < len(self.lanes):
                self.lanes[lane].see(event)

    def lines(self, width: int, state: str) -> list[Line]:
        """The funnel in two lines, then a line for each lane."""
        tally = self.tally
        left = f"  ETA {tally.left / 60:.0f}:{tally.left % 60:02.0f}" if tally.left is not None else ""
        rate = f"{tally.tokens / max(tally.seconds, 1):.0f} tok/s" if tally.tokens else ""
        rules = "  ".join(f"{rule} {n}" for rule, n in tally.eliminated.most_common())
        failed = f"  failed {tally.failed}" if tally.failed else ""
        return [
            [
                Span(f"{state} ", " bold"),
                Span(f"{tally.ended}/{tally.attempts}  "),
                Span(f"✓ {tally.accepted} accepted  ", "accept"),
                Span(f"✗ {tally.eliminated.total()} eliminated", "reject"),
                Span(f"{failed}{left}  {rate}", "muted"),
            ],
            [Span(f"eliminated by  {rules}" if rules else "", "muted")],
            *(lane.line(number, width) for number, lane in enumerate(self.lanes)),
        ]
