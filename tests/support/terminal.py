"""A program in a pseudo-terminal: keys go in, every byte it writes is counted and painted on a screen in memory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "left": "\x1b[D",
    "right": "\x1b[C",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "dopru"},
}

# What a program cannot do without; anything else of the tester's own settings stays out.
_KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")


class Terminal:
    """Spawns at once; use it as a context manager, which ends the program."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._fed = 0
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env = {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        # Escape is known to be alone after so many milliseconds; keys here come fast.
        env |= {"ESCDELAY": "20", **(environment or {})}
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            with contextlib.suppress(OSError):
                if folder is not None:
                    os.chdir(folder)
                os.execvpe(command[0], list(command), env)
            os._exit(127)
        self._fd_size(*size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.kill(signal.SIGKILL)
            self.wait(5)
        with contextlib.suppress(OSError):
            os.close(self._fd)

    # -- out -------------------------------------------------------------------------------------

    def read(self, quiet: float = 0.15, limit: float = 5.0) -> bytes:
        """What is written until nothing more comes for quiet seconds, at most for limit seconds."""
        start = len(self.raw)
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0 and self.more(min(quiet, left)):
            pass
        return bytes(self.raw[start:])

    def read_for(self, seconds: float) -> bytes:
        """What is written in the next so many seconds."""
        start = len(self.raw)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.more(left)
            if not self.alive:
                break
        return bytes(self.raw[start:])

    def wait_for(self, text: str, limit: float = 20.0) -> None:
        """Read until the text is on the screen. Raises TimeoutError that shows the screen."""
        end = time.monotonic() + limit
        while text not in self.text:
            if time.monotonic() > end or not (self.more(0.05) or self.alive):
                raise TimeoutError(f"{text!r} did not come:\n{self.text}")

    def go(self, key: str, text: str, *, gone: bool = False) -> None:
        """Press a key and read until the text is on the screen, or gone from it."""
        self.send(key)
        end = time.monotonic() + 20
        while (text in self.text) == gone:
            if time.monotonic() > end or not (self.more(0.05) or self.alive):
                raise TimeoutError(f"after {key!r}, {text!r} is {'still there' if gone else 'not there'}:\n{self.text}")

    def wait_for_bytes(self, mark: bytes, limit: float = 20.0) -> None:
        """Read until these bytes have been written; cheaper than the screen, for timing."""
        end = time.monotonic() + limit
        while mark not in self.raw:
            if time.monotonic() > end:
                raise TimeoutError(f"{mark!r} did not come")
            self.more(0.01)

    def more(self, seconds: float) -> bool:
        """Wait so long for output and take it in; False when none came."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._fd, 65536)
        except OSError:  # Linux: the program closed its end
            return False
        self.raw += piece
        return bool(piece)

    @property
    def text(self) -> str:
        """The screen as a person sees it."""
        self._stream.feed(bytes(self.raw[self._fed :]))
        self._fed = len(self.raw)
        return "\n".join(line.rstrip() for line in self._screen.display)

    # -- in --------------------------------------------------------------------------------------

    def send(self, *keys: str) -> None:
        """Press keys: names of KEYS, or texts as they are."""
        for key in keys:
            os.write(self._fd, KEYS.get(key, key).encode())

    def press(self, *keys: str, quiet: float = 0.15) -> bytes:
        """Press keys one by one and read what each brings about."""
        return b"".join(self._press(key, quiet) for key in keys)

    def _press(self, key: str, quiet: float) -> bytes:
        self.send(key)
        return self.read(quiet)

    def resize(self, columns: int, lines: int) -> None:
        self._screen.resize(lines, columns)
        self._fd_size(columns, lines)

    def _fd_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    # -- the program -----------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self._ended(os.WNOHANG) is None

    def kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, limit: float = 10.0) -> int:
        """The exit status (negative: the signal that ended it), reading on meanwhile. Raises TimeoutError."""
        end = time.monotonic() + limit
        while (status := self._ended(os.WNOHANG)) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"still running:\n{self.text}")
            self.more(0.02)
        return status

    _status: int | None = None

    def _ended(self, flags: int) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, flags)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status
