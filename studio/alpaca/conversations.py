"""ShareGPT conversations, OpenAI messages and Self-Instruct seed tasks as alpaca columns.

The last exchange becomes instruction and output, earlier ones history. Roles and their order follow
LLaMA-Factory's sharegpt converter (src/llamafactory/data/converter.py); what it would skip with a warning is
refused here with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from studio.alpaca.rows import RowError, RowType, kind

Shape = Literal["alpaca", "sharegpt", "openai", "seed_tasks"]

_TURNS: dict[str, Shape] = {"conversations": "sharegpt", "messages": "openai"}
_MEDIA = ("images", "videos", "audios")
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_TOOL_ROLES = {"function_call", "function", "tool", "observation"}


class _Turn(NamedTuple):
    role: str
    text: str


def shape_of(columns: Collection[str]) -> Shape:
    """The form of objects with these keys; "alpaca" unless they carry turns or instances."""
    for key, shape in _TURNS.items():
        if key in columns:
            return shape
    return "seed_tasks" if "instruction" in columns and "instances" in columns else "alpaca"


def row_type(obj: Mapping[str, Any]) -> RowType:
    """The dataset type a conversation or seed task becomes."""
    if "chosen" in obj and "rejected" in obj:
        return "preference"
    if "kto_tag" in obj or isinstance(obj.get("label"), bool):
        return "kto"
    return "multimodal" if any(obj.get(name) for name in _MEDIA) else "sft"


def convert(obj: Mapping[str, Any]) -> tuple[RowType, dict[str, Any]]:
    """The object's dataset type and its alpaca columns, ready for `rows.parse`.

    Keys that are no part of the conversation are kept beside the columns. Raises RowError for turns that call
    tools, break the order user, assistant, user ..., or hold something other than text.
    """
    if not isinstance(obj, Mapping):
        raise RowError("", f"expected an object, found {kind(obj)}")
    shape = shape_of(obj)
    if shape == "seed_tasks":
        return "sft", _seed_task(obj)
    if shape == "alpaca":
        raise RowError("", f"expected conversations, messages or instances, found {', '.join(obj) or 'nothing'}")
    key = "conversations" if shape == "sharegpt" else "messages"
    target = row_type(obj)
    if obj.get("tools"):
        raise RowError("tools", "tool use has no place in the alpaca columns")
    turns = _turns(key, obj[key])
    columns = {name: value for name, value in obj.items() if name not in (key, "tools", "system")}
    system = _text("system", obj.get("system"))
    if turns and turns[0].role == "system":
        if system and system != turns[0].text:
            raise RowError("system", f"expected one system prompt, found a second one in {key}[0]")
        system, turns = turns[0].text, turns[1:]
    _check_order(key, turns, len(obj[key]) - len(turns), answered=target != "preference")
    columns |= {"system": system, "instruction": "", "input": ""}
    if target == "preference":
        columns["instruction"] = turns[-1].text
        columns |= {name: _answer(name, obj[name]) for name in ("chosen", "rejected")}
        earlier = turns[:-1]
    else:
        columns |= {"instruction": turns[-2].text, "output": turns[-1].text}
        earlier = turns[:-2]
    columns["history"] = [
        [question.text, answer.text] for question, answer in zip(earlier[::2], earlier[1::2], strict=True)
    ]
    if target == "kto" and "kto_tag" not in columns:
        columns["kto_tag"] = columns.pop("label")
    return target, columns


def _seed_task(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A line of seed_tasks.jsonl (Wang et al. 2022): its first instance; several also stay beside the row."""
    instances = obj["instances"]
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], Mapping):
        raise RowError("instances", "expected a list with at least one object of input and output")
    first = instances[0]
    columns = {name: value for name, value in obj.items() if name != "instances" or len(instances) > 1}
    return columns | {"input": first.get("input", ""), "output": first.get("output", "")}


def _turns(key: str, value: Any) -> list[_Turn]:
    if not isinstance(value, list) or not value:
        raise RowError(key, f"expected a list of turns, found {kind(value)}")
    return [_turn(f"{key}[{index}]", turn) for index, turn in enumerate(value)]


def _turn(path: str, value: Any) -> _Turn:
    if not isinstance(value, Mapping):
        raise RowError(path, f"expected an object with a role and a text, found {kind(value)}")
    role_key, text_key = ("from", "value") if "from" in value else ("role", "content")
    name = value.get(role_key)
    if name in _TOOL_ROLES or value.get("tool_calls") or value.get("function_call"):
        raise RowError(path, "the turn calls or answers a tool; tool use has no place in the alpaca columns")
    if not isinstance(name, str) or name not in _ROLES:
        raise RowError(f"{path}.{role_key}", f"expected human, gpt, user, assistant or system, found {_quoted(name)}")
    return _Turn(_ROLES[name], _text(f"{path}.{text_key}", value.get(text_key)))


def _answer(name: str, value: Any) -> str:
    """The text of a chosen or rejected answer: a string, a message, or a list of one message."""
    if isinstance(value, str) or value is None:
        return value or ""
    path = name
    if isinstance(value, list):
        if len(value) != 1:
            raise RowError(name, f"expected one message, found {len(value)}")
        value, path = value[0], f"{name}[0]"
    turn = _turn(path, value)
    if turn.role != "assistant":
        raise RowError(path, f"expected an assistant's answer, found a turn of the {turn.role}")
    return turn.text


def _check_order(key: str, turns: Sequence[_Turn], skipped: int, *, answered: bool) -> None:
    """Raise RowError unless turns run user, assistant, ... and end with an answer, or if not, a question."""
    for index, turn in enumerate(turns):
        expected = ("user", "assistant")[index % 2]
        if turn.role != expected:
            raise RowError(f"{key}[{index + skipped}]", f"expected a turn of the {expected}, found {turn.role}")
    if not turns:
        raise RowError(key, "no turn besides the system prompt")
    if answered and len(turns) % 2:
        raise RowError(key, "the last turn is a question without an answer")
    if not answered and len(turns) % 2 == 0:
        raise RowError(key, "expected a question last, for chosen and rejected to answer; found an answer")


def _text(path: str, value: Any) -> str:
    """The text of a turn. OpenAI also writes it as a list of text parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_part(f"{path}[{index}]", part) for index, part in enumerate(value))
    raise RowError(path, f"expected text, found {kind(value)}")


def _part(path: str, part: Any) -> str:
    if isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    found = _quoted(part.get("type")) if isinstance(part, Mapping) else kind(part)
    raise RowError(path, f"expected a text part, found {found}; media belong in images, videos or audios")


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else kind(value)
