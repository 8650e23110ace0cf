"""`studio demo`: a project made from the sample data, and its tour without a terminal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from studio.cli.output import tell
from studio.errors import StudioError
from studio.session import Session
from studio.shipped import folder as shipped
from studio.store.project import create, is_project

_SEEDS = ("seeds_en.jsonl", "seeds_zh.jsonl")
_ROWS = (
    "pretrain.jsonl", "sft.json", "long_context.json", "positions.json", "preference.json", "multimodal.json",
    "kto.jsonl",
)  # fmt: skip
# Few enough evolutions for two cores and a coffee.
_CHOSEN = {"evolve": {"limit": 16, "concurrency": 4}}


def watched() -> bool:
    """Whether a person sits at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def prepare(folder: Path) -> None:
    """Make the demo project if it is not there, and have the weights if they can be had."""
    from studio.cli.weights import fetch_weights

    try:
        fetch_weights()
    except StudioError as error:
        tell(f"{error.message} {error.hint}")
    if not is_project(folder):
        create(folder, "demo", _CHOSEN)
        asyncio.run(_fill(folder))
        tell(f"made the demo project in {folder}")


def tour(folder: Path) -> int:
    """Evolve, deduplicate, place, check and export the demo headless; 0 when every stage did its part."""
    return asyncio.run(_tour(folder))


async def _fill(folder: Path) -> None:
    session = Session.open(folder, must_write=True)
    samples = shipped("sample_data")
    try:
        async for _ in session.files.import_files([samples / name for name in _SEEDS], seed=True):
            pass
        async for _ in session.files.import_files([samples / name for name in _ROWS]):
            pass
    finally:
        await session.close()


async def _tour(folder: Path) -> int:
    from studio.cli import deduplicating, placement_run, running
    from studio.cli.files import checking, exporting

    session = Session.open(folder, must_write=True)
    try:
        tell("1 of 5: evolve")
        failed = await running.run(session, "evol-instruct", as_json=False)
        tell("2 of 5: dedup")
        await deduplicating.run(session, session.settings.dedup, "first", "", as_json=False)
        tell("3 of 5: place")
        await placement_run.run(session, None, as_json=False)
        tell("4 of 5: check (the samples have faults planted in them)")
        await checking.run_project(session, None, as_json=False)
        tell("5 of 5: export (which holds the faulty rows back)")
        await exporting.run(session, None, session.settings.export, exporting.Asked(), as_json=False)
        return failed
    finally:
        await session.close()
