"""The OpenAI embeddings format: request bodies out, vectors in, nothing trusted.

https://platform.openai.com/docs/api-reference/embeddings

Vectors are asked for in base64, half of the bytes and a tenth of the reading. Ollama and LM Studio send lists of
numbers all the same, so what comes is told by what it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from studio.llm.chat import Usage
from studio.llm.wire import BrokenReplyError, error_text

if TYPE_CHECKING:
    import numpy as np

    Vector: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]


class Answer(NamedTuple):
    """A vector a text, in the order of the texts, as the endpoint sent them: of any length, perhaps with NaN."""

    vectors: Vector
    usage: Usage
    model: str


class ErrorReplyError(BrokenReplyError):
    """The endpoint sent an error in place of vectors, as a success. words: its own."""

    def __init__(self, words: str) -> None:
        super().__init__(f"sent an error: {words}")
        self.words = words


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Item(msgspec.Struct):
    embedding: str | list[float | None]
    index: int | None = None


class _Listing(msgspec.Struct):
    data: list[_Item] | None = None
    usage: _Counts | None = None
    model: str | None = None
    error: Any = None


def body(model: str, texts: Sequence[str], dimensions: int, *, in_base64: bool) -> dict[str, Any]:
    """The JSON body of a request. dimensions: 0 for the model's own."""
    sent: dict[str, Any] = {"model": model, "input": list(texts)}
    if in_base64:
        sent["encoding_format"] = "base64"
    if dimensions:
        sent["dimensions"] = dimensions
    return sent


def read(raw: bytes, texts: int) -> Answer:
    """The answer in the body of a reply to so many texts. Raises BrokenReplyError."""
    import numpy as np

    if raw.lstrip()[:1] == b"<":
        raise BrokenReplyError("sent a web page instead of vectors")
    try:
        reply = msgspec.json.decode(raw, type=_Listing)
    except msgspec.ValidationError as error:
        raise BrokenReplyError(f"sent JSON that is not a list of embeddings ({error})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BrokenReplyError("sent something that is not JSON") from None
    if reply.error:
        raise ErrorReplyError(error_text(reply.error))
    if reply.data is None:
        raise BrokenReplyError("sent JSON that is not a list of embeddings (it has no data)")
    if len(reply.data) != texts:
        raise BrokenReplyError(f"sent {len(reply.data)} vectors for {texts} texts", paid=True)
    vectors = [_numbers(one.embedding) for one in _in_order(reply.data)]
    if len(widths := {len(vector) for vector in vectors}) != 1:
        raise BrokenReplyError(f"sent vectors of different lengths ({min(widths)} and {max(widths)})", paid=True)
    if widths == {0}:
        raise BrokenReplyError("sent vectors without numbers", paid=True)
    return Answer(np.stack(vectors), _usage(reply.usage), reply.model or "")


def _in_order(items: list[_Item]) -> list[_Item]:
    """By their numbers, which need not be the order they come in; where no number is given, it is."""
    numbers = [item.index for item in items]
    if all(number is None for number in numbers):
        return items
    if sorted(-1 if number is None else number for number in numbers) != list(range(len(items))):
        raise BrokenReplyError("numbers its vectors so that nobody can tell which text is whose", paid=True)
    return sorted(items, key=lambda item: item.index or 0)


def _numbers(sent: str | list[float | None]) -> Vector:
    import numpy as np

    if isinstance(sent, list):
        # NaN has no JSON of its own; llama.cpp writes null, which becomes NaN here.
        return np.array(sent, np.float64)
    try:
        return np.frombuffer(base64.b64decode(sent, validate=True), "<f4").astype(np.float64)
    except (binascii.Error, ValueError):
        raise BrokenReplyError("sent a vector that is no base64 of 32-bit numbers", paid=True) from None


def _usage(counts: _Counts | None) -> Usage:
    return Usage() if counts is None else Usage(counts.prompt_tokens or counts.total_tokens or 0)
