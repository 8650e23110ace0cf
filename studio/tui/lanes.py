"""The lanes of a running job as lines: who works on what, and the end of what has been written so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from studio.alpaca.lengths import estimate_tokens
from studio.alpaca.rows import prompt_text
from studio.jobs.events import AttemptFailed, Ended, Event, LaneStarted, LaneText, Retried
from studio.methods.asking import Result
from studio.text.display import columns, one_line
from studio.tui.entries import SHORT
from studio.tui.ink import Line, Span

MOST = 8
"""Lanes that are shown; more may run."""
# The bytes that repainted lanes may take in one beat, so that with counts and rows it stays below 1 kB; and the bytes
# it takes to move to a place and set its colour. Textual paints a line from its left end, whatever changed.
_BUDGET, _MOVE = 600, 45
_TITLE = 35
# Seconds over which the rate of streamed tokens is averaged.
_WINDOW = 5.0


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
                operation = SHORT.get(event.operation, "")
                about = f"#{event.root} r{event.round} " if event.root is not None else f"request {event.round} "
                self.title = f"{about}{operation} {event.step}" if operation else f"{about}{event.step}"
                self.text, self.note, self._from, self._ended = "", "", 0, False
            case LaneText():
                if self.note:
                    self.note, self._from = "", 0
                self.text += event.text
            case Retried():
                # The answer starts again from its beginning.
                self.text, self._from = "", 0
                self.note = f"asking again in {event.seconds:.0f} s: {event.message}"
            case AttemptFailed():
                self.title, self.note, self._from = "failed", event.message, 0
            case Ended(result=result) if not result.left:
                self._end(*_told(result))
            case _:
                pass

    def _end(self, title: str, text: str) -> None:
        self.title, self.text, self.note, self._ended = title, text, "", True

    def line(self, number: int, width: int) -> Line:
        title = one_line(f"{number + 1} {self.title}", min(_TITLE, width // 2))
        title += " " * (min(_TITLE, width // 2) - columns(title))
        return [Span(title, "pending"), Span(self._tail(width - columns(title)), "reject" if self.note else "")]

    def _tail(self, room: int) -> str:
        """The end of the text. It grows to the right until the room is full, then jumps back to half of it: easier to
        read than a line in which every character moves.
        """
        if self._ended or self.note:
            # A finished text is shown from its beginning.
            return one_line(self.note or self.text, room)
        text = self.text
        shown = one_line(text[self._from :])
        if columns(shown) > room:
            while columns(shown) > room // 2:
                shown = shown[1:]
            self._from = len(text) - len(shown)
        return shown


class Lanes:
    """The lanes of a run that are shown, and how fast text comes in."""

    def __init__(self, number: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._lanes = [Lane() for _ in range(number)]
        self._shown: list[Line] = []
        self._width = 0
        # The numbers of the lanes; the one painted longest ago comes first.
        self._turns = deque(range(number))
        self._clock = clock
        self._came: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        return len(self._lanes)

    def grow(self, number: int) -> None:
        """Show at least this many lanes."""
        self._turns.extend(range(len(self._lanes), number))
        self._lanes += [Lane() for _ in range(number - len(self._lanes))]
        self._width = 0

    def see(self, events: list[Event]) -> None:
        tokens = estimate_tokens("".join(event.text for event in events if isinstance(event, LaneText)))
        for event in events:
            lane = getattr(event, "lane", None)
            if lane is not None and lane < len(self._lanes):
                self._lanes[lane].see(event)
        if tokens:
            self._came.append((self._clock(), tokens))

    @property
    def rate(self) -> float:
        """About how many tokens a second came in over the last seconds."""
        now = self._clock()
        while self._came and self._came[0][0] < now - _WINDOW:
            self._came.popleft()
        return sum(tokens for _, tokens in self._came) / _WINDOW

    def lines(self, width: int) -> list[Line]:
        """A line for each lane. Changed lanes are renewed as far as `_BUDGET` allows; others keep their old line."""
        fresh = [lane.line(number, width) for number, lane in enumerate(self._lanes)]
        if width != self._width:
            self._width, self._shown = width, fresh
            return list(fresh)
        spent = 0
        for number in list(self._turns):
            if fresh[number] == self._shown[number]:
                continue
            cost = _cost(self._shown[number], fresh[number])
            if spent and spent + cost > _BUDGET:
                break
            spent += cost
            self._shown[number] = fresh[number]
            self._turns.remove(number)
            self._turns.append(number)
        return list(self._shown)


def _cost(old: Line, new: Line) -> int:
    """About how many bytes it takes to paint new over old: all of new, and blanks where old was longer."""
    shorter = max(0, sum(columns(span.text) for span in old) - sum(columns(span.text) for span in new))
    return shorter + sum(_MOVE + len(span.text.encode()) for span in new)


def _told(result: Result) -> tuple[str, str]:
    """The outcome of an attempt in few words, and the text of its rows or the evidence against it."""
    texts = "  ".join(prompt_text(made.row) for made in result.rows)
    if result.rule:
        return f"nothing: {result.rule}", result.evidence or ""
    rules = [made.rule for made in result.rows if made.rule]
    if len(result.rows) == 1:
        return f"eliminated: {rules[0]}" if rules else "passed", texts
    return (f"{len(result.rows) - len(rules)} of {len(result.rows)} passed" if result.rows else "answered"), texts
