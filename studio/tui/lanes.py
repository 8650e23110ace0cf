"""The lanes of a running job as lines: who works on what, and the end of what has been written so far."""

from __future__ import annotations

from studio.alpaca.rows import prompt_text
from studio.jobs.events import AttemptFailed, Event, Evolved, LaneStarted, LaneText, Retried
from studio.jobs.tally import Tally
from studio.text.display import columns, one_line
from studio.tui.entries import SHORT
from studio.tui.ink import Line, Span

_TITLE = 35


class Lane:
    """One lane: the step it is at and the text that has come in."""

    def __init__(self) -> None:
        self.title = "waiting"
        self.text = ""
        self.note = ""
        self._from = 0
        self._ended = False

    def see(self, event: Event) -> None:
        match event:
            case LaneStarted():
                operation = SHORT.get(event.operation, event.operation)
                self.title = f"#{event.root} r{event.round} {operation} {event.step}"
                self.text, self.note, self._from, self._ended = "", "", 0, False
            case LaneText():
                if self.note:
                    self.note, self._from = "", 0
                self.text += event.text
            case Retried():
                self._from = 0
                self.note = f"asking again in {event.seconds:.0f} s: {event.message}"
            case AttemptFailed():
                self.title, self.note, self._from = "failed", event.message, 0
            case Evolved():
                self.title = "accepted" if event.made.rule is None else f"eliminated: {event.made.rule}"
                self.text, self.note, self._ended = prompt_text(event.made.row), "", True
            case _:
                pass

    def line(self, number: int, width: int) -> Line:
        title = one_line(f"{number + 1} {self.title}", min(_TITLE, width // 2))
        title += " " * (min(_TITLE, width // 2) - columns(title))
        return [Span(title, "pending"), Span(self._tail(width - columns(title)), "reject" if self.note else "")]

    def _tail(self, room: int) -> str:
        """The end of the text. It grows to the right and then jumps back to half the room: what grows in place
        costs only its new characters on the wire, what rolls costs the line."""
        if self._ended or self.note:
            # Of what is whole the beginning matters most.
            return one_line(self.note or self.text, room)
        text = self.text
        shown = one_line(text[self._from :])
        if columns(shown) > room:
            while columns(shown) > room // 2:
                shown = shown[1:]
            self._from = len(text) - len(shown)
        return shown


class Lanes:
    """All lanes of a run, and its counts."""

    def __init__(self, number: int) -> None:
        self.tally = Tally()
        self.lanes = [Lane() for _ in range(number)]

    def see(self, events: list[Event]) -> None:
        for event in events:
            self.tally.see(event)
            lane = getattr(event, "lane", None)
            if lane is not None and lane < len(self.lanes):
                self.lanes[lane].see(event)

    def lines(self, width: int, state: str, *, running: bool) -> list[Line]:
        """The funnel in two lines, then a line for each lane."""
        tally = self.tally
        minutes, seconds = divmod(round(tally.left or 0), 60)
        left = f"  ETA {minutes}:{seconds:02}" if running and tally.left is not None else ""
        rate = f"{tally.tokens / max(tally.seconds, 1):.0f} tok/s" if running and tally.tokens else ""
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
