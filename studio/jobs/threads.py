"""Running a plain generator of events off the event loop's thread, one step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

T = TypeVar("T")


async def in_thread(steps: Iterator[T]) -> AsyncGenerator[T, None]:
    """The values of steps, each computed in a thread while the loop goes on painting.

    Ends the generator (its finally blocks run) also when the consumer stops early.
    """
    end = object()
    try:
        while (value := await asyncio.to_thread(next, steps, end)) is not end:
            yield value  # type: ignore[misc]  # the sentinel is excluded above
    finally:
        if hasattr(steps, "close"):
            steps.close()
