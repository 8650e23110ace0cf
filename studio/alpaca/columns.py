"""Which dataset type a file holds, told from its columns and one of its objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from studio.alpaca.conversations import Shape, row_type, shape_of
from studio.alpaca.rows import RowType


class Guess(NamedTuple):
    """type: the dataset type, None when the columns do not tell. why: the reason in words a person can check.

    shape: the form the objects have; anything but "alpaca" goes through `conversations.convert` first.
    """

    type: RowType | None
    why: str
    shape: Shape = "alpaca"


_BY_COLUMNS: tuple[tuple[RowType, frozenset[str], str], ...] = (
    ("preference", frozenset({"chosen", "rejected"}), "columns chosen and rejected"),
    ("kto", frozenset({"kto_tag"}), "column kto_tag"),
    ("multimodal", frozenset({"images"}), "column images"),
    ("multimodal", frozenset({"videos"}), "column videos"),
    ("multimodal", frozenset({"audios"}), "column audios"),
    ("sft", frozenset({"instruction"}), "column instruction"),
    ("pretrain", frozenset({"text"}), "column text and no instruction"),
)


def guess_type(columns: Collection[str], sample: Mapping[str, Any] | None = None) -> Guess:
    """Guess the dataset type.

    columns: all names seen in the file.
    sample: one of its objects, which tells what conversations are about (a bool label is KTO, images make it
    multimodal); without it they count as sft.
    """
    names = set(columns)
    shape = shape_of(names)
    if shape != "alpaca":
        kind = row_type(sample if sample is not None else dict.fromkeys(names))
        return Guess(kind, _SHAPE_WORDS[shape] + _CONVERTED_WORDS[kind], shape)
    for kind, needed, why in _BY_COLUMNS:
        if needed <= names:
            return Guess(kind, why)
    found = ", ".join(sorted(names)) or "none"
    return Guess(
        None,
        f"no column tells the type; columns found: {found}. Expected text, instruction, chosen and rejected, "
        "images, kto_tag, conversations or messages.",
    )


_SHAPE_WORDS: dict[Shape, str] = {
    "sharegpt": "ShareGPT conversations",
    "openai": "OpenAI messages",
    "seed_tasks": "Self-Instruct seed tasks (instruction and instances)",
}
_CONVERTED_WORDS: dict[RowType, str] = {
    "sft": "",
    "preference": " with chosen and rejected",
    "kto": " with a true or false label",
    "multimodal": " with media files",
}
