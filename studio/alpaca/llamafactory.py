"""What LLaMA-Factory's loader does with one row of a file: keep it, drop it, or stop the whole run.

A model of src/llamafactory/data/{parser,loader}.py, data/processor/*.py, data/mm_plugin.py and
data/formatter.py, version 0.9.5. It says what the trainer does, not what is wise: an empty prompt is kept.
Media count as read by a multimodal template when the entry maps a media column; files are not opened. Calls of
functions and tools are read as the templates of Qwen read them. Types that differ between rows are the business of
`column_survey`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from studio.alpaca.converters import FORMATTINGS, Abort, Example, convert
from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import RowType, kind

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


def verdict(
    obj: Mapping[str, Any], entry: Mapping[str, Any], stage: Stage, columns: Collection[str] | None = None
) -> Verdict:
    """What becomes of the row in a run of this stage over a dataset with this dataset_info entry.

    columns: all columns of the file, where a row that lacks one has null, and so has a turn that lacks a key; by
    default the row's own keys, and the turn's.
    """
    if (formatting := entry.get("formatting", "alpaca")) not in FORMATTINGS:
        return Verdict("aborts", f'formatting "{formatting}" does not exist')
    ranking = entry.get("ranking", False)
    # The trainer compares with `is`, so that a ranking of null or "true" passes this gate in every stage.
    if (stage == "rm" and ranking is False) or (stage != "rm" and ranking is True):
        return Verdict("aborts", f"ranking is {str(ranking).lower()}, which stage {stage} refuses")
    present = obj.keys() if columns is None else columns
    try:
        example = convert(obj, entry, present, filled=columns is not None)
        if stage == "kto" and not _keeps_any(entry, present):
            return _UNTAGGED  # and no next row is kept that would need its answer
        return _VERDICT_OF[stage](example)
    except Abort as error:
        return Verdict("aborts", str(error))


def _keeps_any(entry: Mapping[str, Any], present: Collection[str]) -> bool:
    """Whether stage kto can keep any row of a file with these columns."""
    roles = entry.get("columns", {})
    talk = entry.get("formatting", "alpaca") != "alpaca"
    return roles.get("kto_tag") in present and bool(talk or roles.get("response"))


def _pretrain(example: Example) -> Verdict:
    # The text is the first message: with history mapped, that is the first question.
    if not example.prompt:
        raise Abort("the turns are out of order, which leaves no text")
    if not isinstance(example.prompt[0], str):
        raise Abort(f"the text is {kind(example.prompt[0])}, not text")
    return Verdict("kept")


_OUT_OF_ORDER = Verdict("dropped", "the turns do not run question, answer, question, answer")
_UNTAGGED = Verdict("dropped", "kto_tag must be true or false")


def _supervised(example: Example) -> Verdict:
    if len(example.prompt) % 2 != 1:
        return _OUT_OF_ORDER
    if len(example.response) != 1:
        found = "no answer that is text" if not example.response else f"{len(example.response)} answers"
        return Verdict("dropped", f"expected one answer, found {found}")
    _encode(example, example.prompt + example.response)
    return Verdict("kept")


def _pairwise(example: Example) -> Verdict:
    if len(example.prompt) % 2 != 1:
        return _OUT_OF_ORDER
    if len(example.response) < 2:
        return Verdict("dropped", "chosen and rejected must both be text")
    for answer in example.response:
        _encode(example, [*example.prompt, answer])
    return Verdict("kept")


def _feedback(example: Example) -> Verdict:
    """KTO also pairs each prompt with the answer of the previous row, so an answer must suit the next row too."""
    if not example.response or (len(example.response) < 2 and not example.response[0]):
        raise Abort("the row has no answer, which the next row needs, for KTO pairs its prompt with it")
    kept = len(example.response) > 1
    answer = example.response[0] or example.response[-1]
    if kept:
        _encode(example, [*example.prompt, answer])
    for call in example.calls if answer in example.calls else ():
        _check_call(call)
    for name in MEDIA if example.media else ():
        if f"<{name}>" in answer:
            raise Abort(f"<{name}> in the answer is missing where KTO swaps answers between rows")
    if not kept:
        return _UNTAGGED
    if answer:
        return Verdict("kept", "" if example.response[0] else "undesirable")
    return Verdict("kept", "undesirable: the sign is read from the output, which is empty")


def _encode(example: Example, messages: list[Any]) -> None:
    """Template._encode with its formatters, after the media count of mm_plugin._validate_messages."""
    for text in messages:
        if not isinstance(text, str):
            raise Abort(f"a turn is {kind(text)}, not text")
    for name in MEDIA if example.media else ():
        files = example.media.get(name, [])
        marks = sum(text.count(f"<{name}>") for text in messages)
        if len(files) != marks:
            raise Abort(f"{name}s: {len(files)}, but <{name}> in the text: {marks}")
        if not all(files):
            raise Abort(f"{name}s holds an empty path")
        for file in files:
            if not isinstance(file, str | dict) and not (isinstance(file, list) and name == "video"):
                raise Abort(f"{name}s holds {kind(file)}, not a path")
    if example.tools:
        _check_tools(example.tools)
    if example.system and not isinstance(example.system, str):
        raise Abort(f"the system prompt is {kind(example.system)}, not text")
    for call in example.calls:
        _check_call(call)


_THOUGHT = re.compile(r"<think>\n.*?\n</think>\n\n", re.DOTALL)
_MARKED_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


def _check_call(content: str) -> None:
    """FunctionFormatter: JSON between marks or after a thought, one call or a list, each with name and arguments."""
    marked, thought = _MARKED_CALL.search(content), _THOUGHT.search(content)
    if marked:
        content = marked[1]
    elif thought:
        content = content.replace(thought[0], "")
    try:
        calls = json.loads(content)
        for call in calls if isinstance(calls, list) else [calls]:
            _ = call["name"], call["arguments"]
    except ValueError:
        raise Abort("a function call is not JSON") from None
    except (KeyError, TypeError):
        raise Abort("a function call lacks its name or arguments") from None


def _check_tools(content: Any) -> None:
    """ToolFormatter: the tools are JSON, a list of objects; an empty list, object or string means no tools."""
    try:
        tools = json.loads(content)
    except (TypeError, ValueError):
        raise Abort("tools is not a JSON text") from None
    empty = isinstance(tools, list | dict | str) and not tools
    if not empty and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise Abort("tools is not a list of objects")


_VERDICT_OF = {"pt": _pretrain, "sft": _supervised, "rm": _pairwise, "kto": _feedback}
