"""`studio`: the commands and their options. Each imports what it needs when it runs, so --help is quick.

Commands that open the screens return an Opening; __main__ opens them, because no front end knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from studio import __version__
from studio.cli.calls import closing as _closing
from studio.cli.calls import folder_argument as _folder
from studio.cli.calls import json_option as _json
from studio.cli.calls import run as _run
from studio.cli.calls import with_session as _with_session
from studio.cli.choosing import COMMANDS as CHOOSING
from studio.cli.methods import COMMANDS as METHODS
from studio.cli.methods import installed
from studio.cli.options import Command, flags_of, option, options
from studio.cli.placing import place
from studio.cli.provenance import COMMANDS as PROVENANCE
from studio.cli.seeds import seeds

if TYPE_CHECKING:
    from studio.alpaca.rows import RowType
    from studio.session import Session

TYPES = ("pretrain", "sft", "preference", "multimodal", "kto")
STAGES = ("pt", "sft", "rm", "kto")
DONE, PROBLEMS, WRONG_USE = 0, 1, 2


class Opening(NamedTuple):
    """Open the screens on this project; greeting is shown there first."""

    folder: Path
    flags: dict[str, dict[str, Any]]
    read_only: bool = False
    greeting: str = ""


class _Studio(click.Group):
    """The commands, and those of methods that installed packages bring."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or installed(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self.names

    @property
    def names(self) -> list[str]:
        """Every command there is."""
        from studio.methods import registry

        shipped = {entry.name for entry in registry.SHIPPED}
        return sorted({*self.commands, *(name for name in registry.entries() if name not in shipped)})


@click.group(
    cls=_Studio,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="studio DIR opens the screens on a project folder. Exit code: 0 done, 1 found problems, 2 wrong use.",
)
@click.version_option(__version__, prog_name="studio")
def cli() -> None:
    """Make LLM fine-tuning datasets: seeds, Evol-Instruct, dedup, positions, checks, export for LLaMA-Factory."""


@cli.command("open", cls=Command)
@_folder
@options("screen", "theme", "mouse", "color")
@click.option("--read-only", is_flag=True, help="Look, change nothing.")
def open_screens(folder: Path, read_only: bool, **given: Any) -> Opening:
    """Open the screens; a folder that does not exist becomes a new project."""
    from studio.store.project import create, is_project

    if not is_project(folder) and (not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))):
        create(folder)
        greeting = f"There was nothing at {folder}: a new project has been made there."
    else:
        greeting = ""
    return Opening(folder, flags_of(given), read_only, greeting)


@cli.command()
@_folder
@click.option("--name", default="", help="What the project is called; the folder's name otherwise.")
def new(folder: Path, name: str) -> int:
    """Make a project folder."""
    from studio.cli.output import tell
    from studio.store.project import create

    create(folder, name)
    tell(f"made {folder}: open it with `studio {folder}`, or `studio import {folder} FILE... --seed`")
    return DONE


@cli.command("import")
@_folder
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--type", "type_", type=click.Choice(TYPES), help="The dataset type; told from the columns otherwise.")
@click.option("--map", "maps", multiple=True, metavar="OURS=THEIRS", help="Read a column under another name.")
@click.option("--seed", is_flag=True, help="The rows are seed tasks: the pool that evolves.")
@_json
def import_(
    folder: Path, files: Sequence[Path], type_: RowType | None, maps: Sequence[str], seed: bool, as_json: bool
) -> int:
    """Bring dataset files in: also folders of them, and datasets of the Hugging Face Hub by their name,
    hf:owner/name[:config][@split]. What cannot be read is reported, kept in a side file, and costs nothing else.

    Columns with usual names (question, answer, 问题, 回答 ...) are recognised; --map instruction=topic names others.
    """
    from studio.alpaca.columns import parse_mapping
    from studio.cli.files.importing import check_places, run

    check_places(folder, files)
    columns = parse_mapping(maps)
    return _with_session(folder, lambda session: run(session, files, type_, columns, seed, as_json))


def _keeping(rules: tuple[str, ...]) -> tuple[str, ...]:
    return ("none", *(f"keep-{rule}" if rule == "first" else rule for rule in rules))


@cli.command(cls=Command)
@_folder
@options("dedup", "method", "field", "threshold")
@option("dedup", "keep", "--apply", choices=_keeping, default="none", show_default=True)
@click.option(
    "--pairs", default="", metavar="FILE", help="Write every pair and its evidence, JSON Lines; -: on stdout."
)
@click.option(
    "--against", multiple=True, metavar="FILE", help="Instead, find rows that overlap these benchmarks (decontaminate)."
)
@_json
def dedup(folder: Path, apply: str, pairs: str, against: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Find duplicates; with --apply all but one row of each cluster are rejected (one undoable step).

    overlap: words in common, rare ones count more, so that templates are no duplicates. exact: the same words. rouge-l:
    the order of words, as Self-Instruct filters. minhash: as overlap, most pairs of very large sets.
    """
    from studio.cli.deduplicating import chosen_by, run
    from studio.errors import UsageError

    flags = flags_of(given)["dedup"]
    keep: Any = None if apply == "none" else apply.removeprefix("keep-")
    if against:
        others = [f"--{name}" for name, value in {**flags, "pairs": pairs or None}.items() if value is not None]
        if others:
            raise UsageError(
                f"With --against, {' and '.join(others)} would change nothing.",
                hint="Rows are held against benchmarks in one way: see studio decontaminate --help.",
            )
        from studio.cli.choices import run_decontaminate
        from studio.cli.files.importing import check_places

        files = [Path(name) for name in against]
        check_places(folder, files, "dedup")
        return _with_session(folder, lambda session: run_decontaminate(session, files, keep is not None, as_json))
    if pairs == "-" and as_json:
        raise UsageError("--pairs - and --json both write to stdout.", hint="--json lists the pairs as well.")
    if keep:
        flags["keep"] = keep
    return _with_session(folder, lambda session: run(session, chosen_by(session, flags), keep, pairs, as_json))


@cli.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--type", "type_", type=click.Choice(TYPES), help="A file's dataset type; of a project, only its rows.")
@click.option("--stage", type=click.Choice(STAGES), help="For a file: what it trains; told from its type otherwise.")
@click.option("--fix", "fixes", multiple=True, metavar="CODE", help="A code whose rows to mend, or all.")
@click.option("--dry-run", is_flag=True, help="With --fix: show what would change.")
@click.option("--rules", is_flag=True, help="List the checks: code, severity, whether --fix mends it, meaning.")
@_json
def check(
    path: Path | None,
    type_: RowType | None,
    stage: Any,
    fixes: tuple[str, ...],
    dry_run: bool,
    rules: bool,
    as_json: bool,
) -> int:
    """Check a project folder, or a dataset file as the trainer would read it."""
    from studio.cli.files import checking, mending
    from studio.errors import UsageError
    from studio.session import Session

    if rules:
        return checking.show_rules(checking.inspection_of(path), as_json)
    if path is None:
        raise UsageError("What shall be checked?", hint="studio check DIR, or studio check FILE")
    if dry_run and not fixes:
        raise UsageError("--dry-run shows what --fix would change.", hint="studio check DIR --fix all --dry-run")
    if path.is_file():
        if fixes:
            raise UsageError(
                f"{path} is a file, and fixes are made in a project, where they can be undone.",
                hint=f"studio import DIR {path}, then studio check DIR --fix {' --fix '.join(fixes)}",
            )
        return checking.run_file(path, type_, stage, as_json)
    if fixes:
        mending.fixes_of(fixes)
        session = Session.open(path, must_write=not dry_run)
        return _run(_closing(session, lambda open_: mending.run(open_, fixes, dry_run, as_json)))
    return _run(_closing(Session.open(path), lambda session: checking.run_project(session, type_, as_json)))


@cli.command(cls=Command)
@_folder
@click.option("--name", default="", help="A named export, [exports.NAME] in studio.toml; flags win over it.")
@option("export", "out", type=click.Path(path_type=Path, file_okay=False))
@option("export", "types", "--type", choices=lambda types: ("all", *types))
@option("export", "statuses", "--status")
@option("export", "tags", "--tag")
@option("export", "methods", "--method")
@options("export", "min_score", "format", "file", "split", "seed")
@click.option("--strict", is_flag=True, help="Refuse the export if one row would be held back.")
@click.option(
    "--dry-run", is_flag=True, help="Only say what would be written: rows, tokens, lengths, what is held back."
)
@click.option("--push", default="", metavar="REPO", help="Send it to the Hugging Face Hub; the token is in HF_TOKEN.")
@click.option("--private", is_flag=True, help="If the Hub has no such repository yet, make a private one.")
@_json
def export(folder: Path, name: str, out: Path | None, as_json: bool, **given: Any) -> int:
    """Write dataset files and dataset_info.json that LLaMA-Factory loads without dropping a row.

    Beside them: media, training configs, a card with figures, a manifest. Files of others in the folder stay.
    """
    from studio.cli.files.exporting import Asked, chosen_by, run
    from studio.session import Session

    asked = Asked(name, **{key: given.pop(key) for key in ("strict", "dry_run", "push", "private")})
    flags = flags_of(given)["export"]
    flags["types"] = TYPES if "all" in flags["types"] else tuple(dict.fromkeys(flags["types"]))
    session = Session.open(folder)
    return _run(_closing(session, lambda open_: run(open_, out, chosen_by(open_, name, flags), asked, as_json)))


@cli.command()
@_folder
@_json
def stats(folder: Path, as_json: bool) -> int:
    """Counts by type and status."""
    from studio.cli.reports import show_stats
    from studio.session import Session

    async def show(session: Session) -> int:
        return show_stats(session, as_json)

    return _run(_closing(Session.open(folder, read_only=True), show))


@cli.command()
@_json
def doctor(as_json: bool) -> int:
    """What this terminal, this machine and the models can do."""
    from studio.cli.doctor import run

    return run(as_json)


@cli.command()
@click.argument("words", metavar="[TEXT]", nargs=-1)
@_json
def explain(words: tuple[str, ...], as_json: bool) -> int:
    """Explain what the trainer said: the text of its error, or its log on standard input."""
    from studio.cli.files.explaining import run

    return run(" ".join(words), as_json)


@cli.group()
def model() -> None:
    """The embedded model."""


@model.command()
def fetch() -> int:
    """Download the weights (93 MB, once) and verify them."""
    from studio.cli.weights import fetch_weights

    fetch_weights()
    return DONE


@cli.command()
@click.argument("folder", metavar="[DIR]", default="studio-demo", type=click.Path(path_type=Path))
def demo(folder: Path) -> Opening | int:
    """Open a demo project made from the sample data; without a terminal, run its whole tour headless."""
    from studio.cli.demo import prepare, tour, watched

    prepare(folder)
    return Opening(folder, {}) if watched() else tour(folder)


for command in (seeds, place, *CHOOSING, *METHODS, *PROVENANCE):
    cli.add_command(command)
