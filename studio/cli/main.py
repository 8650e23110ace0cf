"""`studio`: the commands and their options. Each imports what it needs when it runs, so --help is quick.

Commands that open the screens return an Opening; __main__ opens them, because no front end knows the other.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from studio import __version__

if TYPE_CHECKING:
    from studio.alpaca.rows import RowType
    from studio.session import Session

TYPES = ("pretrain", "sft", "preference", "multimodal", "kto")
STRATEGIES = ("head", "middle", "tail", "edges", "balanced", "shuffle")
DONE, PROBLEMS, WRONG_USE = 0, 1, 2

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class Opening(NamedTuple):
    """Open the screens on this project; greeting is shown there first."""

    folder: Path
    flags: dict[str, dict[str, Any]]
    read_only: bool = False
    greeting: str = ""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="studio DIR opens the screens on a project folder. Exit code: 0 done, 1 found problems, 2 wrong use.",
)
@click.version_option(__version__, prog_name="studio")
def cli() -> None:
    """Make LLM fine-tuning datasets: seeds, Evol-Instruct, dedup, positions, checks, export for LLaMA-Factory."""


@cli.command("open")
@_folder
@click.option("--theme", help="A theme by its name, for this time.")
@click.option("--mouse/--no-mouse", default=None, help="Over SSH a mouse costs traffic; off by default.")
@click.option(
    "--color", type=click.Choice(["auto", "truecolor", "256", "16", "none"]), help="Colours, if guessed wrong."
)
@click.option("--read-only", is_flag=True, help="Look, change nothing.")
def open_screens(folder: Path, theme: str | None, mouse: bool | None, color: str | None, read_only: bool) -> Opening:
    """Open the screens; a folder that does not exist becomes a new project."""
    from studio.store.project import create, is_project

    if not is_project(folder) and (not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))):
        create(folder)
        greeting = f"There was nothing at {folder}: a new project has been made there."
    else:
        greeting = ""
    return Opening(folder, {"screen": {"theme": theme, "mouse": mouse, "color": color}}, read_only, greeting)


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
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--type", "type_", type=click.Choice(TYPES), help="The dataset type; told from the columns otherwise.")
@click.option("--seed", is_flag=True, help="The rows are seed tasks: the pool that evolves.")
@_json
def import_(folder: Path, files: Sequence[Path], type_: RowType | None, seed: bool, as_json: bool) -> int:
    """Bring dataset files in. What cannot be read is reported, kept in a side file, and costs nothing else."""
    from studio.cli.importing import run

    return _with_session(folder, lambda session: run(session, files, type_, seed, as_json))


@cli.command()
@_folder
@click.option("--rounds", type=click.IntRange(1), help="Rounds over the task pool (the paper: 4).")
@click.option("--limit", type=click.IntRange(0), help="At most so many evolutions in all; 0: no limit.")
@click.option("--concurrency", type=click.IntRange(1, 1024), help="Requests in flight.")
@click.option("--seed", type=int, help="Which operation each task gets.")
@click.option("--base-url", help="An OpenAI-compatible endpoint; the embedded model otherwise.")
@click.option("--model", help="The model's name at that endpoint.")
@_json
def evolve(
    folder: Path,
    rounds: int | None,
    limit: int | None,
    concurrency: int | None,
    seed: int | None,
    base_url: str | None,
    model: str | None,
    as_json: bool,
) -> int:
    """Evolve the seed tasks (Evol-Instruct). Running it again goes on; nothing is asked and paid twice."""
    from studio.cli.evolving import run

    flags: dict[str, dict[str, Any]] = {
        "evolve": {"rounds": rounds, "limit": limit, "concurrency": concurrency, "seed": seed},
        "model": {"base_url": base_url, "model": model},
    }
    return _with_session(folder, lambda session: run(session, as_json), flags)


@cli.command()
@_folder
@click.option("--threshold", type=click.FloatRange(0, 1), help="ROUGE-L F above this is a near-duplicate (0.7).")
@click.option("--apply", "apply_", type=click.Choice(["keep-first", "none"]), default="none", show_default=True)
@_json
def dedup(folder: Path, threshold: float | None, apply_: str, as_json: bool) -> int:
    """Find near-duplicates; with --apply keep-first the later row of each pair is rejected (undoable)."""
    from studio.cli.curating import run_dedup

    return _with_session(folder, lambda session: run_dedup(session, threshold, apply_, as_json))


@cli.command()
@_folder
@click.option("--strategy", type=click.Choice(STRATEGIES), help="Where gold segments go (balanced).")
@click.option("--seed", type=int, help="Makes the placement repeatable.")
@_json
def place(folder: Path, strategy: Any, seed: int | None, as_json: bool) -> int:
    """Move the segment that holds the answer to head, middle or tail (one undoable step)."""
    from studio.cli.curating import run_place

    return _with_session(folder, lambda session: run_place(session, strategy, seed, as_json))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--type", "type_", type=click.Choice(TYPES), help="For a file: its dataset type.")
@_json
def check(path: Path, type_: RowType | None, as_json: bool) -> int:
    """Check a project folder, or a dataset file."""
    from studio.cli.checking import run_file, run_project
    from studio.session import Session

    if path.is_file():
        return run_file(path, type_, as_json)
    return _run(_closing(Session.open(path), lambda session: run_project(session, type_, as_json)))


@cli.command()
@_folder
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to write.")
@click.option("--type", "types", multiple=True, type=click.Choice(("all", *TYPES)), help="May be given several times.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(["accepted", "pending"]), help="Only these.")
@click.option("--strict", is_flag=True, help="Refuse the export if one row would be held back.")
@_json
def export(
    folder: Path, out: Path | None, types: tuple[Any, ...], statuses: tuple[str, ...], strict: bool, as_json: bool
) -> int:
    """Write dataset files and dataset_info.json that LLaMA-Factory loads without dropping a row."""
    from studio.cli.exporting import run
    from studio.session import Session

    chosen: tuple[RowType, ...] = tuple(TYPES if not types or "all" in types else dict.fromkeys(types))  # type: ignore[arg-type]
    session = Session.open(folder)
    return _run(
        _closing(
            session, lambda open_: run(open_, out or open_.export_folder, chosen, statuses or None, strict, as_json)
        )
    )


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
    from studio.cli.explaining import run

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


def _with_session(folder: Path, work: Callable[[Session], Any], flags: dict[str, dict[str, Any]] | None = None) -> int:
    """Run work on the project as its one writer."""
    from studio.session import Session

    return _run(_closing(Session.open(folder, flags=flags, must_write=True), work))


def _run(work: Coroutine[Any, Any, int]) -> int:
    # asyncio takes 25 ms to import, which --help need not wait for.
    import asyncio

    return asyncio.run(work)


async def _closing(session: Session, work: Callable[[Session], Any]) -> int:
    from studio.store.database import explaining

    try:
        with explaining(session.folder):
            return int(await work(session))
    finally:
        await session.close()
