"""Import: files in, typed rows out; what cannot be read comes out with its place and cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from studio.alpaca import rows as alpaca
from studio.alpaca.columns import Guess, guess_type, row_of
from studio.alpaca.rows import TYPES, RowError, RowType
from studio.errors import UsageError
from studio.jobs.events import Events, FileOpened, RowsRead
from studio.store.files import huggingface, readers
from studio.store.files.blocks import PLAIN, Block, Broken, Decoder, locate
from studio.store.files.opening import expanded, fingerprint, sizes
from studio.store.rows import Imported

_SAMPLED = 100
# Rows that are handed on at once: each time costs the store a transaction.
_BATCH = 2000
# What msgspec raises for text that is no row, no UTF-8, or nested without end.
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Source(NamedTuple):
    """What is to be read: its whole name and the one in messages, its blocks, and what tells it from others."""

    path: str
    name: str
    blocks: Callable[[Decoder], Iterator[Block]]
    fingerprint: str
    beside: tuple[str, ...] = ()


def import_files(
    paths: Sequence[Path],
    type: RowType | None = None,
    *,
    seed: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Events:
    """FileOpened and then RowsRead for each source; rows are read a block at a time.

    A folder stands for the dataset files below it, hf:owner/name for the splits of a dataset of the Hub.
    type None: told from the columns. columns: for columns of ours, what the files call them. seed: the rows shall be
    seed tasks. Raises UsageError, before anything is read for good, when the columns do not tell or the rows
    cannot be seeds.
    """
    files = expanded(path for path in paths if not huggingface.is_hub_name(path))
    sources = [_file(path) for path in files]
    for path in filter(huggingface.is_hub_name, paths):
        sources += map(_split, huggingface.splits(str(path)))
    guesses = [_understand(source, type, columns or {}) for source in sources]
    for source, guess in zip(sources, guesses, strict=True):
        if seed and guess.type != "sft":
            raise UsageError(
                f"{source.path} holds {guess.type} rows ({guess.why}), and seed tasks are instructions.",
                hint="Import it without --seed, or say --type sft.",
            )
    total = sizes(files) if len(files) == len(sources) else 0
    for source, guess in zip(sources, guesses, strict=True):
        assert guess.type is not None
        yield FileOpened(source.path, guess.type, guess.why, total, source.fingerprint)
        yield from _batches(_typed(block, guess, source.name) for block in source.blocks(_decoder(guess)))


def _file(path: Path) -> _Source:
    known = readers.layout(path)
    beside = known.wrapper.beside if known.wrapper else ()
    return _Source(str(path), path.name, partial(readers.read, path, known=known), fingerprint(path), beside)


def _split(split: huggingface.Split) -> _Source:
    return _Source(split.name, split.name, lambda _: split.blocks(), split.name)


def _understand(source: _Source, type: RowType | None, columns: Mapping[str, str]) -> Guess:
    """What the source holds, told from the objects of its first block."""
    first = next(source.blocks(PLAIN), None)
    objects = [one for one in first.values[:_SAMPLED] if isinstance(one, dict)] if first else []
    guess = guess_type(objects, columns)
    names = {name for one in objects for name in (one["row"] if guess.inside else one)}
    if objects and (absent := sorted(set(columns.values()) - names)):
        listed = ", ".join(sorted(map(str, names))[:20])
        raise UsageError(f"{source.path} has no column {', '.join(absent)}.", hint=f"It has {listed}.")
    if type is not None:
        guess = guess._replace(type=type, why=", ".join([f"you said {type}", *_read_as(guess)]))
    elif guess.type is None:
        if objects:
            types = "--type pretrain|sft|preference|multimodal|kto"
            raise UsageError(
                f"{source.path}: {guess.why}", hint=f"Say what it is: {types}, or --map instruction=COLUMN"
            )
        # An empty or wholly broken file: its errors are what there is to report.
        guess = Guess("sft", "no readable row")
    if source.beside:
        guess = guess._replace(why=f"{guess.why}; left out beside the list of rows: {', '.join(source.beside)}")
    return guess


def _read_as(guess: Guess) -> list[str]:
    return [f"column {source} read as {target}" for target, source in guess.sources.items()]


def _decoder(guess: Guess) -> Decoder:
    """Straight from JSON to typed rows where the file is alpaca; what that refuses comes as dicts."""
    if guess.shape != "alpaca" or guess.type is None or guess.sources or guess.inside:
        return PLAIN
    return Decoder(alpaca.one_decoder(guess.type), alpaca.array_decoder(guess.type), _REFUSALS)


def _batches(events: Iterable[RowsRead]) -> Iterator[RowsRead]:
    """The same rows, more at once."""
    waiting: list[RowsRead] = []
    for event in events:
        waiting.append(event)
        if sum(len(one.rows) + len(one.broken) for one in waiting) >= _BATCH:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(events: Sequence[RowsRead]) -> RowsRead:
    unused: Counter[str] = Counter()
    for event in events:
        unused.update(event.unused)
    rows = [row for event in events for row in event.rows]
    return RowsRead(events[0].type, rows, [one for event in events for one in event.broken], events[-1].done, unused)


def _typed(block: Block, guess: Guess, name: str) -> RowsRead:
    assert guess.type is not None
    encode, kind = alpaca.encode, TYPES[guess.type]
    if block.typed and set(map(type, block.values)) <= {kind}:
        bodies = map(encode, block.values)
        places = zip(block.numbers, block.find_offsets(), strict=True)
        plain: list[Imported] = [(body, *place, None) for body, place in zip(bodies, places, strict=True)]
        return RowsRead(guess.type, plain, list(block.broken), block.end, {})
    rows: list[Imported] = []
    refused: dict[int, RowError] = {}
    unused: Counter[str] = Counter()
    for index, (number, offset, value) in enumerate(block.read):
        try:
            row, extras = (value, {}) if type(value) is kind else row_of(guess, value)
            unused.update(extras.keys())
            rows.append((encode(row), number, offset, _written(extras) if extras else None))
        except RowError as error:
            refused[index] = error
    found = zip(refused.items(), locate(block, refused), strict=True)
    wrong = [Broken(name, *place, str(error), _raw(block.values[at])) for (at, error), place in found]
    broken = sorted([*block.broken, *wrong], key=lambda one: one.offset)
    return RowsRead(guess.type, rows, broken, block.end, dict(unused))


def _written(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except RecursionError:
        raise RowError("", "nested too deeply") from None


def _raw(value: Any) -> bytes:
    try:
        return _written(value)
    except RowError:
        return b""
