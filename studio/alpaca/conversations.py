"""ShareGPT conversations, OpenAI messages, TRL's turns and Self-Instruct seed tasks as alpaca columns.

The last exchange becomes instruction and output, earlier ones history. Roles and their order follow
LLaMA-Factory's sharegpt converter (src/llamafactory/data/converter.py); what it would skip with a warning is
refused here with the reason. Files named in parts of a message become media columns with a placeholder in the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import RowError, RowType, kind

Shape = Literal["alpaca", "sharegpt", "openai", "turns", "seed_tasks"]

ROW_KEYS = frozenset(
    (
        *("instruction", "output", "chosen", "rejected", "text"),
        *("conversations", "messages", "tools", "instances", "prompt", "completion"),
    )
)
"""Names that say of an object that it is a row, and not something around a list of rows."""
_CONVERSATIONS: dict[str, Shape] = {"conversations": "sharegpt", "messages": "openai"}
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_TOOL_ROLES = {"function_call", "function", "tool", "observation"}
_NO_TOOLS = ("", "[]", "{}", "null")
_SET_BY_TURNS = {"instruction", "input", "output", "history", "system", "tools"}


class _Turn(NamedTuple):
    """media: the kind and path of every placeholder in the text, "" for a path that stands elsewhere."""

    role: str
    text: str
    media: tuple[tuple[str, str], ...] = ()


def shape_of(obj: Mapping[str, Any]) -> Shape:
    """The form of the object; "alpaca" unless it carries turns or instances."""
    for key, shape in _CONVERSATIONS.items():
        if key in obj:
            return shape
    if "instruction" in obj and "instances" in obj:
        return "seed_tasks"
    answers = ("chosen", "rejected") if {"chosen", "rejected"} <= obj.keys() else ("prompt", "completion")
    return "turns" if any(is_turns(obj.get(name)) for name in answers) else "alpaca"


def row_type(obj: Mapping[str, Any]) -> RowType:
    """The dataset type a conversation or seed task becomes."""
    if "chosen" in obj and "rejected" in obj:
        return "preference"
    if "kto_tag" in obj or isinstance(obj.get("label"), bool):
        return "kto"
    if any(obj.get(f"{name}s") for name in MEDIA):
        return "multimodal"
    turns = [turn for key in (*_CONVERSATIONS, "prompt") for turn in _listed(obj.get(key))]
    parts = [part for turn in turns if isinstance(turn, Mapping) for part in _listed(turn.get("content"))]
    return "multimodal" if any(isinstance(part, Mapping) and _part_kind(part) for part in parts) else "sft"


def convert(obj: Mapping[str, Any]) -> tuple[RowType, dict[str, Any]]:
    """The object's dataset type and its alpaca columns, ready for `rows.parse`.

    Keys that are no part of the conversation are kept beside the columns. Raises RowError for turns that call
    tools, break the order user, assistant, user ..., or hold something other than text and files.
    """
    if not isinstance(obj, Mapping):
        raise RowError("", f"expected an object, found {kind(obj)}")
    shape = shape_of(obj)
    if shape == "seed_tasks":
        return "sft", _seed_task(obj)
    if shape == "alpaca":
        raise RowError("", f"expected conversations, messages or instances, found {', '.join(obj) or 'nothing'}")
    if not _is_nothing(obj.get("tools")):
        raise RowError("tools", "tool use has no place in the alpaca columns")
    target = row_type(obj)
    whole = target == "preference" and _is_conversation(obj["chosen"]) and _is_conversation(obj["rejected"])
    if whole:
        key, used = "chosen", {"chosen", "rejected"}
        turns, answers = _split_pair(obj)
    else:
        key, used, turns = _turns_of(obj)
        answers = (
            {name: _answer(name, obj.get(name)) for name in ("chosen", "rejected")} if target == "preference" else {}
        )
    columns = {name: value for name, value in obj.items() if name not in used | _SET_BY_TURNS} | answers
    system = _text("system", obj.get("system")).text
    skipped = 0
    if turns and turns[0].role == "system":
        if system and system != turns[0].text:
            raise RowError("system", f"expected one system prompt, found a second one in {key}[0]")
        if turns[0].media:
            raise RowError(f"{key}[0]", "expected text alone in the system prompt")
        system, turns, skipped = turns[0].text, turns[1:], 1
    _check_order(key, turns, skipped, answered=target != "preference")
    columns |= _media(obj, turns, target)
    texts = [turn.text for turn in turns]
    *earlier, columns["instruction"] = texts if target == "preference" else texts[:-1]
    if target != "preference":
        columns["output"] = texts[-1]
    columns["system"] = system
    columns["history"] = list(zip(earlier[::2], earlier[1::2], strict=True))
    if target == "kto" and "kto_tag" not in columns:
        columns["kto_tag"] = columns.pop("label")
    return target, columns


def shadowed(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Columns beside a conversation whose names, such as output, are those that the conversation is converted into."""
    if shape_of(obj) in ("alpaca", "seed_tasks"):
        return {}
    return {name: obj[name] for name in ("instruction", "input", "output", "history") if obj.get(name)}


def _turns_of(obj: Mapping[str, Any]) -> tuple[str, set[str], list[_Turn]]:
    """The column of the conversation, the columns it takes up, and its turns."""
    for key in _CONVERSATIONS:
        if key in obj:
            return key, {key}, _turns(key, obj[key])
    prompt = obj.get("prompt")
    turns = [_Turn("user", prompt)] if isinstance(prompt, str) else _turns("prompt", prompt)
    if "chosen" in obj and "rejected" in obj:
        return "prompt", {"prompt"}, turns
    answer = _answer("completion", obj.get("completion"))
    return "prompt", {"prompt", "completion"}, [*turns, _Turn("assistant", answer)]


def _split_pair(obj: Mapping[str, Any]) -> tuple[list[_Turn], dict[str, str]]:
    """The turns two whole conversations share, and their last answers."""
    chosen, rejected = _turns("chosen", obj["chosen"]), _turns("rejected", obj["rejected"])
    if chosen[:-1] != rejected[:-1]:
        same = 0
        while chosen[same : same + 1] == rejected[same : same + 1]:
            same += 1
        problem = "parts from chosen before the last answer; a row is one prompt with two answers"
        raise RowError(f"rejected[{min(same, len(rejected) - 1)}]", problem)
    for name, turns in (("chosen", chosen), ("rejected", rejected)):
        if turns[-1].role != "assistant" or turns[-1].media:
            raise RowError(
                f"{name}[{len(turns) - 1}]", f"expected an assistant's answer, found a turn of the {turns[-1].role}"
            )
    return chosen[:-1], {"chosen": chosen[-1].text, "rejected": rejected[-1].text}


def _media(obj: Mapping[str, Any], turns: Sequence[_Turn], target: RowType) -> dict[str, list[str]]:
    """The media columns that parts of the turns name. Raises RowError where they and the columns disagree."""
    columns: dict[str, list[str]] = {}
    for name in MEDIA:
        paths = [path for turn in turns for found, path in turn.media if found == name]
        if (paths or obj.get(f"{name}s")) and target not in ("sft", "multimodal"):
            raise RowError(f"{name}s", f"media have no place in the columns of a {target} row")
        if paths and bool(obj.get(f"{name}s")) == any(paths):
            raise RowError(f"{name}s", "expected the path of each in the turns, or of each in the column")
        if any(paths):
            columns[f"{name}s"] = paths
    return columns


def _seed_task(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A line of seed_tasks.jsonl (Wang et al. 2022): its first instance; several also stay beside the row."""
    instances = obj["instances"]
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], Mapping):
        raise RowError("instances", "expected a list with at least one object of input and output")
    first = instances[0]
    columns = {name: value for name, value in obj.items() if name != "instances" or len(instances) > 1}
    return columns | {"input": first.get("input", ""), "output": first.get("output", "")}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def is_turns(value: Any) -> bool:
    """Whether the value is a turn of a conversation or a list of them."""
    if isinstance(value, list):
        return bool(value) and is_turns(value[0])
    return isinstance(value, Mapping) and ("role" in value or "from" in value)


def _is_conversation(value: Any) -> bool:
    """Whether a chosen or rejected answer has its prompt with it."""
    if not isinstance(value, list) or not value or not isinstance(value[0], Mapping):
        return False
    role = value[0].get("role", value[0].get("from"))
    return len(value) > 1 or _ROLES.get(role if isinstance(role, str) else "") in ("user", "system")


def _is_nothing(tools: Any) -> bool:
    return tools.strip() in _NO_TOOLS if isinstance(tools, str) else not tools


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
    return _text(f"{path}.{text_key}", value.get(text_key))._replace(role=_ROLES[name])


def _answer(name: str, value: Any) -> str:
    """The text of a chosen, rejected or completing answer: a string, a message, or a list of one message."""
    if isinstance(value, str) or value is None:
        return value or ""
    path = name
    if isinstance(value, list):
        if len(value) != 1:
            raise RowError(name, f"expected one message, found {len(value)}")
        value, path = value[0], f"{name}[0]"
    turn = _turn(path, value)
    if turn.role != "assistant" or turn.media:
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


def _text(path: str, value: Any) -> _Turn:
    """The text of a turn, whose role is not known yet. OpenAI also writes it as a list of parts."""
    if value is None:
        return _Turn("", "")
    if isinstance(value, str):
        return _Turn("", value)
    if not isinstance(value, list):
        raise RowError(path, f"expected text, found {kind(value)}")
    text, media = "", list[tuple[str, str]]()
    for index, part in enumerate(value):
        name = _part_kind(part) if isinstance(part, Mapping) else ""
        if name:
            text += f"<{name}>"
            media.append((name, _path(f"{path}[{index}]", part, name)))
        elif isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str):
            text += part["text"]
        else:
            found = _quoted(part.get("type")) if isinstance(part, Mapping) else kind(part)
            raise RowError(f"{path}[{index}]", f"expected a part of type text, image, video or audio, found {found}")
    return _Turn("", text, tuple(media))


def _part_kind(part: Mapping[str, Any]) -> str:
    """image, video or audio, for a part of that type (OpenAI writes image_url, others image); else ""."""
    found = part.get("type")
    name = found.removesuffix("_url") if isinstance(found, str) else ""
    return name if name in MEDIA else ""


def _path(path: str, part: Mapping[str, Any], name: str) -> str:
    """The file a part names; "" when it stands in the media column. Raises RowError for what is no file here."""
    value = part.get(f"{name}_url", part.get(name))
    if isinstance(value, Mapping):
        value = value.get("url")
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise RowError(path, f"expected the path of a file, found {kind(value)}")
    if value.startswith("data:"):
        raise RowError(path, f"the {name} itself is written here; save it as a file and name its path")
    value = value.removeprefix("file://")
    if "://" in value:
        raise RowError(path, f"the {name} is at a web address, and the trainer opens files only: download it first")
    return value


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else kind(value)
