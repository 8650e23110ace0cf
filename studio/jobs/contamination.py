"""Searching the project's rows for what a benchmark tests with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.curate.contamination import Benchmark, Entry, Hit
from studio.errors import StudioError
from studio.jobs.events import Events, Progressed
from studio.jobs.redundancy_events import BenchmarkRead, ContaminationFound
from studio.store import huggingface, readers
from studio.store.blocks import Block, Broken
from studio.store.filters import Filter
from studio.store.opening import expanded, sizes
from studio.store.reader import Reader
from studio.text.display import ELLIPSIS

CONTAMINATED = "contaminated"
"""The rule by which such rows are rejected."""
_BATCH = 2000
_QUOTED = 80


def find_contamination(store: Reader, paths: Sequence[Path]) -> Events:
    """BenchmarkRead for each file, Progressed, then ContaminationFound over every row that is not rejected.

    paths: of benchmarks, as an import takes them: files, folders, hf:owner/name. Nothing but the texts in their entries
    matters, whatever the columns are called. Raises StudioError when there is no text to search for.
    """
    benchmark, found = Benchmark(), 0
    for name, blocks, size in _sources(paths):
        entries, mute, broken = 0, 0, list[Broken]()
        for block in blocks:
            for number, value in zip(block.numbers, block.values, strict=True):
                if benchmark.add(Entry(name, number), value):
                    entries += 1
                else:
                    mute += 1
            broken += block.broken
            yield Progressed(block.end, size, "bytes of benchmarks read")
        found += entries
        yield BenchmarkRead(name, entries, mute, broken)
    if not found:
        raise StudioError(
            "No entry with text could be read, so nothing was searched.",
            hint="A benchmark is a file of questions: JSON, JSON Lines, CSV, Parquet, or text with one a line.",
        )
    ids = store.rows.ids(Filter(statuses=("pending", "accepted")))
    hits: list[Hit] = []
    for begin in range(0, len(ids), _BATCH):
        rows = store.rows.page(ids[begin : begin + _BATCH])
        hits += benchmark.overlaps((stored.id, stored.row) for stored in rows)
        yield Progressed(min(begin + _BATCH, len(ids)), len(ids), "rows searched")
    yield ContaminationFound(hits, len(ids))


def evidence(hits: Sequence[Hit]) -> str:
    """Why a row is contaminated, in words: its longest stretch, and how many more there are."""
    hit = hits[0]
    fields = " and ".join(place.field for place in hit.places)
    quoted = " ".join(hit.text.split())
    if len(quoted) > _QUOTED:
        quoted = quoted[:_QUOTED] + ELLIPSIS
    more = f", and {len(hits) - 1} more" if len(hits) > 1 else ""
    return f"{fields}: {hit.tokens} tokens of {hit.entry.file}, entry {hit.entry.number}{more}: {quoted}"


def _sources(paths: Sequence[Path]) -> Iterator[tuple[str, Iterator[Block], int]]:
    """Name, blocks and bytes (0 where unknown) of each benchmark. Files of one name are told apart by their folder."""
    files = expanded(path for path in paths if not huggingface.is_hub_name(path))
    names = [path.name for path in files]
    for path in files:
        name = path.name if names.count(path.name) == 1 else str(path)
        # What is not there, the reader says best.
        yield name, readers.read(path), sizes([path] if path.is_file() else [])
    for path in filter(huggingface.is_hub_name, paths):
        for split in huggingface.splits(str(path)):
            yield split.name, split.blocks(), 0
