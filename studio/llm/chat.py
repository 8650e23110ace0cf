"""What a chat model is: a request in, a reply out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol, Self

import msgspec
import orjson

from studio.errors import RefusedError, StudioError

Message = tuple[str, str]
"""(role, content); role is "system", "user" or "assistant"."""

OnText = Callable[[str], None]
"""Called with each piece of text as it arrives."""


# Fields at their default are left out of the encoding, so that a field added later does not change the keys
# of requests that do not use it: the replies already paid for stay found.
class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question to a chat model, with everything that decides its answer.

    messages: the conversation so far, oldest first. max_tokens: of the answer. response_format: as in the
    OpenAI API, for example a JSON schema. sample: which of several answers to the same question this one
    is; it is part of the key and not sent. None means "the endpoint's own default".
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    response_format: dict[str, Any] | None = None
    sample: int = 0
    presence_penalty: float | None = None
    frequency_penalty: float | None = None

    def encode(self) -> bytes:
        """The request as canonical JSON: equal requests give equal bytes.

        Raises RefusedError when a text cannot be written as UTF-8 (a lone surrogate).
        """
        fields = msgspec.to_builtins(self)
        for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty"):
            if name in fields:
                fields[name] = float(fields[name])
        try:
            return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise RefusedError(
                f"A request cannot be written as JSON ({error}); it was not sent.",
                hint="Look for broken characters in the row.",
            ) from None

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The request that encode() wrote. Raises StudioError when the bytes are something else."""
        try:
            return msgspec.json.decode(raw, type=cls)
        except msgspec.DecodeError as error:
            raise StudioError(f"A stored request cannot be read: {error}.", hint="Run: studio doctor") from None

    def key(self) -> str:
        """The request's name in the ledger: 32 hex digits of BLAKE2b over its canonical JSON."""
        return hashlib.blake2b(self.encode(), digest_size=16).hexdigest()


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens as the endpoint counted them; 0 where it did not say.

    completion_tokens: thinking included. cached_tokens: those of the prompt that the endpoint had at hand, and mostly
    sells for less.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole answer.

    text: the answer without the thoughts before it. finish_reason: "stop", "length" (cut by max_tokens),
    "content_filter" or what else the endpoint says. model: the one that answered, in the endpoint's words. seconds:
    from asking to the last piece. replayed: it cost nothing this time, because the ledger had it or another waiter paid
    for it; never stored as true. thinking: the thoughts, "" when there were none.
    """

    text: str
    finish_reason: str
    usage: Usage
    model: str
    seconds: float
    replayed: bool = False
    thinking: str = ""

    def encode(self) -> bytes:
        """The reply as JSON, for the ledger."""
        return msgspec.json.encode(msgspec.structs.replace(self, replayed=False))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The reply that encode() wrote. Raises StudioError when the bytes are something else."""
        try:
            return msgspec.json.decode(raw, type=cls)
        except msgspec.DecodeError as error:
            raise StudioError(f"A stored reply cannot be read: {error}.", hint="Run: studio doctor") from None


class ChatModel(Protocol):
    """Anything that answers requests."""

    @property
    def name(self) -> str:
        """How people know it."""

    @property
    def model(self) -> str:
        """The id to put into Request.model."""

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The answer. It streams only when on_text is given.

        Raises PassingError when asking again may help, RefusedError when this request is hopeless, ModelError when
        every request is.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and children. Closing twice is fine."""


class Ruler(Protocol):
    """A model that can tell beforehand whether a request fits."""

    @property
    def context(self) -> int:
        """Tokens that a prompt and its answer may have together."""

    async def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of the messages as a prompt, with what the chat template adds. Raises ModelError."""
        ...
