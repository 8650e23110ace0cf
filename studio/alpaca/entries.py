"""Mistakes in dataset_info.json that LLaMA-Factory takes without a word, or answers with a riddle.

What each key does follows src/llamafactory/data/{parser,loader}.py, version 0.9.5. Its defaults: without a `columns`
key instruction, input and output are read; with one, every role that is not listed is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from studio.alpaca.column_survey import ARRAY
from studio.alpaca.converters import FORMATTINGS
from studio.alpaca.llamafactory import Stage
from studio.alpaca.traps import Effect, Trap, traps_of_name

_SOURCES = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name", "file_name")
_KEYS = (*_SOURCES, "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags")
_MEDIA = ("images", "videos", "audios")
_ROLES = (
    *("prompt", "query", "response", "history", "messages", "system", "tools"),
    *(*_MEDIA, "chosen", "rejected", "kto_tag"),
)
_TAGS = ("role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag")
_MEANT = {
    "format": "formatting",
    "type": "formatting",
    "file": "file_name",
    "instruction": "prompt",
    "text": "prompt",
    "input": "query",
    "output": "response",
    "conversations": "messages",
    "label": "kto_tag",
    "role": "role_tag",
    "content": "content_tag",
}
"""What people write for a key, where it is not merely misspelt."""
_USUAL = {
    "instruction": "prompt",
    "input": "query",
    "output": "response",
    "conversations": "messages",
    "text": "prompt",
} | {role: role for role in ("history", "messages", "system", "tools", *_MEDIA, "chosen", "rejected", "kto_tag")}
_ALPACA_DEFAULTS = {"prompt": "instruction", "query": "input", "response": "output"}
_TALK_DEFAULTS = {"messages": "conversations"}


def traps_of_entry(
    name: str,
    entry: Mapping[str, Any],
    stage: Stage,
    columns: Collection[str] | None = None,
    keys: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Trap]:
    """What is wrong with one entry of dataset_info.json for a run of this stage.

    columns: the columns of its file; without them nothing is said about what is mapped. keys: those of the objects in
    a column, where they are known.
    """
    if not isinstance(entry, Mapping):
        return [Trap("entry-shape", "aborts", f'the entry "{name}" is not an object', "Write it as an object.")]
    roles = entry.get("columns", {})
    tags = entry.get("tags", {})
    traps = [*_of_name(name), *_of_keys(entry, _KEYS, "")]
    for key, value, known in (("columns", roles, _ROLES), ("tags", tags, _TAGS)):
        if not isinstance(value, Mapping):
            return [*traps, Trap("entry-shape", "aborts", f"{key} is not an object", "Write it as an object.", key)]
        traps += _of_keys(value, known, f"{key}.")
    traps += [*_of_source(entry), *_of_form(entry), *_of_stage(entry, stage)]
    if columns is not None and entry.get("formatting", "alpaca") in FORMATTINGS:
        traps += _of_columns(entry, stage, frozenset(columns))
        traps += _of_turns(entry, keys)
    return traps


def traps_of_types(entry: Mapping[str, Any], stage: Stage, converted: Mapping[str, str]) -> list[Trap]:
    """What a run suffers where the reader converts all texts of a column, such as "2024-01-01" to a date.

    converted: what they become, by column: "date", "number", "truth value".
    """
    talk = entry.get("formatting", "alpaca") != "alpaca"
    traps = []
    for role, column in mapped_columns(entry).items():
        became = converted.get(column)
        if became is None or role in _unread(entry) or (effect := _effect_of_type(role, stage, talk)) is None:
            continue
        if became == "date":
            said, cure = "every text looks like a date, and the reader makes it one", ARRAY
        else:
            said, cure = f"every cell reads as a {became}, and the reader makes it that", "Export as JSON or JSONL."
        traps.append(Trap("dates" if became == "date" else "csv-numbers", effect, said, cure, column))
    return traps


def _effect_of_type(role: str, stage: Stage, talk: bool) -> Effect | None:
    """What a column of this role does when it holds no text: stop the run, lose its rows, or nothing."""
    if role == "response":
        return "loses" if stage == "sft" else "aborts" if stage == "kto" else None
    if role in ("chosen", "rejected"):
        return None if stage != "rm" else "aborts" if talk else "loses"
    if role == "kto_tag" or (stage == "pt" and role in ("system", "tools", *_MEDIA)):
        return None
    return "aborts"


def _of_name(name: str) -> Iterator[Trap]:
    if "," in name:
        said = "the trainer splits the argument `dataset` at commas, so this name cannot be asked for"
        yield Trap("name", "aborts", said, "Give it a name without commas.", name)
    elif name != name.strip() or not name:
        yield Trap("name", "aborts", "the trainer trims names, so this one is never found", "Trim the name.", name)


def _of_keys(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> Iterator[Trap]:
    for key in given:
        if key not in known:
            meant = _MEANT.get(key) if _MEANT.get(key) in known else None
            close = [meant] if meant else get_close_matches(key, known, n=1, cutoff=0.7)
            cure = f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(known)}."
            yield Trap("unknown-key", "loses", f'the trainer ignores the key "{where}{key}"', cure, f"{where}{key}")


def _of_source(entry: Mapping[str, Any]) -> Iterator[Trap]:
    given = [key for key in _SOURCES if key in entry]
    if not given:
        yield Trap("no-source", "aborts", "the entry names no file", "Add file_name.", "file_name")
    elif len(given) > 1 and "file_name" in given and given[0] != "file_name":
        said = f"{given[0]} goes before file_name, which is not read"
        yield Trap("two-sources", "loses", said, "Keep one of them.", "file_name")
    if given != ["file_name"]:
        return
    file_name = str(entry["file_name"])
    # A name without an ending may be a folder.
    if "." in file_name.rpartition("/")[2]:
        yield from (trap._replace(column="file_name") for trap in traps_of_name(file_name))
    if (split := entry.get("split", "train")) != "train":
        said = f'a file has the split "train" only, not "{split}"'
        yield Trap("split", "aborts", said, "Put the split into a file and an entry of its own.", "split")
    if entry.get("num_samples") is not None:
        said = "rows are drawn without a seed, and drawn again and again if the file has fewer"
        yield Trap("num-samples", "harmless", said, "Export the number of rows you want.", "num_samples")


def _of_form(entry: Mapping[str, Any]) -> Iterator[Trap]:
    formatting = entry.get("formatting", "alpaca")
    if formatting not in FORMATTINGS:
        close = get_close_matches(str(formatting).lower(), FORMATTINGS, n=1)
        cure = f'Did you mean "{close[0]}"?' if close else f"Known: {', '.join(FORMATTINGS)}."
        yield Trap("formatting", "aborts", f'the formatting "{formatting}" does not exist', cure, "formatting")
    if not isinstance(ranking := entry.get("ranking", False), bool):
        said = f"ranking is {ranking!r}, which is neither true nor false, and passes for either in places"
        yield Trap("ranking-type", "loses", said, "Write true or false.", "ranking")


def _of_stage(entry: Mapping[str, Any], stage: Stage) -> Iterator[Trap]:
    ranking = entry.get("ranking", False)
    if stage == "rm" and ranking is False:
        said = "reward modelling and DPO need ranking true"
        yield Trap("ranking", "aborts", said, 'Add "ranking": true, if the file has chosen and rejected.', "ranking")
    elif stage != "rm" and ranking is True:
        said = f"stage {stage} refuses a dataset with ranking true"
        yield Trap("ranking", "aborts", said, "Train it in stage rm or dpo, or take ranking away.", "ranking")
    roles = mapped_columns(entry)
    if stage == "kto" and not roles.get("kto_tag"):
        said = "stage kto needs a column mapped to kto_tag; without it all rows are dropped"
        yield Trap("kto-tag", "loses", said, 'Add "kto_tag": "kto_tag" to columns.', "columns.kto_tag")
    if stage == "sft" and entry.get("formatting", "alpaca") == "alpaca" and not roles.get("response"):
        said = "no column is mapped to response: the rows have no answer and all are dropped"
        yield Trap("no-response", "loses", said, "Map response, or train in stage pt.", "columns.response")


def mapped_columns(entry: Mapping[str, Any]) -> dict[str, str]:
    """The column of each role that has one, the trainer's defaults included."""
    talk = entry.get("formatting", "alpaca") != "alpaca"
    roles = entry.get("columns", _TALK_DEFAULTS if talk else _ALPACA_DEFAULTS)
    if not isinstance(roles, Mapping):
        return {}
    return {role: str(column) for role, column in roles.items() if column and role in _ROLES}


def _unread(entry: Mapping[str, Any]) -> set[str]:
    """Roles the entry's converter has no use for, mapped or not."""
    talk = entry.get("formatting", "alpaca") != "alpaca"
    unread = {"prompt", "query", "response", "history"} if talk else {"messages"}
    if not entry.get("ranking"):
        unread |= {"chosen", "rejected"}
    elif not talk and {"chosen", "rejected"} <= mapped_columns(entry).keys():
        unread.add("response")
    return unread


def _of_turns(entry: Mapping[str, Any], keys: Mapping[str, Collection[str]]) -> Iterator[Trap]:
    """Keys that the tags name and no turn of the file has."""
    if entry.get("formatting", "alpaca") == "alpaca":
        return
    tags = entry.get("tags", {"role_tag": "from", "content_tag": "value"})
    for role, column in mapped_columns(entry).items():
        if role in _unread(entry) or role not in ("messages", "chosen", "rejected") or column not in keys:
            continue
        for tag in ("role_tag", "content_tag"):
            key = tags.get(tag)
            if key and key not in keys[column]:
                said = f'no turn in {column} has the key "{key}"'
                cure = f'Write "{tag}" into tags; the keys here are {", ".join(keys[column])}.'
                yield Trap("absent-key", "aborts", said, cure, column)


def _of_columns(entry: Mapping[str, Any], stage: Stage, columns: frozenset[str]) -> Iterator[Trap]:
    roles, unread = mapped_columns(entry), _unread(entry)
    # The converter for openai asks for these two politely.
    spared = {"system", "tools"} if entry.get("formatting") == "openai" else set()
    for role, column in roles.items():
        if role not in unread | spared and column not in columns:
            close = get_close_matches(column, columns, n=1)
            cure = f'Did you mean "{close[0]}"?' if close else f"Map a column that is there, or leave {role} out."
            yield Trap("absent-column", "aborts", f"the column {column}, mapped to {role}, is not there", cure, role)
    taken = set(roles.values())
    for column in sorted(columns - taken):
        meant = _USUAL.get(column)
        if meant is None or meant in roles or meant in unread - {"chosen", "rejected"}:
            continue
        if meant in ("chosen", "rejected", "kto_tag") and stage not in ("rm", "kto"):
            continue
        said = f"the column {column} is in the file and not mapped: the trainer never sees it"
        yield Trap("unmapped-column", "loses", said, f'Add "{meant}": "{column}" to columns.', column)
