"""Running a plain generator of events off the event loop's thread, one step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from pathlib import Path
from typing import TypeVar

from studio.jobs.events import Event, Events
from studio.store.database import Database
from studio.store.reader import Reader

T = TypeVar("T")


async def in_thread(steps: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """The values of steps, each computed in a thread while the loop goes on painting.

    Ends the generator (its finally blocks run) also when the consumer stops early or is cancelled.
    """
    end = object()
    step: asyncio.Task[T | object] | None = None
    try:
        while True:
            step = asyncio.create_task(asyncio.to_thread(next, steps, end))
            value = await asyncio.shield(step)
            if value is end:
                return
            yield value  # type: ignore[misc]  # the sentinel is excluded above
    finally:
        # A thread cannot be interrupted, and a generator can only be closed between its steps.
        if step is not None and not step.done():
            await asyncio.wait([step])
            step.exception()
        steps.close()


async def reading(path: Path, job: Callable[[Reader], Events]) -> AsyncGenerator[Event, None]:
    """Run a job that only reads the database at path, over a connection of its own.

    The whole job sees the project as it is when it starts, whatever is decided meanwhile.
    """
    with closing(Database(path, writable=False)) as database:
        database.connection.execute("BEGIN")
        async with aclosing(in_thread(job(Reader(database)))) as events:
            async for event in events:
                yield event
