"""One writer a project: an flock that the system frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

import msgspec


class Holder(msgspec.Struct, frozen=True):
    """Who writes in the project: process id, machine, and since when (local time)."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class WriterLock:
    """The project's writer lock. taken tells whether it is ours; holder says whose it is otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    @property
    def taken(self) -> bool:
        return self._handle is not None

    def take(self) -> bool:
        """Try to become the writer. A lock left by a dead process is free by itself.

        Raises OSError when the lock file cannot be written.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        who = Holder(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"))
        os.ftruncate(handle, 0)
        os.pwrite(handle, msgspec.json.encode(who), 0)
        self._handle = handle
        return True

    def holder(self) -> str:
        """Who holds the lock now, in words; "" when nobody does."""
        try:
            with self._path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return ""
        except BlockingIOError:
            pass
        except OSError:
            return ""
        try:
            return str(msgspec.json.decode(self._path.read_bytes(), type=Holder))
        except (OSError, msgspec.DecodeError):
            return "another process"

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
