"""Pure work on all processors: what Python itself computes, threads cannot share."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from studio.errors import StudioError

T = TypeVar("T")
R = TypeVar("R")

HERE = 8
"""So many batches are done before other processes are started, which takes half a second."""
# One process reads, writes and shows what the others make; more than so many would wait for it.
_MOST = 8


def spread(work: Callable[[T], R], batches: Iterable[T]) -> Generator[R, None, None]:
    """work(batch) of each batch, in order.

    work, batches and what comes of them are pickled. Ends its processes also when the consumer stops early; they end by
    themselves when this one is killed. Raises what work raises, and StudioError when a process was killed.
    """
    rest = iter(batches)
    processors = min(os.cpu_count() or 1, _MOST)
    for batch in rest if processors == 1 else islice(rest, HERE):
        yield work(batch)
    first = list(islice(rest, processors))
    if len(first) < processors:
        yield from map(work, first)
        return
    with _workers(work, processors) as workers:
        for worker, batch in zip(workers, first, strict=True):
            worker.send(batch)
        # A worker gets its next batch when its last result is here: neither ever waits for the other to read.
        busy = deque(workers)
        while busy:
            worker = busy.popleft()
            result = _received(worker)
            for batch in islice(rest, 1):
                worker.send(batch)
                busy.append(worker)
            yield result


@contextmanager
def _workers(work: Callable[[Any], Any], number: int) -> Iterator[list[Connection]]:
    """Processes that do the work, by the pipes to them."""
    # A forked process would share the threads and the database of this one.
    context = get_context("spawn")
    ours: list[Connection] = []
    processes = []
    try:
        for _ in range(number):
            here, there = context.Pipe()
            ours.append(here)
            process = context.Process(target=_serve, args=(work, there), daemon=True)
            process.start()
            processes.append(process)
            there.close()
        yield ours
    finally:
        for pipe in ours:
            pipe.close()
        for process in processes:
            process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """Work until the other end is closed, which it is also when its process was killed."""
    # Ctrl+C is for the process that has started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            batch = pipe.recv()
            try:
                result, error = work(batch), None
            except Exception as raised:
                result, error = None, raised
            pipe.send((result, error))
    except (EOFError, OSError):
        return


def _received(worker: Connection) -> Any:
    try:
        result, error = worker.recv()
    except (EOFError, OSError):
        raise StudioError(
            "A process that helped was killed; memory may have been short.", hint="What was kept stays. Start it again."
        ) from None
    if error is not None:
        raise error
    return result
