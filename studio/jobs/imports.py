"""Import: files in, typed rows out; what cannot be read comes out with its place and cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from studio.alpaca import conversations
from studio.alpaca import rows as alpaca
from studio.alpaca.columns import Guess, guess_type
from studio.alpaca.rows import TYPES, Row, RowError, RowType
from studio.errors import UsageError
from studio.jobs.events import Events, FileOpened, RowsRead
from studio.store import readers
from studio.store.blocks import PLAIN, Block, Broken, Decoder, locate
from studio.store.opening import expanded, sizes
from studio.store.rows import Imported

_SAMPLED = 100
# What msgspec raises for text that is no row, no UTF-8, or nested without end.
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def import_files(paths: Sequence[Path], type: RowType | None = None, *, seed: bool = False) -> Events:
    """FileOpened and then RowsRead for each file; rows are read a block at a time.

    A folder stands for the dataset files below it. type None: told from the columns. seed: the rows shall be
    seed tasks. Raises UsageError, before anything is read for good, when the columns do not tell or the rows
    cannot be seeds.
    """
    paths = expanded(paths)
    guesses = [understand(path, type) for path in paths]
    for path, guess in zip(paths, guesses, strict=True):
        if seed and guess.type != "sft":
            raise UsageError(
                f"{path} holds {guess.type} rows ({guess.why}), and seed tasks are instructions.",
                hint="Import it without --seed, or say --type sft.",
            )
    for path, guess in zip(paths, guesses, strict=True):
        assert guess.type is not None
        yield FileOpened(str(path), guess.type, guess.why, sizes([path]))
        for block in readers.read(path, _decoder(guess)):
            yield _typed(block, guess, path.name)


def understand(path: Path, type: RowType | None) -> Guess:
    """What the file holds, told from the objects of its first block."""
    first = next(readers.read(path), Block([], [], 0))
    objects = [value for _, _, value in first.read[:_SAMPLED] if isinstance(value, dict)]
    columns = {name for one in objects for name in one}
    guess = guess_type(columns, objects[0] if objects else None)
    if type is not None:
        return Guess(type, f"you said {type}", guess.shape)
    if guess.type is None:
        if not objects:
            # An empty or wholly broken file: its errors are what there is to report.
            return Guess("sft", "no readable row")
        raise UsageError(f"{path}: {guess.why}", hint="Say what it is: --type pretrain|sft|preference|multimodal|kto")
    return guess


def _decoder(guess: Guess) -> Decoder:
    """Straight from JSON to typed rows where the file is alpaca; what that refuses comes as dicts."""
    if guess.shape != "alpaca" or guess.type is None:
        return PLAIN
    return Decoder(alpaca.one_decoder(guess.type), alpaca.array_decoder(guess.type), _REFUSALS)


def _typed(block: Block, guess: Guess, name: str) -> RowsRead:
    rows: list[Imported] = []
    refused: dict[int, RowError] = {}
    unused: Counter[str] = Counter()
    encode = alpaca.encode
    assert guess.type is not None
    kind = TYPES[guess.type]
    for index, (number, offset, value) in enumerate(block.read):
        if type(value) is kind:
            rows.append((encode(value), number, offset, None))
            continue
        try:
            row, extras = _row(value, guess)
            unused.update(extras.keys())
            rows.append((encode(row), number, offset, _written(extras) if extras else None))
        except RowError as error:
            refused[index] = error
    places = zip(refused.items(), locate(block, refused), strict=True)
    wrong = [Broken(name, *place, str(error), _raw(block.read[at][2])) for (at, error), place in places]
    broken = sorted(block.broken + wrong, key=lambda one: one.offset)
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


def _row(value: Any, guess: Guess) -> tuple[Row, dict[str, Any]]:
    assert guess.type is not None
    if guess.shape == "alpaca" or not isinstance(value, dict):
        return alpaca.parse(guess.type, value)
    type, fields = conversations.convert(value)
    if type != guess.type:
        raise RowError("", f"a {type} row in a file of {guess.type} rows", hint="Import it from a file of its own.")
    return alpaca.parse(type, fields)
