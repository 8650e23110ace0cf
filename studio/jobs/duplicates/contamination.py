"""Searching the project's rows for what a benchmark tests with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from studio.curate.duplicates.compared import BYS, compared
from studio.curate.duplicates.finding import Pairs, Texts
from studio.curate.selecting.contamination import Benchmark, Entry, Hit, NearHit, texts_of
from studio.errors import StudioError
from studio.jobs.duplicates.redundancy_events import BenchmarkRead, ContaminationFound
from studio.jobs.events import Event, Events, Progressed
from studio.store.files import huggingface, readers
from studio.store.files.blocks import Block, Broken
from studio.store.files.opening import expanded, sizes
from studio.store.filters import Filter
from studio.store.reader import Reader
from studio.text.display import ELLIPSIS
from studio.text.tokens import units

CONTAMINATED = "contaminated"
"""The rule by which such rows are rejected."""
THRESHOLD = 0.75
"""The overlap from which on a row is a near-duplicate of an entry."""
_LEAST = 5
"""Tokens: shorter texts are answers such as "yes" or "B", not tasks."""
_BATCH = 2000
_QUOTED = 80


def find_contamination(store: Reader, paths: Sequence[Path]) -> Events:
    """BenchmarkRead for each file, Progressed, then ContaminationFound over every row that is not rejected.

    paths: of benchmarks, as an import takes them: files, folders, hf:owner/name. Nothing but the texts in their entries
    matters, whatever the columns are called. Raises StudioError when there is no text to search for.
    """
    benchmark, found = Benchmark(), 0
    texts: list[tuple[Entry, str, str]] = []
    for name, blocks, size in _sources(paths):
        entries, mute, broken = 0, 0, list[Broken]()
        for block in blocks:
            for number, value in zip(block.numbers, block.values, strict=True):
                if benchmark.add(Entry(name, number), value):
                    entries += 1
                    texts += ((Entry(name, number), path, text) for path, text in texts_of(value))
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
    prompts: list[str] = []
    for begin in range(0, len(ids), _BATCH):
        rows = store.rows.page(ids[begin : begin + _BATCH])
        hits += benchmark.overlaps((stored.id, stored.row) for stored in rows)
        prompts += (compared(stored.row, "prompt").whole for stored in rows)
        yield Progressed(min(begin + _BATCH, len(ids)), len(ids), "rows searched")
    known = {hit.row for hit in hits if not hit.common}
    near = yield from _near(ids, prompts, texts, known)
    naming = {row: hit for row, hit in near.items() if not hit.common}
    yield ContaminationFound(hits, len(ids), naming, {row: hit for row, hit in near.items() if hit.common})


def _near(
    ids: Sequence[int], prompts: list[str], texts: Sequence[tuple[Entry, str, str]], known: Collection[int]
) -> Generator[Event, None, dict[int, NearHit]]:
    """The rows near a text of the benchmark, each with its nearest text and the number of texts it is near. known: rows
    to leave out, because they hold a stretch of the benchmark.
    """
    asked = [one for one in texts if units(one[2]) >= _LEAST]
    searching = Texts([*prompts, *(text for _, _, text in asked)]).near_entries(len(ids), THRESHOLD)
    while True:
        try:
            yield Progressed(int(next(searching) * len(ids)), len(ids), "rows compared with entries")
        except StopIteration as end:
            pairs: Pairs = end.value
            break
    # Of equal texts, only the first is in pairs with other texts; the rest are in an exact pair with the first.
    equal: defaultdict[int, list[int]] = defaultdict(list)
    columns = list(
        zip(pairs.left.tolist(), pairs.right.tolist(), pairs.by.tolist(), pairs.scores.tolist(), strict=True)
    )
    for left, right, by, _ in columns:
        if BYS[by] == "exact":
            equal[left].append(right)
    found: dict[int, NearHit] = {}
    near: Counter[int] = Counter()

    def note(some: Iterable[int], others: Sequence[int], score: float) -> None:
        entries = [other - len(ids) for other in others if other >= len(ids)]
        for place in some:
            if place < len(ids) and entries and ids[place] not in known:
                row, (entry, path, _) = ids[place], asked[entries[0]]
                near[row] += 1
                if row not in found or score > found[row].score:
                    found[row] = NearHit(row, entry, path, score)

    for first, others in equal.items():
        note([first, *others], [first, *others], 1.0)
    for left, right, by, score in columns:
        if BYS[by] != "exact":
            one, other = [left, *equal.get(left, ())], [right, *equal.get(right, ())]
            note(one, other, score)
            note(other, one, score)
    return {row: msgspec.structs.replace(hit, texts=near[row]) for row, hit in sorted(found.items())}


def evidence(hits: Sequence[Hit]) -> str:
    """Why a row is contaminated, in words: its longest stretch, and how many more there are."""
    hit = hits[0]
    fields = " and ".join(place.field for place in hit.places)
    quoted = " ".join(hit.text.split())
    if len(quoted) > _QUOTED:
        quoted = quoted[:_QUOTED] + ELLIPSIS
    more = f", and {len(hits) - 1} more" if len(hits) > 1 else ""
    return f"{fields}: {hit.tokens} tokens of {hit.entry.file}, entry {hit.entry.number}{more}: {quoted}"


def near_evidence(hit: NearHit) -> str:
    """Why a row is contaminated that holds no stretch of a benchmark."""
    return f"prompt: overlap {hit.score:.2f} with {hit.entry.file}, entry {hit.entry.number}"


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
