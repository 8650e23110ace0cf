"""What a subcommand prints: results on stdout, talk on stderr, progress only where somebody watches."""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

from studio.errors import StudioError
from studio.text.display import visible

# JSON leaves these as they are, and a terminal would obey or mirror them.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def say(text: str) -> None:
    """A line for people, on stdout."""
    click.echo(visible(text))


def tell(text: str) -> None:
    """A line of talk, on stderr."""
    click.echo(visible(text), err=True)


class Troubled(Protocol):
    """A tally that knows what failed."""

    failed: int
    failures: Counter[str]
    retries: Counter[str]


def tell_trouble(tally: Troubled, refusal: StudioError | None, *more: str) -> int:
    """Tell what went wrong in a run that asked a model; returns the exit code. more: lines before the refusal."""
    for message, times in (tally.failures + tally.retries).most_common(5):
        tell(f"{times} x {message}")
    for line in more:
        tell(line)
    if refusal:
        tell(f"{refusal.title}: {refusal}")
    if refusal or tally.failed:
        tell("What was answered is kept. Run the same command again: it asks only for what is missing.")
        return 1
    return 0


def show_json(value: Any) -> None:
    """One JSON document on stdout, with characters a terminal would obey written as escapes."""
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    click.echo(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


class Meter(Protocol):
    """Shows how far a job is."""

    def __call__(self, done: float, total: float, note: str = "") -> None: ...


class _Lines:
    """Progress for a log: a line every ten seconds, so that a long job is not silent and a short one is."""

    EVERY = 10.0

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._told = time.monotonic()

    def __call__(self, done: float, total: float, note: str = "") -> None:
        now = time.monotonic()
        if now - self._told >= self.EVERY:
            self._told = now
            rate = done / (now - self._started)
            tell(f"{self._title} {done:,.0f}/{total:,.0f}  {rate:,.1f}/s  {note}".rstrip())


@contextmanager
def progress(title: str) -> Iterator[Meter]:
    """A progress bar with rate and time left on stderr; a line now and then where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, note="", rate="")

        def show(done: float, total: float, note: str = "") -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:,.1f}/s" if speed else ""
            bar.update(task, completed=done, total=total or None, note=visible(note), rate=rate)

        yield show
