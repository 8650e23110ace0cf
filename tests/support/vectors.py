"""What the loopback server's embedding model says: a function of the text alone, alike for alike texts.

Each run of one to three characters falls on one of the dimensions, with a sign, as its hash tells; the vector is their
sum. Texts that share most of their characters in most of their order are near each other, in every script.
"""

from __future__ import annotations

import base64
import struct
import unicodedata
import zlib
from collections import Counter
from typing import Any

WIDTH = 96


def vector(text: str, width: int = WIDTH) -> list[float]:
    """Of the length of its own, not one: those who ask have to see to that."""
    folded = f" {' '.join(unicodedata.normalize('NFKC', text).casefold().split())} "
    grams = Counter(folded[at : at + size] for size in (1, 2, 3) for at in range(len(folded) - size + 1))
    numbers = [0.0] * width
    for gram, times in grams.items():
        digest = zlib.crc32(gram.encode(errors="replace"))
        # A letter tells little of a text, a character that is a word much.
        weight = 0.5 if gram.isascii() and len(gram) == 1 else 1.0
        numbers[digest % width] += (1 if digest >> 31 else -1) * weight * times**0.5
    return numbers


def listing(body: dict[str, Any], kind: str, *, as_base64: bool, broken: str) -> dict[str, Any]:
    """A whole answer to the texts of a body. kind: of the fault. broken: texts with this in them get no numbers."""
    width = body.get("dimensions") or WIDTH
    found = [[float("nan")] * width if broken and broken in text else vector(text, width) for text in body["input"]]
    if kind == "fewer":
        found.pop()
    if kind == "narrow":
        found = [one[: width // 2] for one in found]
    if kind == "uneven":
        found[-1].pop()
    if kind == "nan":
        found[0][0] = float("nan")
    if kind == "zeros":
        found[0] = [0.0] * width
    data = [
        {"object": "embedding", "index": index, "embedding": packed(one) if as_base64 else plain(one)}
        for index, one in enumerate(found)
    ]
    if kind == "shuffled":
        data = data[::-1]
    if kind == "misnumbered":
        data[-1]["index"] = 0
    if kind == "unnumbered":
        data = [{name: value for name, value in one.items() if name != "index"} for one in data]
    if kind == "no-base64":
        data[0]["embedding"] = "AAAA*"
    tokens = sum(len(text.split()) for text in body["input"])
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def packed(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def plain(numbers: list[float]) -> list[float | None]:
    """As JSON has them: NaN becomes null, as llama.cpp writes it."""
    return [None if number != number else number for number in numbers]
