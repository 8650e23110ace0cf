"""What an endpoint's refusals mean where vectors were asked for, in words a person can act on. Pure.

What chat is refused for too is in `failures`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from studio.errors import ModelError, RefusedError
from studio.llm import failures
from studio.llm.failures import Endpoint, Refusal, quote

# What llama.cpp, vLLM, LM Studio and relays say where a server or a model makes no vectors.
_NO_EMBEDDINGS = re.compile(
    r"(not|n't).{0,20}\bsupport.{0,30}\bembedding|embeddings?.{0,20}not.{0,9}support|not.{0,9}\bembedding model"
    r"|--embeddings?\b|pooling type.{0,20}\bnot\b|unexpected endpoint",
    re.IGNORECASE,
)
_NAMES_A_MODEL = re.compile(r"model|deployment", re.IGNORECASE)
_DIMENSIONS = re.compile(r"\bdimensions?\b|matryoshka", re.IGNORECASE)
# Ollama's words for a text whose vector came out broken; always the same texts.
_NO_NUMBER = re.compile(r"unsupported value: NaN", re.IGNORECASE)
# DashScope, TEI and SiliconFlow, OpenAI, Gemini; the number is the most that the endpoint takes.
_TOO_MANY = re.compile(
    r"batch size is invalid, it should not be larger than (\d+)|maximum allowed batch size (\d+)"
    r"|array too long.{0,40}maximum length (\d+)|at most (\d+) requests can be in one batch"
    r"|batch size.{0,40}(?:exceed|too large|limit)|too many (?:inputs|texts)|max_tokens_per_request|tokens per request",
    re.IGNORECASE,
)


def refused(endpoint: Endpoint, refusal: Refusal, model: str, offered: Collection[str] = ()) -> ModelError:
    """The error for an HTTP answer other than 200; as `failures.refused`."""
    status = refusal.status
    # Names of such models often say "embedding".
    said = re.sub(rf"(?<!\w){re.escape(model)}(?!\w)", "", f"{refusal.param} {refusal.said}")
    if status in (400, 422) and _DIMENSIONS.search(said):
        return ModelError(
            f"{model} at {endpoint.url} refuses the dimensions asked for ({status}){quote(refusal.words)}",
            hint="Change dimensions in [embeddings]; with 0 the model gives its own.",
        )
    if (error := no_embeddings(endpoint, said, refusal.words)) is not None:
        return error
    if status in (404, 405) and not _NAMES_A_MODEL.search(said):
        return ModelError(
            f"{endpoint.url} has no /embeddings ({status}){quote(refusal.words)}",
            hint="Check base_url in [embeddings]; it usually ends in /v1. Not every endpoint with chat has embeddings.",
        )
    if _NO_NUMBER.search(said):
        return RefusedError(
            f"{model} makes no vector of this text ({status}){quote(refusal.words)}",
            hint="Another model may; the others are not touched.",
        )
    return failures.refused(endpoint, refusal, model, offered)


def means_too_many(refusal: Refusal, texts: int) -> int | None:
    """How many texts the endpoint takes in a request, when it refuses one for having more; half of them when it does
    not say. None when it speaks of something else.
    """
    if refusal.status not in (400, 413, 422) or texts < 2 or not (found := _TOO_MANY.search(refusal.said)):
        return None
    said = next((int(number) for number in found.groups() if number), texts)
    return said if 0 < said < texts else texts // 2


def means_no_base64(refusal: Refusal) -> bool:
    """Whether the endpoint wants numbers to be asked for as numbers."""
    said = f"{refusal.param} {refusal.said}"
    return refusal.status in (400, 422, 500) and ("encoding_format" in said or "base64" in said)


def no_embeddings(endpoint: Endpoint, said: str, words: str) -> ModelError | None:
    """The error for a server or a model without embeddings, when what is said means that. words: to be told."""
    if not _NO_EMBEDDINGS.search(said):
        return None
    return ModelError(
        f"{endpoint.url} makes no embeddings{quote(words)}",
        hint="Name an endpoint and a model that do, in [embeddings]. (llama.cpp's server does with --embeddings and "
        "a pooling.)",
    )
