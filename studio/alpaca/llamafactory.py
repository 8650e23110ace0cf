"""What LLaMA-Factory's loader does with one row of an alpaca file: keep it, drop it, or stop the whole run.

A model of src/llamafactory/data/{parser,converter,loader}.py, data/processor/*.py, data/mm_plugin.py and
data/formatter.py, version 0.9.5. It says what the trainer does, not what is wise: an empty prompt is kept.
Media count as read by a multimodal template when the entry maps a media column; files are not opened.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import RowType, kind
from studio.errors import UsageError

Stage = Literal["pt", "sft", "rm", "kto"]

STAGE_OF: dict[RowType, Stage] = {
    "pretrain": "pt",
    "sft": "sft",
    "preference": "rm",
    "multimodal": "sft",
    "kto": "kto",
}


class Verdict(NamedTuple):
    """kept: trained on. dropped: skipped with a warning. aborts: the trainer stops at this row."""

    kind: Literal["kept", "dropped", "aborts"]
    reason: str = ""


class _Abort(Exception):
    """The trainer raises an error at this row."""


class _Example(NamedTuple):
    """A converted row: the contents of the prompt's messages, of the responses, and what goes along."""

    prompt: list[Any]
    response: list[Any]
    system: Any
    tools: Any
    media: dict[str, list[Any]]


_DEFAULTS = {"prompt": "instruction", "query": "input", "response": "output"}


def verdict(
    obj: Mapping[str, Any], entry: Mapping[str, Any], stage: Stage, columns: Collection[str] | None = None
) -> Verdict:
    """What becomes of the row in a run of this stage over a dataset with this dataset_info entry.

    columns: all columns of the file, where a row that lacks one has null; by default the row's own keys.
    Raises UsageError for an entry in another format than alpaca.
    """
    formatting = entry.get("formatting", "alpaca")
    if formatting in ("sharegpt", "openai"):
        raise UsageError(f"The loader model covers alpaca entries; this one is {formatting}.")
    if formatting != "alpaca":
        return Verdict("aborts", f'formatting "{formatting}" does not exist')
    ranking = entry.get("ranking", False)
    # The trainer compares with `is`, so that a ranking of null or "true" passes this gate in every stage.
    if (stage == "rm" and ranking is False) or (stage != "rm" and ranking is True):
        return Verdict("aborts", f"ranking is {str(ranking).lower()}, which stage {stage} refuses")
    names = entry.get("columns", _DEFAULTS)
    try:
        example = _convert(_Columns(obj, names, obj.keys() if columns is None else columns), bool(ranking))
        return _VERDICT_OF[stage](example)
    except _Abort as error:
        return Verdict("aborts", str(error))


class _Columns:
    """The row's values by their role in the entry."""

    def __init__(self, obj: Mapping[str, Any], names: Mapping[str, Any], present: Collection[str]) -> None:
        self._obj = obj
        self._names = names
        self._present = present

    def mapped(self, role: str) -> bool:
        return bool(self._names.get(role))

    def read(self, role: str) -> Any:
        """The value; a role that is not mapped, or mapped to a column the file lacks, is a KeyError there."""
        name = self._names.get(role)
        if name not in self._present:
            missing = f"column {name}, mapped to {role}, is not in the file"
            raise _Abort(missing if name else f"the entry maps no column to {role}")
        return self._obj.get(str(name))

    def if_mapped(self, role: str, default: Any) -> Any:
        return self.read(role) if self.mapped(role) else default


def _convert(row: _Columns, ranking: bool) -> _Example:
    """AlpacaDatasetConverter, in its order of reading columns."""
    history = row.if_mapped("history", None)
    turns = [text for pair in history for text in _pair(pair)] if isinstance(history, list) else []
    parts = [part for role in ("prompt", "query") if (part := row.if_mapped(role, None))]
    for part in parts:
        if not isinstance(part, str):
            raise _Abort(f"the prompt is {kind(part)}, not text")
    response = _response(row, ranking)
    example = _Example(
        [*turns, "\n".join(parts)],
        response,
        row.if_mapped("system", ""),
        row.if_mapped("tools", ""),
        {name: _media(name, row.read(f"{name}s")) for name in MEDIA if row.mapped(f"{name}s")},
    )
    # Arrow stores all contents in one column of one type, and the prompt is text; only null goes with it.
    for text in (*example.prompt, *(response if any(isinstance(text, str) for text in response) else ())):
        if not isinstance(text, str | None):
            raise _Abort(f"a turn is {kind(text)}, not text")
    return example


def _pair(value: Any) -> tuple[Any, Any]:
    try:
        question, answer = value
    except (TypeError, ValueError):
        raise _Abort("a turn of history is not a pair of question and answer") from None
    return question, answer


def _response(row: _Columns, ranking: bool) -> list[Any]:
    if row.mapped("kto_tag") and isinstance(tag := row.read("kto_tag"), bool):
        answer = row.read("response")
        return [answer, ""] if tag else ["", answer]
    if ranking and isinstance(row.read("chosen"), str) and isinstance(row.read("rejected"), str):
        return [row.read("chosen"), row.read("rejected")]
    answer = row.if_mapped("response", None)
    return [answer] if isinstance(answer, str) else []


def _media(name: str, value: Any) -> list[Any]:
    """The media files of a row: a value on its own, even "", is a list of one."""
    files = value if isinstance(value, list) else [] if value is None else [value]
    if files and isinstance(files[0], str) and not all(isinstance(file, str) for file in files):
        raise _Abort(f"{name}s mixes paths with other values")
    return files


def _pretrain(example: _Example) -> Verdict:
    # The text is the first message: with history mapped, that is the first question.
    if not isinstance(example.prompt[0], str):
        raise _Abort(f"the text is {kind(example.prompt[0])}, not text")
    return Verdict("kept")


def _supervised(example: _Example) -> Verdict:
    if len(example.response) != 1:
        found = "no answer that is text" if not example.response else f"{len(example.response)} answers"
        return Verdict("dropped", f"expected one answer, found {found}")
    _encode(example, example.prompt + example.response)
    return Verdict("kept")


def _pairwise(example: _Example) -> Verdict:
    if len(example.response) < 2:
        return Verdict("dropped", "chosen and rejected must both be text")
    for answer in example.response:
        _encode(example, [*example.prompt, answer])
    return Verdict("kept")


def _feedback(example: _Example) -> Verdict:
    """KTO pairs each prompt with the previous row's answer too, so an answer must serve its neighbour."""
    if not example.response or example.response == [""]:
        raise _Abort("kto_tag is not true or false and the row has no answer, which the next row needs")
    if len(example.response) < 2:
        return Verdict("dropped", "kto_tag must be true or false")
    first, second = example.response
    answer = first if first else second
    _encode(example, [*example.prompt, answer])
    for name in example.media:
        if f"<{name}>" in answer:
            raise _Abort(f"<{name}> in the answer is missing where KTO swaps answers between rows")
    if first or second:
        return Verdict("kept", "" if first else "undesirable")
    return Verdict("kept", "undesirable: the sign is read from the output, which is empty")


def _encode(example: _Example, messages: list[Any]) -> None:
    """Template._encode with its formatters, after the media count of mm_plugin._validate_messages."""
    for text in messages:
        if not isinstance(text, str):
            raise _Abort(f"a turn is {kind(text)}, not text")
    for name in MEDIA if example.media else ():
        files = example.media.get(name, [])
        marks = sum(text.count(f"<{name}>") for text in messages)
        if len(files) != marks:
            raise _Abort(f"{name}s: {len(files)}, but <{name}> in the text: {marks}")
        if not all(files):
            raise _Abort(f"{name}s holds an empty path")
    if example.system and not isinstance(example.system, str):
        raise _Abort(f"the system prompt is {kind(example.system)}, not text")
    if example.tools:
        try:
            json.loads(example.tools)
        except (TypeError, ValueError):
            raise _Abort("tools is not a JSON text") from None


_VERDICT_OF = {"pt": _pretrain, "sft": _supervised, "rm": _pairwise, "kto": _feedback}
