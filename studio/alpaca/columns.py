"""Which dataset type a file holds and which column is which, told from its columns and some of its objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from studio.alpaca import conversations, rows
from studio.alpaca.conversations import ROW_KEYS, Shape, is_turns, row_type, shape_of
from studio.alpaca.rows import COLUMNS, Row, RowError, RowType
from studio.errors import UsageError


class Guess(NamedTuple):
    """type: the dataset type, None when the columns do not tell. why: the reason in words a person can check.

    shape: the form the objects have; anything but "alpaca" goes through `conversations.convert`.
    sources: for each column of ours that has another name in the file, that name.
    inside: the rows are one level further in, as the dataset viewer of Hugging Face writes them.
    """

    type: RowType | None
    why: str
    shape: Shape = "alpaca"
    sources: Mapping[str, str] = {}
    inside: bool = False


_BY_COLUMNS: tuple[tuple[RowType, frozenset[str], str], ...] = (
    ("preference", frozenset({"chosen", "rejected"}), "columns chosen and rejected"),
    ("kto", frozenset({"kto_tag"}), "column kto_tag"),
    ("multimodal", frozenset({"images"}), "column images"),
    ("multimodal", frozenset({"videos"}), "column videos"),
    ("multimodal", frozenset({"audios"}), "column audios"),
    ("sft", frozenset({"instruction"}), "column instruction"),
    ("pretrain", frozenset({"text"}), "column text and no instruction"),
)
_USUAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("instruction", ("question", "prompt", "query", "task", "指令", "问题", "提问", "题目", "任务", "问")),
    ("input", ("context", "passage", "query", "输入", "上下文", "背景", "材料")),
    ("output", ("response", "answer", "completion", "target", "reply", "输出", "回答", "答案", "回复", "答")),
    ("system", ("system_prompt", "系统提示", "系统")),
    ("history", ("历史", "历史对话")),
    ("text", ("content", "正文", "文本")),
    ("images", ("image", "图片")),
)
"""What others call a column of ours, the likeliest name first."""
_LISTS = ("history", "images")
_TARGETS = frozenset((*(name for names in COLUMNS.values() for name in names), "conversations", "messages", "tools"))
_VIEWER = frozenset({"row_idx", "row"})
_NAMED = 20
_SHAPE_WORDS: dict[Shape, str] = {
    "sharegpt": "ShareGPT conversations",
    "openai": "OpenAI messages",
    "turns": "prompts and answers in turns",
    "seed_tasks": "Self-Instruct seed tasks (instruction and instances)",
}
_CONVERTED_WORDS: dict[RowType, str] = {
    "sft": "",
    "preference": " with chosen and rejected",
    "kto": " with a true or false label",
    "multimodal": " with media files",
}


def parse_mapping(words: Iterable[str]) -> dict[str, str]:
    """What was typed as TARGET=SOURCE, by target. Raises UsageError."""
    found: dict[str, str] = {}
    for word in words:
        target, equals, source = word.partition("=")
        if not equals or not source or not target:
            raise UsageError(f'"{word}" is no column mapping.', hint="Write it like instruction=question.")
        if target not in _TARGETS:
            close = get_close_matches(target, _TARGETS, 1)
            reversed_ = f"the file's column stands behind the =: {source}={target}" if source in _TARGETS else ""
            guess = reversed_ or (f"did you mean {close[0]}?" if close else "")
            raise UsageError(f'No dataset type has a column "{target}".', hint=guess[:1].upper() + guess[1:])
        if target in found:
            raise UsageError(f"{found[target]} and {source} cannot both be read as {target}.")
        found[target] = source
    return found


def guess_type(samples: Sequence[Mapping[str, Any]], given: Mapping[str, str] | None = None) -> Guess:
    """Guess from some objects of a file what it holds.

    given: for columns of ours, the names the file has for them; others are found by the names usual for them.
    """
    inside = bool(samples) and all(one.keys() >= _VIEWER and isinstance(one["row"], Mapping) for one in samples)
    if inside:
        samples = [one["row"] for one in samples]
    sources = dict(given or {})
    words = [f"column {source} read as {target}, as you said" for target, source in sources.items()]
    if not sources and (column := _conversation(samples)):
        sources = {"messages": column}
        words = [f"column {column} read as messages"]
    if sources:
        samples = [renamed(one, sources)[0] for one in samples]
    talks = [one for one in samples if shape_of(one) != "alpaca"]
    if talks:
        shape, kinds = shape_of(talks[0]), {row_type(one) for one in talks}
        type = "multimodal" if kinds == {"sft", "multimodal"} else row_type(talks[0])
        said = _SHAPE_WORDS[shape] + _CONVERTED_WORDS[type]
        return Guess(type, ", ".join([said, *words]), shape, sources, inside)
    usual = _usual_names(samples)
    words += [f"column {source} read as {target}" for target, source in usual.items()]
    sources |= usual
    names = {name for one in samples for name in renamed(one, usual)[0]}
    for kind, needed, why in _BY_COLUMNS:
        if needed <= names:
            own = [] if needed & sources.keys() else [why]
            return Guess(kind, ", ".join(own + words), "alpaca", sources, inside)
    listed = sorted(names)
    found = ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
    return Guess(
        None,
        f"no column tells the type; columns found: {found or 'none'}. Expected text, instruction, chosen and "
        "rejected, images, kto_tag, conversations or messages, or usual names like question and answer.",
        "alpaca",
        sources,
        inside,
    )


def row_of(guess: Guess, value: Any) -> tuple[Row, dict[str, Any]]:
    """An object of the file as a row of the guessed type, and what it holds besides. Raises RowError."""
    assert guess.type is not None
    if guess.inside:
        if not isinstance(value, Mapping) or not isinstance(value.get("row"), Mapping):
            raise RowError("row", "expected an object")
        if value.get("truncated_cells"):
            cut = ", ".join(map(str, value["truncated_cells"]))
            raise RowError("row", f"the dataset viewer cut its cells short ({cut}); import the dataset itself")
        value = value["row"]
    if not isinstance(value, dict):
        return rows.parse(guess.type, value)
    beside: dict[str, Any] = {}
    if guess.sources:
        value, beside = renamed(value, guess.sources)
    if guess.shape != "alpaca":
        type, columns = conversations.convert(value)
        if type != guess.type and (type, guess.type) != ("sft", "multimodal"):
            raise RowError("", f"a {type} row in a file of {guess.type} rows", hint="Import it from a file of its own.")
        beside |= conversations.shadowed(value)
        value = columns
    row, extras = rows.parse(guess.type, value)
    return row, extras | beside


def renamed(obj: Mapping[str, Any], sources: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The object with the names of ours, and the values that had those names before."""
    taken = set(sources.values())
    fresh = {name: value for name, value in obj.items() if name not in taken and name not in sources}
    fresh |= {target: obj[source] for target, source in sources.items() if source in obj}
    return fresh, {name: obj[name] for name in sources if name in obj and name not in taken}


def _usual_names(samples: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """For columns of ours that no object has, columns that usually hold the same."""
    names = dict.fromkeys(name for one in samples for name in one)
    spelled = {name.strip().casefold(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for target, usual in _USUAL:
        if target not in names:
            fitting = (spelled[name] for name in usual if name in spelled and spelled[name] not in found.values())
            source = next((name for name in fitting if target in _LISTS or _is_text(samples, name)), None)
            if source is not None:
                found[target] = source
    if "kto_tag" not in names and any(isinstance(one.get("label"), bool) for one in samples):
        found["kto_tag"] = "label"
    prompted, answered = ({"instruction"} & {*names, *found}), {"output", "chosen"} & {*names, *found}
    if "text" in names and not (prompted and answered):
        return {}
    if prompted:
        found.pop("text", None)
    return found


def _conversation(samples: Sequence[Mapping[str, Any]]) -> str | None:
    """A column that holds a conversation in every object, where none has a name that says so."""
    if any(shape_of(one) != "alpaca" for one in samples):
        return None
    names = samples[0].keys() - ROW_KEYS if samples else ()
    return next(
        (name for name in names if all(isinstance(one.get(name), list) and is_turns(one[name]) for one in samples)),
        None,
    )


def _is_text(samples: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column holds no lists or objects, which no text column could take."""
    return not any(isinstance(one.get(name), list | Mapping) for one in samples)
