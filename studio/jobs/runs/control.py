"""How a person steers a running job of lanes; front ends turn the knobs, the lanes obey."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from studio.jobs.events import Event

Ending = Literal["no", "after-flight", "now"]


class Control:
    """The knobs of one job.

    streaming: somebody looks at the lanes, so answers come word by word. attended: somebody can resume; what
    dooms every request pauses an attended job, and ends one that is not, once what is in flight has ended.
    concurrency: attempts at once, from now on; fewer takes effect as attempts end.
    """

    def __init__(self, *, streaming: bool = False, attended: bool = False, concurrency: int = 4) -> None:
        self.streaming = streaming
        self.attended = attended
        self.ending: Ending = "no"
        self._concurrency = concurrency
        self._going = asyncio.Event()
        self._going.set()
        self._hear: Callable[[Event | None], None] = _nobody

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    @property
    def stopping(self) -> bool:
        """Whether no new attempt begins."""
        return self.ending != "no"

    @property
    def concurrency(self) -> int:
        return self._concurrency

    @concurrency.setter
    def concurrency(self, lanes: int) -> None:
        self._concurrency = lanes
        self._hear(None)

    def pause(self) -> None:
        """No new request; those in flight are finished and kept."""
        self._going.clear()

    def resume(self) -> None:
        self._going.set()
        self._hear(None)

    def stop(self) -> None:
        """No new attempts; those in flight come to their end and are kept."""
        if self.ending == "no":
            self.ending = "after-flight"
        self.resume()

    def stop_now(self) -> None:
        """Drop what is in flight; what was answered before is kept, and asked for again by nobody."""
        self.ending = "now"
        self.resume()

    async def going(self) -> None:
        """Wait while paused."""
        await self._going.wait()

    def announce(self, event: Event) -> None:
        """Say something among the job's events."""
        self._hear(event)

    def tell(self, hear: Callable[[Event | None], None] | None) -> None:
        """Let the lanes know: hear gets each announced event, and None when a knob was turned."""
        self._hear = hear or _nobody


def _nobody(event: Event | None) -> None:
    """No lanes run."""
