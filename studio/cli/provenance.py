"""The commands about where rows come from: `studio why`, `rejected`, `restore`."""

from __future__ import annotations

from pathlib import Path

import click

from studio.cli.calls import folder_argument, json_option, with_session


@click.command()
@folder_argument
@click.argument("row", type=int)
@json_option
def why(folder: Path, row: int, as_json: bool) -> int:
    """A row's whole lineage: its seed, what was made of it and dropped, what was asked and answered."""
    from studio.cli.lineage import run_why

    return with_session(folder, lambda session: run_why(session, row, as_json), read_only=True)


@click.command()
@folder_argument
@click.option("--rule", default="", help="Only rows that this rule rejected.")
@json_option
def rejected(folder: Path, rule: str, as_json: bool) -> int:
    """The rejected rows and why: counts by rule, then each row."""
    from studio.cli.lineage import run_rejected

    return with_session(folder, lambda session: run_rejected(session, rule, as_json), read_only=True)


@click.command()
@folder_argument
@click.argument("rows", metavar="ROW...", nargs=-1, type=int)
@click.option("--rule", default="", help="Every row that this rule rejected.")
@json_option
def restore(folder: Path, rows: tuple[int, ...], rule: str, as_json: bool) -> int:
    """Bring rejected rows back (one undoable step): generated ones pending, the others accepted."""
    from studio.cli.lineage import run_restore
    from studio.errors import UsageError

    if bool(rows) == bool(rule):
        raise UsageError("Which rows come back?", hint="Give their numbers, or --rule.")
    return with_session(folder, lambda session: run_restore(session, rows, rule, as_json))


COMMANDS = (why, rejected, restore)
