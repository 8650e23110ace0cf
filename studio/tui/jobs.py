"""From a job's events to the screen: collected, and handed over once a second.

Each chunk of a stream painted at once would flood a slow line; so events wait for the next beat. Four lanes
cost 0.8 kB a beat. The beat runs only while a job does: an idle screen writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from textual.notifications import SeverityLevel
from textual.timer import Timer

from studio.errors import StudioError
from studio.jobs.events import Event

Seen = Callable[[list[Event]], None]
BEAT = 1.0
LASTING = 3600.0
"""Seconds that the error of a failed job is shown. It is long because the person may be away; a decision ends it
sooner."""


class Host(Protocol):
    """The methods of the app that jobs call."""

    @property
    def is_running(self) -> bool: ...

    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer: ...

    def notify(self, message: str, *, severity: SeverityLevel = "information") -> None: ...

    def complain(self, error: StudioError, *, seconds: float = 10) -> None: ...

    def show_header(self) -> None:
        """Repaint the header: a job has started or ended."""


class Jobs:
    """The jobs that run, by name; one of each name at a time. Of those that ask models one runs, the others wait."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asking = ""
        # The jobs that wait for their turn to ask models, in order, each with the function that starts it.
        self._waiting: dict[str, Callable[[], None]] = {}

    def running(self, name: str) -> bool:
        return name in self._running

    @property
    def names(self) -> list[str]:
        return list(self._running)

    @property
    def waiting(self) -> list[str]:
        """The names of the jobs that wait for their turn to ask models, in order."""
        return list(self._waiting)

    def ask(self, name: str, start: Callable[[], None]) -> None:
        """Have a job that asks models start in its turn: now, or when those before it have ended. start: starts a job
        of that name. A second call for a job that waits takes it out of the queue.
        """
        if name in self._waiting:
            del self._waiting[name]
            self._app.notify(f"{name} waits no longer")
        elif self._asking:
            self._waiting[name] = start
            self._app.notify(f"{name} waits until {self._asking} has ended")
        else:
            self._asking = name
            start()
            if name not in self._running:
                self._next()
        self._app.show_header()

    def _next(self) -> None:
        """Start the job that has waited longest."""
        self._asking = ""
        if self._waiting:
            name = next(iter(self._waiting))
            self.ask(name, self._waiting.pop(name))

    def start(
        self,
        name: str,
        events: AsyncGenerator[Event, None],
        seen: Seen,
        ended: Callable[[], None] | None = None,
        *,
        anew: bool = False,
    ) -> None:
        """Run a job; seen gets what it said since the last beat, ended is called when it is over.

        anew: end a running job of this name first; its result is not wanted any more.
        """
        before = self._running.get(name)
        if before is not None and not anew:
            self._app.notify(f"{name} is running already", severity="warning")
            return
        self._running[name] = asyncio.create_task(self._run(name, events, seen, ended, before))
        self._app.show_header()

    def stop(self, name: str) -> None:
        """End a job now, if it runs."""
        if name in self._running:
            self._running[name].cancel()

    async def stop_all(self) -> None:
        """End every job now; what it did so far is kept."""
        self._waiting.clear()
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(
        self,
        name: str,
        events: AsyncGenerator[Event, None],
        seen: Seen,
        ended: Callable[[], None] | None,
        before: asyncio.Task[None] | None,
    ) -> None:
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        waiting: list[Event] = []

        def beat() -> None:
            if waiting:
                batch = waiting.copy()
                waiting.clear()
                seen(batch)

        timer = self._app.set_interval(BEAT, beat)
        try:
            async with aclosing(events) as said:
                async for event in said:
                    waiting.append(event)
        except StudioError as error:
            self._app.complain(error, seconds=LASTING)
        except Exception as error:
            # Any fault of a job ends here: it is shown, and the screens go on.
            fault = StudioError(f"{name} stopped: {error!r}", hint="What it did so far is kept.")
            self._app.complain(fault, seconds=LASTING)
        finally:
            timer.stop()
            if self._running[name] is asyncio.current_task():
                del self._running[name]
                beat()
                if ended is not None:
                    ended()
                if name == self._asking:
                    self._next()
                if self._app.is_running:
                    self._app.show_header()
