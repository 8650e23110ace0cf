"""The command `studio place`: its options. What it does is in `cli.placement_run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.calls import folder_argument, json_option, with_session
from studio.cli.methods import endpoint_options
from studio.cli.options import Command, flags_of, option, options


@click.command(cls=Command)
@folder_argument
@options("position", "strategy", "seed")
@click.option("--row", "rows", type=int, multiple=True, help="Only this row; may be given several times.")
@options("position", "variants", "distractors", "question", "locate_first")
@option("position", "weights", type=str, multiple=False, metavar="W,...")
@options("position", "sure", "pattern")
@click.option("--judge", is_flag=True, help="Ask a model first, where no rule is sure.")
@endpoint_options("position")
@click.option("--dry-run", is_flag=True, help="Print the plan as JSON; nothing is moved, nobody is asked.")
@json_option
def place(
    folder: Path, rows: tuple[int, ...], weights: str | None, judge: bool, dry_run: bool, as_json: bool, **given: Any
) -> int:
    """Move the segment that holds the answer: evenly over all rows, to head, middle or tail (one undoable step).

    Rows whose order means something stay, each with its reason. References such as "Document [2]" follow.
    """
    from studio.cli import placement_run
    from studio.errors import UsageError

    if judge and dry_run:
        raise UsageError("--dry-run asks nobody, so --judge does not go with it.")
    flags = flags_of(given)
    if weights is not None:
        flags["position"]["weights"] = placement_run.weights_of(weights)
    only = rows or None
    if dry_run:
        return with_session(folder, lambda session: placement_run.foretell(session, only), flags, read_only=True)
    return with_session(folder, lambda session: placement_run.run(session, only, as_json, judge=judge), flags)
