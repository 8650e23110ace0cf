"""LLaMA-Factory's converters: what an object becomes before the processors see it.

A model of src/llamafactory/data/converter.py, version 0.9.5, for its three values of `formatting`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import kind


class Abort(Exception):
    """The trainer raises an error at this row."""


class Example(NamedTuple):
    """A converted row: the contents of the prompt's messages, of the responses, and what goes along.

    calls: contents of turns that call functions, which must be JSON.
    """

    prompt: list[Any]
    response: list[Any]
    system: Any
    tools: Any
    media: dict[str, list[Any]]
    calls: list[Any]


class Columns:
    """The row's values by their role in the entry. filled: a key that an object inside a value lacks is null."""

    def __init__(
        self, obj: Mapping[str, Any], names: Mapping[str, Any], present: Collection[str], filled: bool
    ) -> None:
        self._obj = obj
        self._names = names
        self._present = present
        self.filled = filled

    def mapped(self, role: str) -> bool:
        return bool(self._names.get(role))

    def read(self, role: str) -> Any:
        """The value; a role that is not mapped, or mapped to a column the file lacks, is a KeyError there."""
        name = self._names.get(role)
        if name not in self._present:
            missing = f"column {name}, mapped to {role}, is not in the file"
            raise Abort(missing if name else f"the entry maps no column to {role}")
        return self._obj.get(str(name))

    def look_up(self, role: str, default: Any) -> Any:
        """The value as a dict's `get` finds it: a column the file lacks gives the default."""
        name = self._names.get(role)
        return self._obj.get(str(name)) if name in self._present else default

    def if_mapped(self, role: str, default: Any) -> Any:
        return self.read(role) if self.mapped(role) else default


def _alpaca(row: Columns, tags: Mapping[str, Any], ranking: bool) -> Example:
    """AlpacaDatasetConverter, in its order of reading columns."""
    history = row.if_mapped("history", None)
    turns = [text for pair in history for text in _pair(pair)] if isinstance(history, list) else []
    parts = [part for role in ("prompt", "query") if (part := row.if_mapped(role, None))]
    for part in parts:
        if not isinstance(part, str):
            raise Abort(f"the prompt is {kind(part)}, not text")
    response = _response(row, ranking)
    example = Example(
        [*turns, "\n".join(parts)],
        response,
        row.if_mapped("system", ""),
        row.if_mapped("tools", ""),
        _media_of(row),
        [],
    )
    # Arrow stores all contents in one column of one type, and the prompt is text; only null goes with it.
    for text in (*example.prompt, *(response if any(isinstance(text, str) for text in response) else ())):
        if not isinstance(text, str | None):
            raise Abort(f"a turn is {kind(text)}, not text")
    return example


def _pair(value: Any) -> tuple[Any, Any]:
    try:
        question, answer = value
    except (TypeError, ValueError):
        raise Abort("a turn of history is not a pair of question and answer") from None
    return question, answer


def _response(row: Columns, ranking: bool) -> list[Any]:
    if row.mapped("kto_tag") and isinstance(tag := row.read("kto_tag"), bool):
        answer = row.read("response")
        return [answer, ""] if tag else ["", answer]
    if ranking and isinstance(row.read("chosen"), str) and isinstance(row.read("rejected"), str):
        return [row.read("chosen"), row.read("rejected")]
    answer = row.if_mapped("response", None)
    return [answer] if isinstance(answer, str) else []


def _media_of(row: Columns) -> dict[str, list[Any]]:
    return {name: _media(name, row.read(f"{name}s")) for name in MEDIA if row.mapped(f"{name}s")}


def _media(name: str, value: Any) -> list[Any]:
    """The media files of a row: a value on its own, even "", is a list of one."""
    files = value if isinstance(value, list) else [] if value is None else [value]
    if files and isinstance(files[0], str) and not all(isinstance(file, str) for file in files):
        raise Abort(f"{name}s mixes paths with other values")
    return files


_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
_ASKING = ("user_tag", "observation_tag")
_TELLING = ("assistant_tag", "function_tag")


def _sharegpt(row: Columns, tags: Mapping[str, Any], ranking: bool) -> Example:
    """SharegptDatasetConverter: turns out of order make it skip the row, unknown keys stop it."""
    system, turns = _opening(row, tags)
    aligned: list[tuple[str, Any]] = []
    broken = False
    for index, turn in enumerate(turns):
        role = _role(_part(row, turn, tags, "role_tag"), tags, (_ASKING, _TELLING)[index % 2])
        if role is None:
            broken = True
            break
        aligned.append((role, _part(row, turn, tags, "content_tag")))
    tools = row.if_mapped("tools", "")
    return _answered(row, tags, aligned, broken or len(aligned) % 2 != ranking, ranking, system, tools)


def _openai(row: Columns, tags: Mapping[str, Any], ranking: bool) -> Example:
    """OpenAIDatasetConverter: tool_calls become a function turn, the tools' answers in a row become one turn."""
    system, turns = _opening(row, tags, strict=False)
    aligned: list[tuple[str, Any]] = []
    observed: list[Any] = []
    for turn in turns:
        name, content = _part(row, turn, tags, "role_tag"), _part(row, turn, tags, "content_tag")
        role = _role(name, tags, (*_ASKING, *_TELLING, "system_tag"))
        if role in _TELLING and (calls := turn.get("tool_calls")):
            content, role = _calls(calls), "function_tag"
        if role == "observation_tag":
            observed.append(content)
            continue
        if observed:
            if not all(isinstance(one, str) for one in observed):
                raise Abort("the answer of a tool is not text")
            aligned.append(("observation_tag", "\n".join(observed)))
            observed = []
        if role is None:
            raise Abort(f"the role {name!r} has no tag in the entry")
        aligned.append((role, content))
    broken = any(role not in (_ASKING, _TELLING)[index % 2] for index, (role, _) in enumerate(aligned))
    tools = row.look_up("tools", "")
    if isinstance(tools, dict | list):
        tools = json.dumps(tools)
    if system and not isinstance(system, str):
        raise Abort(f"the system prompt is {kind(system)}, not text")
    return _answered(row, tags, aligned, broken or len(aligned) % 2 != ranking, ranking, system, tools)


def _calls(calls: Any) -> str:
    try:
        return json.dumps([call["function"] for call in calls])
    except (KeyError, TypeError):
        raise Abort("tool_calls does not hold objects with a function") from None


def _opening(row: Columns, tags: Mapping[str, Any], *, strict: bool = True) -> tuple[Any, list[Any]]:
    """The system prompt and the turns after it. strict: a mapped system column must be in the file."""
    turns = row.read("messages")
    if turns in ("", {}):
        turns = []
    if not isinstance(turns, list):
        raise Abort(f"the conversation is {kind(turns)}, not a list of turns")
    if turns and tags.get("system_tag") and _part(row, turns[0], tags, "role_tag") == tags["system_tag"]:
        return _part(row, turns[0], tags, "content_tag"), turns[1:]
    return row.if_mapped("system", "") if strict else row.look_up("system", ""), turns


def _part(row: Columns, turn: Any, tags: Mapping[str, Any], tag: str) -> Any:
    key = tags.get(tag)
    if not isinstance(turn, Mapping):
        raise Abort(f"a turn is {kind(turn)}, not an object")
    if key not in turn and not (key and row.filled):
        raise Abort(f'a turn has no "{key}"')
    return turn.get(key)


def _role(name: Any, tags: Mapping[str, Any], accepted: tuple[str, ...]) -> str | None:
    """The role of this name, None unless it is accepted; of several with the same name the last one."""
    if all(tags.get(role) != name for role in accepted):
        return None
    return [role for role in (*_ASKING, *_TELLING, "system_tag") if tags.get(role) == name][-1]


def _answered(
    row: Columns,
    tags: Mapping[str, Any],
    aligned: list[tuple[str, Any]],
    broken: bool,
    ranking: bool,
    system: Any,
    tools: Any,
) -> Example:
    """The end both conversation converters share: which turns are the prompt, which the answers."""
    contents = [content for _, content in aligned]
    calls = [content for role, content in aligned if role == "function_tag"]
    roles = {role for role, _ in aligned}
    prompt, response = contents[:-1], contents[-1:]
    if broken:
        prompt, response, calls, roles = [], [], [], set()
    elif row.mapped("kto_tag") and isinstance(tag := row.read("kto_tag"), bool):
        response = [*response, ""] if tag else ["", *response]
    elif ranking and isinstance(row.read("chosen"), Mapping) and isinstance(row.read("rejected"), Mapping):
        prompt, response = contents, []
        for name in ("chosen", "rejected"):
            answer = row.read(name)
            role = _role(_part(row, answer, tags, "role_tag"), tags, (*_ASKING, *_TELLING, "system_tag"))
            if role is None:
                raise Abort(f"the role of {name} has no tag in the entry")
            roles.add(role)
            response.append(_part(row, answer, tags, "content_tag"))
            calls += [response[-1]] if role == "function_tag" else []
    if "system_tag" in roles:
        raise Abort("a turn counts as a system prompt, which can only come first")
    for content in (*prompt, *response):
        if not isinstance(content, str | None):
            raise Abort(f"a turn is {kind(content)}, not text")
    return Example(prompt, response, system, tools, _media_of(row), calls)


_CONVERTERS: dict[str, Callable[[Columns, Mapping[str, Any], bool], Example]] = {
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "openai": _openai,
}
FORMATTINGS = tuple(_CONVERTERS)
_DEFAULTS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}


def convert(obj: Mapping[str, Any], entry: Mapping[str, Any], present: Collection[str], *, filled: bool) -> Example:
    """The object as the entry's converter sees it; present: all columns of the file. Raises Abort.

    filled: the reader gave every object inside a column the keys of all the others, with null.
    """
    row = Columns(obj, entry.get("columns", _DEFAULTS), present, filled)
    converter = _CONVERTERS[entry.get("formatting", "alpaca")]
    return converter(row, entry.get("tags", _TAGS), bool(entry.get("ranking")))
