"""dataset_info.json: where LLaMA-Factory looks up a dataset's file and the meaning of its columns.

Keys follow src/llamafactory/data/parser.py. With `columns` present, a column that is not listed does not
exist for the trainer, so an entry lists every column of the file, and no other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from studio.alpaca.export_rows import TURNS_COLUMN, Formatting, talk_columns
from studio.alpaca.rows import RowType
from studio.errors import StudioError

FILE_NAME = "dataset_info.json"

_COMMON = {"prompt": "instruction", "query": "input"}
_TURNS = {"system": "system", "history": "history"}
_COLUMNS: dict[RowType, dict[str, str]] = {
    "pretrain": {"prompt": "text"},
    "sft": _COMMON | {"response": "output"} | _TURNS,
    "preference": _COMMON | {"chosen": "chosen", "rejected": "rejected"} | _TURNS,
    "multimodal": _COMMON
    | {"response": "output", "images": "images"}
    | _TURNS
    | {"videos": "videos", "audios": "audios"},
    "kto": _COMMON | {"response": "output"} | _TURNS | {"kto_tag": "kto_tag"},
}

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function",
    "system_tag": "system",
}
"""OpenAI's names. All of them, because a tag that is not listed does not exist; ShareGPT's names are the defaults."""


def entry(type: RowType, file_name: str, columns: Collection[str], formatting: Formatting = "alpaca") -> dict[str, Any]:
    """The entry of a dataset: its file and what each of its columns means.

    columns: those of the type that the file has, by their alpaca names whatever the formatting.
    """
    ranking = {"ranking": True} if type == "preference" else {}
    if formatting == "alpaca" or type == "pretrain":
        mapped = {role: column for role, column in _COLUMNS[type].items() if column in columns}
        return {"file_name": file_name, **ranking, "columns": mapped}
    mapped = {"messages": TURNS_COLUMN[formatting]} | {name: name for name in talk_columns(columns, formatting)}
    tags = {"tags": _TAGS} if formatting == "openai" else {}
    return {"file_name": file_name, "formatting": formatting, **ranking, "columns": mapped, **tags}


def merge(existing: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The existing entries with the new ones added; an entry of the same name is replaced in its place.

    Raises StudioError when what exists is not an object of entries.
    """
    if existing is None:
        return dict(new)
    if not isinstance(existing, Mapping):
        raise StudioError(
            f"{FILE_NAME} does not hold an object of datasets; it was left as it is.",
            hint="Move it away or mend it.",
        )
    return {**existing, **new}


def encode(info: Mapping[str, Any]) -> bytes:
    """The file's bytes: ASCII, because the trainer opens it in the locale's encoding."""
    return (json.dumps(info, ensure_ascii=True, indent=2) + "\n").encode("ascii")


def safe_name(text: str) -> str:
    """The text as a dataset name: the trainer splits names at commas, trims them, and looks up ${...} in a config."""
    text = text.replace("${", "{")
    return "-".join(part for part in (part.strip() for part in text.split(",")) if part) or "dataset"
