"""What dataset_info.json says of a dataset file, and what it should say where it does not name the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca import dataset_info
from studio.alpaca.columns import Guess, guess_type
from studio.alpaca.entries import mapped_columns
from studio.alpaca.rows import COLUMNS, RowType
from studio.alpaca.traps import Trap
from studio.errors import UsageError

_USUAL = {"prompt": "instruction", "query": "input", "response": "output"}


def entries_of(path: Path) -> tuple[dict[str, dict[str, Any]], list[Trap]]:
    """The entries of the dataset_info.json beside the file that name it, and what is wrong with that file itself."""
    info = path.parent / dataset_info.FILE_NAME
    if not info.is_file():
        return {}, []
    try:
        named = orjson.loads(info.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        said = f"{dataset_info.FILE_NAME} beside it cannot be read: {error}"
        return {}, [Trap("entry-file", "aborts", said, "Mend it; the trainer reads it first.")]
    entries = named.items() if isinstance(named, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict) and _names(entry, path)}, []


def _names(entry: Mapping[str, Any], path: Path) -> bool:
    file = entry.get("file_name")
    return isinstance(file, str) and (path.parent / file).resolve() == path.resolve()


def guess_of(path: Path, objects: list[Any], type: RowType | None, entry: Mapping[str, Any] | None) -> Guess:
    """What the file holds, told from some of its objects under the names its entry gives them.

    Raises UsageError when neither tells; a file without a readable object counts as sft.
    """
    guess = guess_type(objects, _sources(entry) if entry else None)
    if type is not None:
        return guess._replace(type=type, why=f"you said {type}")
    if guess.type is None and entry:
        return guess._replace(type=_type_of(entry), why="its entry in dataset_info.json")
    if guess.type is None and not objects:
        return guess._replace(type="sft", why="no readable row")
    if guess.type is None:
        raise UsageError(f"{path}: {guess.why}", hint="Say what it is: --type pretrain|sft|preference|multimodal|kto")
    return guess


def _sources(entry: Mapping[str, Any]) -> dict[str, str]:
    """What the file calls columns of ours by its entry, where it calls them otherwise."""
    roles = mapped_columns(entry)
    if entry.get("formatting", "alpaca") != "alpaca" or roles == {"prompt": "text"}:
        return {}
    ours = {_USUAL.get(role, role): column for role, column in roles.items()}
    return {target: column for target, column in ours.items() if column != target}


def _type_of(entry: Mapping[str, Any]) -> RowType:
    roles = mapped_columns(entry)
    if entry.get("ranking"):
        return "preference"
    if "kto_tag" in roles:
        return "kto"
    if {"images", "videos", "audios"} & roles.keys():
        return "multimodal"
    return "sft" if {"response", "messages"} & roles.keys() else "pretrain"


def usual_entry(path: Path, guess: Guess, columns: Collection[str] | None = None) -> dict[str, Any]:
    """The entry such a file should have. columns: those it has; None: any of the type's."""
    assert guess.type is not None
    shape = guess.shape if guess.shape in ("sharegpt", "openai") else "alpaca"
    known = COLUMNS[guess.type]
    called = {name: guess.sources.get(name, name) for name in known}
    # In conversations the turns hold what alpaca has columns for, but for these.
    there = [name for name in known if columns is None or called[name] in columns]
    entry = dataset_info.entry(guess.type, path.name, there, shape)
    if shape == "alpaca":
        entry["columns"] = {role: called.get(column, column) for role, column in entry["columns"].items()}
    return entry
