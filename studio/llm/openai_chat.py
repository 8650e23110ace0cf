"""A chat model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from studio.errors import ModelError
from studio.llm import failures, wire
from studio.llm.chat import Message, OnText, Reply, Request
from studio.llm.endpoints import is_loopback

if TYPE_CHECKING:
    import httpx2
    import openai

# Asked through the client's plain post(): client.chat would import all of the SDK's types, a quarter of a second.
_PATH = "/chat/completions"
_COUNT_PATH = "/messages/count_tokens"
_NO_KEY = "none"
_USAGE_GRACE = 5.0
_LISTING_SECONDS = 5.0
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

    base_url: with its version part, such as https://api.openai.com/v1. model: the id to ask for.
    api_key_env: the environment variable that holds the key; it may be unset for an endpoint on this
    machine, and "" means that no key is wanted. api_key: the key itself, for endpoints we start ourselves.
    keep_alive: whether connections are used again. on_headers: settable, see OnHeaders.

    Raises ModelError when the address is no http(s) one, holds a password, would send a key unencrypted to
    another machine, or when the key's variable is unset or unusable.
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
        self._base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._keep_alive = keep_alive
        self._endpoint = failures.Endpoint(_shown(base_url), api_key_env)
        self._key = _key(self._endpoint, base_url, api_key)
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
        except openai.APITimeoutError:
            failure = failures.silent(self._endpoint, "a connection", self._timeouts.connect)
        except openai.APIConnectionError as error:
            made = type(error.__cause__).__name__ != "ConnectError"
            failure = failures.unreachable(self._endpoint, self._clean(_cause(error)), made=made)
        except openai.APIError as error:
            failure = failures.broken(self._endpoint, self._clean(f"sent an error: {wire.error_text(error.message)}"))
        except wire.BrokenReplyError as error:
            failure = failures.broken(self._endpoint, self._clean(str(error)), paid=error.paid)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            failure = failures.broken(self._endpoint, "sent something that is not JSON")
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
                line = _Line(await asyncio.to_thread(self._open))
                self._lines.append(line)
            return line

    def _open(self) -> openai.AsyncOpenAI:
        import openai

        options: dict[str, Any] = {}
        if is_loopback(self._base_url):
            # A proxy from the environment cannot reach this machine's own servers.
            options["http_client"] = openai.DefaultAsyncHttpxClient(trust_env=False)
        if not self._keep_alive:
            options["default_headers"] = {"Connection": "close"}
        timeout = openai.Timeout(None, connect=self._timeouts.connect)
        return openai.AsyncOpenAI(base_url=self._base_url, api_key=self._key, max_retries=0, timeout=timeout, **options)

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
        refusal = failures.Refusal(
            error.status_code,
            self._clean(f"{error.code or ''} {error.type or ''}"),
            self._clean(wire.error_text(error.body)),
            failures.retry_after(error.response.headers),
            self._clean(str(error.param or "")),
        )
        offered = await self._offered(client) if failures.means_unknown_model(refusal) else ()
        return failures.refused(self._endpoint, refusal, request.model, offered)

    async def _offered(self, client: openai.AsyncOpenAI) -> tuple[str, ...]:
        """The ids of the endpoint's models, () when it does not say quickly."""
        import openai

        with contextlib.suppress(openai.OpenAIError, TimeoutError, ValueError, TypeError, AttributeError):
            async with asyncio.timeout(_LISTING_SECONDS):
                page = await client.models.list()
            return tuple(self._clean(str(model.id)) for model in page.data)
        return ()

    def _tell(self, headers: Mapping[str, str]) -> None:
        if self.on_headers is not None:
            self.on_headers(headers)

    def _clean(self, text: str) -> str:
        return failures.clean(text, [] if self._key == _NO_KEY else [self._key])


def _shown(base_url: str) -> str:
    """The address as errors show it: without user, password and query."""
    try:
        parts = urlsplit(base_url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError("base_url is not an http address.", hint="It looks like https://api.openai.com/v1.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f"{parts.scheme}://{host}{port}{parts.path}"
    if parts.username or parts.password:
        raise ModelError(
            f"base_url holds a user or a password for {shown}.",
            hint="Put the key into api_key_env's variable.",
        )
    return shown


def _key(endpoint: failures.Endpoint, base_url: str, given: str | None) -> str:
    name = endpoint.key_name
    key = given or (os.environ.get(name, "").strip() if name else "")
    if not key:
        if name and not is_loopback(base_url):
            raise ModelError(
                f"{name} is not set, and {endpoint.url} needs a key.",
                hint=f'Set {name}, or api_key_env = "" in studio.toml if none is needed.',
            )
        return _NO_KEY
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(f"The key in {name} holds characters no key has.", hint=f"Set {name} anew, without quotes.")
    if urlsplit(base_url).scheme == "http" and not is_loopback(base_url):
        raise ModelError(
            f"The key in {name} would travel unencrypted to {endpoint.url}; nothing was sent.",
            hint='Use https, or api_key_env = "" if the server needs no key.',
        )
    return key


def _cause(error: BaseException) -> str:
    """The innermost words of a connection error."""
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return str(cause) or type(cause).__name__
