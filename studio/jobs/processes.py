"""Pure work on all processors: what Python itself computes, threads cannot share."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import Pipe
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
    themselves when this one is killed. Raises RuntimeError with the words of what work raises elsewhere, StudioError
    when a process was killed.
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
            _send(worker, batch)
        # A worker gets its next batch when its last result is here: neither ever waits for the other to read.
        busy = deque(workers)
        while busy:
            worker = busy.popleft()
            result = _received(worker)
            for batch in islice(rest, 1):
                _send(worker, batch)
                busy.append(worker)
            yield result


@contextmanager
def _workers(work: Callable[[Any], Any], number: int) -> Iterator[list[Connection]]:
    """Processes that do the work, by the pipes to them."""
    # Not multiprocessing's: it runs the main module again, and a screen's sys.stderr, which is no file, stops it.
    command = [sys.executable, "-P", "-c", "from studio.jobs.processes import serve; serve()"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ours: list[Connection] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(number):
            here, there = Pipe()
            ours.append(here)
            with there:
                process = subprocess.Popen(
                    [*command, str(there.fileno())],
                    env=environment,
                    pass_fds=[there.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # Ctrl+C is for the process that starts this one.
                    process_group=0,
                )
            processes.append(process)
            _send(here, work)
        yield ours
    finally:
        for pipe in ours:
            pipe.close()
        for process in processes:
            process.wait()


def serve() -> None:
    """Do the work that comes over the pipe until its other end is closed, as it is when that process was killed."""
    pipe = Connection(int(sys.argv[1]))
    try:
        work = pipe.recv()
        while True:
            pipe.send((work(pipe.recv()), None))
    except (EOFError, OSError):
        return
    except Exception as error:
        # Not every exception can be pickled; its words can.
        pipe.send((None, "".join(traceback.format_exception(error))))


def _send(worker: Connection, what: object) -> None:
    try:
        worker.send(what)
    except OSError:
        raise _killed() from None


def _received(worker: Connection) -> Any:
    try:
        result, error = worker.recv()
    except (EOFError, OSError):
        raise _killed() from None
    if error is not None:
        raise RuntimeError(error)
    return result


def _killed() -> StudioError:
    return StudioError(
        "A process that helped was killed; memory may have been short.", hint="What was kept stays. Start it again."
    )
