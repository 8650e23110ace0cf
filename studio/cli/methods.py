"""The commands that run methods: each derives from its method, and all have the same options about models and budget.

Those of the studio's own methods say which settings are worth an option; a method of an installed package has one for
each of its settings, and is found when somebody calls it by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.calls import folder_argument, json_option, with_session
from studio.cli.options import Command, Decorator, flags_of, option, options, together

if TYPE_CHECKING:
    from msgspec import Struct

budget_options = together(option("budget", "usd", "--budget-usd"), option("budget", "tokens", "--budget-tokens"))
_AGAIN = "Running it again goes on; nothing is asked and paid twice."

Typed = Callable[[dict[str, Any], dict[str, dict[str, Any]]], None]
"""Takes what an option of the command's own was given, and writes it into the settings."""


def endpoint_options(section: str, kind: type[Struct] | None = None) -> Decorator:
    """The options about the model, limits and budget that every generating command has. section: its own; kind: what
    declares it, if it is none of the house's.
    """
    return together(
        option(section, "concurrency", kind=kind),
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


def command(method: str, name: str, does: str, chosen: Decorator, typed: Typed | None = None) -> click.Command:
    """`studio NAME`: runs a method. does: in a sentence. chosen: its options that are settings."""

    @click.command(name, cls=Command, help=f"{does} {_AGAIN}")
    @folder_argument
    @chosen
    @click.option("--dry-run", is_flag=True, help="Say what it would take; nothing is asked.")
    @click.option("--sample", type=click.IntRange(0), default=0, help="With --dry-run: measure so many really, first.")
    @json_option
    def run(folder: Path, dry_run: bool, sample: int, as_json: bool, **given: Any) -> int:
        from studio.cli import running
        from studio.errors import UsageError

        if sample and not dry_run:
            raise UsageError("--sample belongs to --dry-run.")
        flags = flags_of(given)
        if typed is not None:
            typed(given, flags)
        if dry_run:
            return with_session(
                folder,
                lambda session: running.foretell(session, method, sample, as_json),
                flags,
                read_only=not sample,
            )
        return with_session(folder, lambda session: running.run(session, method, as_json), flags)

    return run


def installed(name: str) -> click.Command | None:
    """The command of a method that an installed package brings; None when there is no such method."""
    from studio.methods import registry

    entry = registry.entries().get(name)
    if entry is None or entry in registry.SHIPPED:
        return None
    method = registry.get(name)
    section, kind = method.section, method.settings
    own = [field for field in kind.__struct_fields__ if field != "concurrency"]
    chosen = together(options(section, *own, kind=kind), endpoint_options(section, kind))
    return command(name, name, f"{method.title}: {method.makes}.", chosen)


def _weights(given: dict[str, Any], flags: dict[str, dict[str, Any]]) -> None:
    """--operations as settings: "deepening=2,in_breadth". Raises UsageError for a name or weight that is none."""
    if given["operations"] is None:
        return
    from studio.errors import UsageError
    from studio.methods.evol_instruct.prompts import OPERATIONS

    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in given["operations"].split(","))):
        name, _, weight = part.partition("=")
        if name not in OPERATIONS:
            raise UsageError(f"{name!r} is no operation.", hint=f"Known: {', '.join(OPERATIONS)}.")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            raise UsageError(f"{weight!r} is no weight.", hint="Example: --operations deepening=2,in_breadth") from None
    flags["evolve"] |= {"operations": list(weights), "weights": weights}


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


COMMANDS = (
    command(
        "evol-instruct",
        "evolve",
        "Evolve the seed tasks (Evol-Instruct).",
        together(
            options("evolve", "rounds", "limit", "target"),
            option("evolve", "operations", type=str, multiple=False, metavar="NAME[=WEIGHT],..."),
            options("evolve", "language", "seed", "prompts"),
            model_options("evolve"),
        ),
        _weights,
    ),
    command(
        "self-instruct",
        "self-instruct",
        "Make new tasks like the seed tasks (Self-Instruct).",
        together(
            options("self_instruct", "target", "limit", "variant", "language", "seed", "prompts"),
            model_options("self_instruct"),
        ),
    ),
    probe,
)
