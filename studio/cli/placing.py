"""The command `studio place`: its options. What it does is in `cli.placement_run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.calls import Amount, folder_argument, json_option, with_session

# As settings.Strategy and settings.Question have them, which take longer to import than --help may.
STRATEGIES = ("head", "middle", "tail", "edges", "balanced", "shuffle", "inverse", "original")
QUESTIONS = ("as-is", "before", "after", "both")

_OWN = ("strategy", "seed", "sure", "variants", "distractors", "question", "locate_first", "concurrency", "pattern")
_MODEL = ("base_url", "model", "profile", "rpm", "tpm")


@click.command()
@folder_argument
@click.option("--strategy", type=click.Choice(STRATEGIES), help="Where gold segments go (balanced).")
@click.option("--seed", type=int, help="Makes the placement repeatable (42).")
@click.option("--row", "rows", type=int, multiple=True, help="Only this row; may be given several times.")
@click.option("--variants", type=click.IntRange(0), help="Leave the rows, and make so many others of each, pending.")
@click.option("--distractors", type=click.IntRange(0), help="Put so many segments of other rows into each.")
@click.option("--question", type=click.Choice(QUESTIONS), help="Where the question stands to the segments.")
@click.option("--locate-first/--no-locate-first", default=None, help="The output first names the segment.")
@click.option("--weights", metavar="W,...", help="Ten numbers for inverse: how often each tenth is wanted.")
@click.option("--sure", type=Amount(0, 1), help="Confidence from which on gold counts as known (0.6).")
@click.option("--pattern", help="A regular expression that tells segments.")
@click.option("--judge", is_flag=True, help="Ask a model first, where no rule is sure.")
@click.option("--concurrency", type=click.IntRange(1, 1024), help="Requests to the judge in flight.")
@click.option("--base-url", help="The judge's OpenAI-compatible endpoint; the embedded model otherwise.")
@click.option("--model", help="The judge's name at that endpoint.")
@click.option("--profile", type=click.Choice(["auto", "standard", "small"]), help="Prompts for which kind of model.")
@click.option("--rpm", type=click.IntRange(0), help="Requests a minute at most; 0: no limit.")
@click.option("--tpm", type=click.IntRange(0), help="Tokens a minute at most; 0: no limit.")
@click.option("--budget-usd", type=Amount(0), help="The judge stops when so many dollars are spent.")
@click.option("--budget-tokens", type=click.IntRange(0), help="The judge stops when so many tokens are used.")
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
    flags: dict[str, dict[str, Any]] = {
        "position": {name: given[name] for name in _OWN},
        "model": {name: given[name] for name in _MODEL},
        "budget": {"usd": given["budget_usd"], "tokens": given["budget_tokens"]},
    }
    if weights is not None:
        flags["position"]["weights"] = placement_run.weights_of(weights)
    only = rows or None
    if dry_run:
        return with_session(folder, lambda session: placement_run.foretell(session, only), flags, read_only=True)
    return with_session(folder, lambda session: placement_run.run(session, only, as_json, judge=judge), flags)
