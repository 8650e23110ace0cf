"""The commands that ask models, and those about rows they made: `studio evolve`, `self-instruct`, `probe`, `why`,
`rejected`, `restore`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.calls import folder_argument, json_option, with_session
from studio.cli.options import Command, Decorator, flags_of, option, options, together


def endpoint_options(section: str) -> Decorator:
    """The options about the model, limits and budget that every generating command has. section: its own."""
    return together(
        option(section, "concurrency"),
        options("model", "rpm", "tpm"),
        budget_options,
        options("model", "base_url", "model", "profile"),
    )


def model_options(section: str) -> Decorator:
    """Those and, for a command that asks several models, the others' and how they are sampled."""
    return together(
        endpoint_options(section),
        option("answerer", "model", "--answer-model", help="Another model for the answers."),
        option("judge", "model", "--judge-model", help="Another model for the judging."),
        option(section, "temperature"),
    )


budget_options = together(option("budget", "usd", "--budget-usd"), option("budget", "tokens", "--budget-tokens"))


@click.command(cls=Command)
@folder_argument
@options("evolve", "rounds", "limit", "target")
@option("evolve", "operations", type=str, multiple=False, metavar="NAME[=WEIGHT],...")
@options("evolve", "language", "seed", "prompts")
@model_options("evolve")
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@click.option("--sample", type=click.IntRange(0), default=0, help="With --dry-run: measure so many evolutions first.")
@json_option
def evolve(folder: Path, operations: str | None, dry_run: bool, sample: int, as_json: bool, **given: Any) -> int:
    """Evolve the seed tasks (Evol-Instruct). Running it again goes on; nothing is asked and paid twice."""
    from studio.cli import evolving
    from studio.errors import UsageError

    if sample and not dry_run:
        raise UsageError("--sample belongs to --dry-run.")
    flags = flags_of(given)
    if operations is not None:
        flags["evolve"] |= evolving.weights_of(operations)
    if dry_run:
        return with_session(
            folder, lambda session: evolving.foretell(session, sample, as_json), flags, read_only=not sample
        )
    return with_session(folder, lambda session: evolving.run(session, as_json), flags)


@click.command("self-instruct", cls=Command)
@folder_argument
@options("self_instruct", "target", "limit", "variant", "language", "seed", "prompts")
@model_options("self_instruct")
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@json_option
def self_instruct(folder: Path, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Make new tasks like the seed tasks (Self-Instruct). Running it again goes on; nothing is asked and paid twice."""
    from studio.cli import instructing

    flags = flags_of(given)
    if dry_run:
        return with_session(folder, lambda session: instructing.foretell(session, as_json), flags, read_only=True)
    return with_session(folder, lambda session: instructing.run(session, as_json), flags)


@click.command(cls=Command)
@folder_argument
@options("probe", "task", "keys", "documents", "positions", "samples", "language", "seed")
@options("probe", "context", "thinking_room", "prompts")
@endpoint_options("probe")
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@json_option
def probe(folder: Path, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Measure how well a model reads head, middle and tail of its input (Lost in the Middle), and draw the curve.

    Running it again shows it again; nothing is asked and paid twice.
    """
    from studio.cli import probing

    flags = flags_of(given)
    if dry_run:
        return with_session(folder, lambda session: probing.foretell(session, as_json), flags, read_only=True)
    return with_session(folder, lambda session: probing.run(session, as_json), flags)


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


COMMANDS = (evolve, self_instruct, probe, why, rejected, restore)
