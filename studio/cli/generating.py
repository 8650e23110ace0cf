"""The commands that ask models, and those about rows they made: `studio evolve`, `self-instruct`, `probe`, `why`,
`rejected`, `restore`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from studio.cli.calls import Amount, folder_argument, json_option, with_session

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OWN = (
    "variant", "concurrency", "rounds", "limit", "target", "seed", "language", "temperature", "prompts",
    "task", "keys", "documents", "positions", "samples", "context", "thinking_room",
)  # fmt: skip
"""Options that are settings of the same name in the method's own section."""

# Option, section of the settings, name in it.
_SETTINGS = (
    ("base_url", "model", "base_url"),
    ("model", "model", "model"),
    ("profile", "model", "profile"),
    ("rpm", "model", "rpm"),
    ("tpm", "model", "tpm"),
    ("answer_model", "answerer", "model"),
    ("judge_model", "judge", "model"),
    ("budget_usd", "budget", "usd"),
    ("budget_tokens", "budget", "tokens"),
)

_ENDPOINT_OPTIONS = (
    click.option("--concurrency", type=click.IntRange(1, 1024), help="Requests in flight."),
    click.option("--rpm", type=click.IntRange(0), help="Requests a minute at most; 0: no limit."),
    click.option("--tpm", type=click.IntRange(0), help="Tokens a minute at most; 0: no limit."),
    click.option("--budget-usd", type=Amount(0), help="Stop when so many dollars are spent."),
    click.option("--budget-tokens", type=click.IntRange(0), help="Stop when so many tokens are used."),
    click.option("--base-url", help="An OpenAI-compatible endpoint; the embedded model otherwise."),
    click.option("--model", help="The model's name at that endpoint."),
    click.option(
        "--profile", type=click.Choice(["auto", "standard", "small"]), help="Prompts for which kind of model."
    ),
)
_ROLE_OPTIONS = (
    click.option("--answer-model", help="Another model for the answers."),
    click.option("--judge-model", help="Another model for the judging."),
    click.option(
        "--temperature",
        type=Amount(0),
        help="Of writing instructions (evolve: and answers).",
    ),
)


def model_options(command: _Command) -> _Command:
    """The options about models, limits and budget that every generating command has."""
    for option in reversed(_ROLE_OPTIONS):
        command = option(command)
    return endpoint_options(command)


def endpoint_options(command: _Command) -> _Command:
    """Those of them that are about one model only."""
    for option in reversed(_ENDPOINT_OPTIONS):
        command = option(command)
    return command


def flags_of(method: str, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options as settings, section by section, those of the method in its own; those not given are None."""
    flags: dict[str, dict[str, Any]] = {method: {name: given[name] for name in _OWN if name in given}}
    if given["prompts"]:
        flags[method]["prompts"] = str(Path(given["prompts"]).absolute())
    for option, section, name in _SETTINGS:
        flags.setdefault(section, {})[name] = given.get(option)
    return flags


@click.command()
@folder_argument
@click.option("--rounds", type=click.IntRange(1), help="Rounds over the task pool (the paper: 4).")
@click.option("--limit", type=click.IntRange(0), help="At most so many evolutions in all; 0: no limit.")
@click.option("--target", type=click.IntRange(0), help="Stop when so many rows were not eliminated; 0: no target.")
@click.option("--operations", metavar="NAME[=WEIGHT],...", help="Only these operations, each as often as its weight.")
@click.option("--language", type=click.Choice(["all", "en", "zh"]), help="Only seed tasks in this language.")
@click.option("--seed", type=int, help="Which operation each task gets.")
@click.option("--prompts", type=click.Path(file_okay=False), help="A folder with prompt files of your own.")
@model_options
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@click.option("--sample", type=click.IntRange(0), default=0, help="With --dry-run: measure so many evolutions first.")
@json_option
def evolve(folder: Path, operations: str | None, dry_run: bool, sample: int, as_json: bool, **given: Any) -> int:
    """Evolve the seed tasks (Evol-Instruct). Running it again goes on; nothing is asked and paid twice."""
    from studio.cli import evolving
    from studio.errors import UsageError

    if sample and not dry_run:
        raise UsageError("--sample belongs to --dry-run.")
    flags = flags_of("evolve", given)
    if operations is not None:
        flags["evolve"] |= evolving.weights_of(operations)
    if dry_run:
        return with_session(
            folder, lambda session: evolving.foretell(session, sample, as_json), flags, read_only=not sample
        )
    return with_session(folder, lambda session: evolving.run(session, as_json), flags)


@click.command("self-instruct")
@folder_argument
@click.option("--target", type=click.IntRange(1), help="Instructions with an input and output, in all (100).")
@click.option("--limit", type=click.IntRange(0), help="At most so many requests for instructions; 0: no limit.")
@click.option("--variant", type=click.Choice(["paper", "alpaca"]), help="Alpaca: whole tasks, many in one request.")
@click.option("--language", type=click.Choice(["auto", "en", "zh"]), help="Auto: that of most seed tasks.")
@click.option("--seed", type=int, help="Which tasks each request shows.")
@click.option("--prompts", type=click.Path(file_okay=False), help="A folder with prompt files of your own.")
@model_options
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@json_option
def self_instruct(folder: Path, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Make new tasks like the seed tasks (Self-Instruct). Running it again goes on; nothing is asked and paid twice."""
    from studio.cli import instructing

    flags = flags_of("self_instruct", given)
    if dry_run:
        return with_session(folder, lambda session: instructing.foretell(session, as_json), flags, read_only=True)
    return with_session(folder, lambda session: instructing.run(session, as_json), flags)


@click.command()
@folder_argument
@click.option("--task", type=click.Choice(["kv", "documents"]), help="A value by its key, or a question to documents.")
@click.option("--keys", type=click.IntRange(3, 10_000), help="Pairs of the kv task (75; for a small model 25).")
@click.option("--documents", type=click.IntRange(3, 500), help="Documents of the other task (10).")
@click.option("--positions", type=click.IntRange(3, 100), help="Positions of the answer, from head to tail (5).")
@click.option("--samples", type=click.IntRange(1, 10_000), help="Questions at each position (20).")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Of prompts and documents (en).")
@click.option("--seed", type=int, help="Which questions.")
@click.option("--context", type=click.IntRange(0), help="Tokens the model holds, if you know; 0: it will say.")
@click.option("--thinking-room", type=click.IntRange(0), help="Tokens more for a model that thinks before it answers.")
@click.option("--prompts", type=click.Path(file_okay=False), help="A folder with prompt files of your own.")
@endpoint_options
@click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
@json_option
def probe(folder: Path, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Measure how well a model reads head, middle and tail of its input (Lost in the Middle), and draw the curve.

    Running it again shows it again; nothing is asked and paid twice.
    """
    from studio.cli import probing

    flags = flags_of("probe", given)
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
