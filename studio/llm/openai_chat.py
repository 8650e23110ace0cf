"""A chat model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from studio.errors import ModelError
from studio.llm import failures, wire
from studio.llm.access import UNREADABLE, Access
from studio.llm.chat import Message, OnText, Reply, Request

if TYPE_CHECKING:
    import httpx2
    import openai

# Asked through the client's plain post(): client.chat would import all of the SDK's types, a quarter of a second.
_PATH = "/chat/completions"
_COUNT_PATH = "/messages/count_tokens"
_USAGE_GRACE = 5.0
# For each request, a client looks at every connection it has open (httpcore's pool): several clients with few
# connections each answer 64 lanes with a third less CPU than one with 64.
_CONNECTIONS = 8
_MOST_CLIENTS = 16


OnHeaders = Callable[[Mapping[str, str]], None]
"""Called with the headers of each answer, which may tell how much of the rate is left."""


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds of patience.

    first_token and silence (between two pieces) hold for streamed answers, however long they take as a
    whole; total holds for those that are not streamed.
    """

    connect: float = 10.0
    first_token: float = 120.0
    silence: float = 60.0
    total: float = 600.0


class _Line:
    """A client, and the requests it has under way."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client
        self.busy = 0


class OpenAIChat:
    """Asks POST base_url/chat/completions through openai.AsyncOpenAI, once a call (retries are the caller's).

    base_url, api_key_env, api_key, keep_alive: see `access.Access`, and what it raises. model: the id to ask for.
    on_headers: settable, see OnHeaders.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key_env: str = "",
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
        keep_alive: bool = True,
    ) -> None:
        self.name = model
        self.model = model
        self.on_headers: OnHeaders | None = None
        self._timeouts = timeouts or Timeouts()
        self._access = Access(
            base_url,
            api_key_env=api_key_env,
            api_key=api_key,
            connect=self._timeouts.connect,
            keep_alive=keep_alive,
        )
        self._endpoint = self._access.endpoint
        # OpenAI's own newer models refuse max_tokens; most other servers know nothing else.
        openai_itself = urlsplit(base_url).hostname == "api.openai.com"
        self._limit_name = "max_completion_tokens" if openai_itself else "max_tokens"
        self._lines: list[_Line] = []
        self._opening = asyncio.Lock()
        # Whether the last answer's thoughts began without a tag: then so will the next one's.
        self._implied = False

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The endpoint's answer. Raises ModelError or PassingError; neither ever holds the key."""
        line = self._free() or await self._opened()
        client = line.client
        import openai

        started = time.perf_counter()
        # The failure is raised after its except block: as __context__, openai's error would carry the
        # request's headers.
        failure: ModelError
        line.busy += 1
        try:
            answer = await (
                self._whole(client, request) if on_text is None else self._streamed(client, request, on_text)
            )
            self._implied = answer.implied
            return Reply(
                answer.text,
                answer.finish_reason,
                answer.usage,
                answer.model or request.model,
                time.perf_counter() - started,
                thinking=answer.thinking,
            )
        except openai.APIStatusError as error:
            failure = await self._refused(client, request, error)
        except (openai.APIError, wire.BrokenReplyError, *UNREADABLE) as error:
            failure = self._access.failure(error)
        finally:
            line.busy -= 1
        raise failure

    async def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of the messages as a prompt. Raises ModelError where the endpoint cannot say (llama.cpp's can)."""
        client = (self._free() or await self._opened()).client
        import openai

        body = {"model": self.model, "messages": [{"role": role, "content": content} for role, content in messages]}
        with contextlib.suppress(openai.OpenAIError, TimeoutError, LookupError, TypeError, ValueError):
            async with asyncio.timeout(self._timeouts.first_token):
                return int((await client.post(_COUNT_PATH, body=body, cast_to=dict[str, int]))["input_tokens"])
        raise failures.broken(self._endpoint, "does not count the tokens of a prompt")

    async def close(self) -> None:
        """Close the connections. A later reply opens new ones."""
        lines, self._lines = self._lines, []
        for line in lines:
            await line.client.close()

    def _free(self) -> _Line | None:
        """The least busy line, None where another one should be opened."""
        line = min(self._lines, key=lambda line: line.busy, default=None)
        return line if line and (line.busy < _CONNECTIONS or len(self._lines) >= _MOST_CLIENTS) else None

    async def _opened(self) -> _Line:
        async with self._opening:
            line = self._free()
            if line is None:
                # In a thread, since importing openai takes a third of a second in which nothing could be painted.
                line = _Line(await asyncio.to_thread(self._access.open))
                self._lines.append(line)
            return line

    async def _whole(self, client: openai.AsyncOpenAI, request: Request) -> wire.Answer:
        # The client's own type for an answer as it came, with its headers.
        from httpx2 import Response

        body = wire.body(request, self._limit_name, stream=False)
        try:
            async with asyncio.timeout(self._timeouts.total):
                response: httpx2.Response = await client.post(_PATH, body=body, cast_to=Response)
        except TimeoutError:
            raise failures.silent(self._endpoint, "the whole answer", self._timeouts.total) from None
        self._tell(response.headers)
        return wire.whole(response.content)

    async def _streamed(self, client: openai.AsyncOpenAI, request: Request, on_text: OnText) -> wire.Answer:
        from openai import APIConnectionError, AsyncStream

        heard = wire.Heard(on_text, implied=self._implied)
        limits = self._timeouts
        now = asyncio.get_running_loop().time
        body = wire.body(request, self._limit_name, stream=True)
        try:
            async with asyncio.timeout(limits.first_token) as clock:
                # Plain objects: building the SDK's typed chunks costs more CPU than everything else here.
                stream: AsyncStream[object] = await client.post(
                    _PATH,
                    body=body,
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
                self._tell(stream.response.headers)
                async with stream:
                    async for event in stream:
                        heard.take(event)
                        if heard.finish_reason:
                            clock.reschedule(now() + _USAGE_GRACE)
                        elif heard.spoke:
                            clock.reschedule(now() + limits.silence)
        except TimeoutError:
            if not heard.finish_reason:
                what, seconds = ("next", limits.silence) if heard.spoke else ("first", limits.first_token)
                raise failures.silent(self._endpoint, f"the {what} word", seconds) from None
        except APIConnectionError:
            # After finish_reason only the token counts are missing; the answer itself is whole and paid for.
            if not heard.finish_reason:
                raise
        return heard.answer()

    async def _refused(self, client: openai.AsyncOpenAI, request: Request, error: openai.APIStatusError) -> ModelError:
        refusal = self._access.refusal(error)
        offered = await self._access.offered(client) if failures.means_unknown_model(refusal) else ()
        return failures.refused(self._endpoint, refusal, request.model, offered)

    def _tell(self, headers: Mapping[str, str]) -> None:
        if self.on_headers is not None:
            self.on_headers(headers)
