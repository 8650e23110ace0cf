"""The commands about choosing rows: `studio redundancy`, `select`, `decontaminate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from studio.cli.calls import folder_argument, json_option, with_session


@click.command()
@folder_argument
@json_option
def redundancy(folder: Path, as_json: bool) -> int:
    """How redundant the rows are, by source and method: compression ratio, rows in clusters of near-duplicates.

    The ratio is that of Entropy Law (arXiv 2407.06645): bytes of the text by its bytes compressed. Of two sets alike in
    size, language and quality the one with the lower ratio teaches more. `studio dedup` finds the near-duplicates.
    """
    from studio.cli.choices import show_redundancy

    return with_session(folder, lambda session: show_redundancy(session, as_json), read_only=True)


@click.command()
@folder_argument
@click.option("--size", type=click.IntRange(1), required=True, metavar="N", help="How many rows to select.")
@click.option(
    "--measure",
    type=click.Choice(["compression", "overlap"]),
    default="compression",
    show_default=True,
    help="compression: what compresses worst together (ZIP). overlap: each time the row farthest from those selected.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Decides between equals, and where to begin.")
@click.option(
    "--type", "type_", type=click.Choice(["pretrain", "sft", "preference", "multimodal", "kto"]), help="Only this type."
)
@click.option(
    "--apply",
    "apply_",
    type=click.Choice(["tag", "reject", "none"]),
    default="tag",
    show_default=True,
    help="tag the selected rows and no others, or reject the others; one undoable step either way.",
)
@click.option("--tag", default="diverse", show_default=True, help="The tag they get.")
@json_option
def select(folder: Path, apply_: Any, type_: Any, as_json: bool, **given: Any) -> int:
    """Select the N rows that say most: a few different rows teach more than many alike ones.

    Then, for example: studio export DIR --tag diverse
    """
    from studio.cli.choices import run_select

    given |= {"apply": apply_, "type": type_}
    return with_session(folder, lambda session: run_select(session, given, as_json), read_only=apply_ == "none")


@click.command()
@folder_argument
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--apply", "apply_", type=click.Choice(["reject", "none"]), default="none", show_default=True)
@json_option
def decontaminate(folder: Path, files: Sequence[Path], apply_: str, as_json: bool) -> int:
    """Find rows that hold what a benchmark tests with: 13 tokens on end in common with one of its entries, or a prompt
    that is a near-duplicate of one.

    FILE is a benchmark as JSON, JSON Lines, CSV, Parquet or text, also compressed, a folder of them, or
    hf:owner/name. With --apply reject the rows are rejected with the evidence (one undoable step). The exit code is 1
    when contaminated rows stay in.
    """
    from studio.cli.choices import run_decontaminate
    from studio.cli.files.importing import check_places

    check_places(folder, files, "decontaminate")
    reject = apply_ == "reject"
    return with_session(
        folder, lambda session: run_decontaminate(session, files, reject, as_json), read_only=not reject
    )


COMMANDS = (redundancy, select, decontaminate)
