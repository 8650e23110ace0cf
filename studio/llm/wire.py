"""The OpenAI chat-completions format: request bodies out, answers in, nothing trusted.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from studio.llm import thinking
from studio.llm.chat import OnText, Request, Usage

_TAG = re.compile(r"<[!?a-z]", re.IGNORECASE)


class BrokenReplyError(Exception):
    """The endpoint answered, but not with an answer. The text says what was wrong with it.

    paid: it had begun one, and may charge for it.
    """

    def __init__(self, what: str, *, paid: bool = False) -> None:
        super().__init__(what)
        self.paid = paid


class Answer(msgspec.Struct, frozen=True):
    """What a reply said, whole or put together from its pieces. implied: see `thinking.Parts`."""

    text: str
    finish_reason: str
    usage: Usage
    model: str
    thinking: str = ""
    implied: bool = False


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek's name for it.


class _Text(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    message: _Text
    finish_reason: str | None = None


class _Piece(msgspec.Struct):
    delta: _Text
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Counts | None = None
    model: str | None = None
    error: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Piece] | None = None
    usage: _Counts | None = None
    model: str | None = None


def body(request: Request, limit_name: str, *, stream: bool) -> dict[str, Any]:
    """The JSON body of a request. limit_name: what this endpoint calls max_tokens."""
    sent: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
    }
    for name, value in (
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        (limit_name, request.max_tokens),
        ("stop", list(request.stop) or None),
        ("presence_penalty", request.presence_penalty),
        ("frequency_penalty", request.frequency_penalty),
        ("response_format", request.response_format),
    ):
        if value is not None:
            sent[name] = value
    if stream:
        sent |= {"stream": True, "stream_options": {"include_usage": True}}
    return sent


def whole(raw: bytes) -> Answer:
    """The answer in the body of a non-streamed reply. Raises BrokenReplyError."""
    if raw.lstrip()[:1] == b"<":
        raise BrokenReplyError("sent a web page instead of an answer")
    try:
        reply = msgspec.json.decode(raw, type=_Completion)
    except msgspec.ValidationError as error:
        raise BrokenReplyError(f"sent JSON that is not a chat completion ({error})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BrokenReplyError("sent something that is not JSON") from None
    if reply.error:
        raise BrokenReplyError(f"sent an error: {error_text(reply.error)}")
    if reply.choices is None:
        raise BrokenReplyError("sent JSON that is not a chat completion (it has no choices)")
    if not reply.choices:
        raise BrokenReplyError("sent an answer with empty choices")
    choice = reply.choices[0]
    said = choice.message
    # The body arrived whole, so a missing finish_reason is an omission and not a cut.
    return _answer(
        said.content or "",
        said.reasoning_content or said.reasoning or "",
        choice.finish_reason or "unknown",
        reply.usage,
        reply.model,
    )


class Heard:
    """What a stream has said so far. on_text gets the pieces of the answer, never those of the thoughts.

    spoke: whether any text, thinking included, has come. finish_reason: "" until the endpoint says the text
    is whole. implied: see `thinking.Listener`.
    """

    def __init__(self, on_text: OnText, *, implied: bool = False) -> None:
        self._on_text = on_text
        self._listener = thinking.Listener(implied=implied)
        self._said: list[str] = []
        self._thought: list[str] = []
        self._usage: _Counts | None = None
        self._model = ""
        self.spoke = False
        self.finish_reason = ""

    def take(self, event: object) -> None:
        """Add one decoded event of the stream. Raises BrokenReplyError."""
        try:
            chunk = msgspec.convert(event, _Chunk)
        except msgspec.ValidationError as error:
            raise BrokenReplyError(f"sent a piece that is not part of a chat completion ({error})") from None
        self._usage = chunk.usage or self._usage
        self._model = chunk.model or self._model
        if not chunk.choices:
            return
        piece = chunk.choices[0]
        text, thought = piece.delta.content, piece.delta.reasoning_content or piece.delta.reasoning
        self.spoke = self.spoke or bool(text or thought)
        self.finish_reason = piece.finish_reason or self.finish_reason
        if thought:
            self._thought.append(thought)
        if text:
            self._said.append(text)
            self._tell(self._listener.hear(text))

    def answer(self) -> Answer:
        """The whole answer. Raises BrokenReplyError when the stream ended before it was whole."""
        if not self.finish_reason:
            raise BrokenReplyError(
                "ended its answer in the middle" if self.spoke else "ended its answer before the first word",
                paid=self.spoke,
            )
        whole = _answer("".join(self._said), "".join(self._thought), self.finish_reason, self._usage, self._model)
        self._tell(self._listener.flush(whole.text))
        return whole

    def _tell(self, text: str) -> None:
        if text:
            self._on_text(text)


def _answer(text: str, reasoning: str, finish_reason: str, usage: _Counts | None, model: str | None) -> Answer:
    parts = thinking.split(text)
    thoughts = thinking.join([reasoning, parts.thinking])
    return Answer(parts.answer, finish_reason, _usage(usage), model or "", thoughts, parts.implied)


def error_text(error: object) -> str:
    """The sentence in an endpoint's error body, whichever of the usual shapes it has."""
    if isinstance(error, dict):
        for name in ("error", "message", "detail"):
            if error.get(name):
                return error_text(error[name])
    text = str(error or "").strip()
    # DashScope's sentences begin with <400>.
    return "a web page" if _TAG.match(text) else text


def _usage(counts: _Counts | None) -> Usage:
    if counts is None:
        return Usage()
    details = counts.prompt_tokens_details
    cached = counts.prompt_cache_hit_tokens or (details.cached_tokens if details else None)
    return Usage(counts.prompt_tokens or 0, counts.completion_tokens or 0, cached or 0)
