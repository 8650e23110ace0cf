"""Vectors of texts from any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from studio.errors import ModelError, RefusedError
from studio.llm import failures, wire
from studio.llm.access import UNREADABLE, Access
from studio.llm.chat import Usage
from studio.llm.embedding import failures as embedding_failures
from studio.llm.embedding import wire as embeddings_wire
from studio.llm.openai_chat import OnHeaders, Timeouts
from studio.text.tokens import is_utf8

if TYPE_CHECKING:
    import httpx2
    import openai

    from studio.llm.embedding.wire import Answer, Vector

# Asked through the client's plain post(): client.embeddings would decode as it sees fit, and some endpoints send lists
# where it has asked for base64.
_PATH = "/embeddings"


class TooManyError(RefusedError):
    """The endpoint takes fewer texts in a request: so many."""

    def __init__(self, message: str, most: int) -> None:
        super().__init__(message, hint=f"Set batch = {most} in [embeddings].")
        self.most = most


class Embedded(msgspec.Struct, frozen=True):
    """A whole answer: a row of numbers for each text, in their order, as the model made it.

    Rows need not be of length one, nor have a direction at all (`curate.duplicates.semantic.has_direction`).
    model: the one that answered, in the endpoint's words. seconds: from asking to the answer.
    """

    vectors: Vector
    usage: Usage
    model: str
    seconds: float


class EmbeddingModel(Protocol):
    """Anything that makes vectors of texts."""

    @property
    def name(self) -> str:
        """How people know it."""

    @property
    def model(self) -> str:
        """The id it is asked for by."""

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """A vector for each text.

        Raises PassingError when asking again may help, TooManyError when fewer texts would, RefusedError when one of
        the texts is hopeless (nobody says which), ModelError when every request is.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. Closing twice is fine."""


class OpenAIEmbeddings:
    """Asks POST base_url/embeddings through openai.AsyncOpenAI, once a call (retries are the caller's).

    base_url, api_key_env: see `access.Access`, and what it raises. model: the id to ask for. dimensions: of a vector, 0
    for the model's own. prefix: what stands before each text. timeouts: connect and total count. on_headers: settable,
    see OnHeaders.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key_env: str = "",
        dimensions: int = 0,
        prefix: str = "",
        timeouts: Timeouts | None = None,
    ) -> None:
        self.name = model
        self.model = model
        self.on_headers: OnHeaders | None = None
        self._dimensions = dimensions
        self._prefix = prefix
        self._timeouts = timeouts or Timeouts()
        self._access = Access(base_url, api_key_env=api_key_env, connect=self._timeouts.connect, service="embeddings")
        self._in_base64 = True
        self._client: openai.AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """The endpoint's vectors. Raises as `EmbeddingModel.embed`; no error ever holds the key."""
        try:
            return await self._embed([self._prefix + text for text in texts])
        except ModelError as error:
            error.title = "Embeddings"
            raise

    async def close(self) -> None:
        """Close the connections. A later question opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _opened(self) -> openai.AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                # In a thread, since importing openai takes a third of a second in which nothing could be painted.
                self._client = await asyncio.to_thread(self._access.open)
            return self._client

    async def _embed(self, sent: Sequence[str]) -> Embedded:
        if not all(map(is_utf8, sent)):
            raise RefusedError(
                "A text cannot be written as UTF-8; it was not sent.", hint="Look for broken characters in the row."
            )
        started = time.perf_counter()
        try:
            answer = await self._ask(sent)
        except _NoBase64Error:
            self._in_base64 = False
            answer = await self._ask(sent)
        width, wanted = answer.vectors.shape[1], self._dimensions
        if wanted and width != wanted:
            raise ModelError(
                f"{self._access.endpoint.url} gave vectors of {width} dimensions where {wanted} were asked for.",
                hint="Set dimensions = 0 in [embeddings]: this model has its own only.",
            )
        return Embedded(answer.vectors, answer.usage, answer.model or self.model, time.perf_counter() - started)

    async def _ask(self, sent: Sequence[str]) -> Answer:
        client = await self._opened()
        import openai

        # The failure is raised after its except block: as __context__, openai's error would carry the request's
        # headers.
        failure: Exception
        in_base64 = self._in_base64
        try:
            return await self._whole(client, sent, in_base64=in_base64)
        except openai.APIStatusError as error:
            failure = await self._refused(client, error, len(sent), in_base64=in_base64)
        except embeddings_wire.ErrorReplyError as error:
            words = self._access.clean(error.words)
            none = embedding_failures.no_embeddings(self._access.endpoint, words, words)
            failure = none or self._access.failure(error)
        except (openai.APIError, wire.BrokenReplyError, *UNREADABLE) as error:
            failure = self._access.failure(error)
        raise failure

    async def _whole(self, client: openai.AsyncOpenAI, sent: Sequence[str], *, in_base64: bool) -> Answer:
        # The client's own type for an answer as it came, with its headers.
        from httpx2 import Response

        body = embeddings_wire.body(self.model, sent, self._dimensions, in_base64=in_base64)
        try:
            async with asyncio.timeout(self._timeouts.total):
                response: httpx2.Response = await client.post(_PATH, body=body, cast_to=Response)
        except TimeoutError:
            raise failures.silent(self._access.endpoint, "the vectors", self._timeouts.total) from None
        if self.on_headers is not None:
            self.on_headers(response.headers)
        return embeddings_wire.read(response.content, len(sent))

    async def _refused(
        self, client: openai.AsyncOpenAI, error: openai.APIStatusError, texts: int, *, in_base64: bool
    ) -> Exception:
        refusal, endpoint = self._access.refusal(error), self._access.endpoint
        if in_base64 and embedding_failures.means_no_base64(refusal):
            return _NoBase64Error()
        if (most := embedding_failures.means_too_many(refusal, texts)) is not None:
            said = failures.quote(refusal.words)
            return TooManyError(f"{endpoint.url} refuses {texts} texts in one request ({refusal.status}){said}", most)
        offered = await self._access.offered(client) if failures.means_unknown_model(refusal) else ()
        return embedding_failures.refused(endpoint, refusal, self.model, offered)


class _NoBase64Error(Exception):
    """The endpoint wants numbers to be asked for as numbers."""
