"""What the commands share: their common arguments, and running work on a project."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from studio.session import Session

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class Amount(click.FloatRange):
    """A number in a range, and none of those that are in every range: NaN compares with nothing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number to compare with.", param, ctx)
        return found


Work = Callable[["Session"], Coroutine[Any, Any, int]]


def with_session(
    folder: Path, work: Work, flags: dict[str, dict[str, Any]] | None = None, *, read_only: bool = False
) -> int:
    """Run work on the project, as its one writer unless read_only; returns the exit code."""
    from studio.session import Session

    return run(closing(Session.open(folder, flags=flags, must_write=not read_only, read_only=read_only), work))


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run asynchronous work to its end."""
    # asyncio takes 25 ms to import, which --help need not wait for.
    import asyncio

    return asyncio.run(work)


async def closing(session: Session, work: Work) -> int:
    """Run work and close the session; SQLite's errors explain themselves."""
    from studio.store.database import explaining

    try:
        with explaining(session.folder):
            return int(await work(session))
    finally:
        await session.close()
