"""The way to an OpenAI-compatible endpoint: its address, its key, clients for it, and what their errors mean."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from studio.errors import ModelError
from studio.llm import failures, wire
from studio.llm.endpoints import is_loopback

if TYPE_CHECKING:
    import openai

UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError, RecursionError)
"""What the client raises for an answer that is no JSON."""

_NO_KEY = "none"
_LISTING_SECONDS = 5.0


class Access:
    """An endpoint to be asked through openai.AsyncOpenAI. No error it makes holds the key.

    base_url: with its version part, such as https://api.openai.com/v1. api_key_env: the environment variable that holds
    the key; it may be unset for an endpoint on this machine, and "" means that no key is wanted. api_key: the key
    itself, for endpoints we start ourselves. connect: seconds of patience for a connection. keep_alive: whether
    connections are used again. service: what is asked for there.

    Raises ModelError when the address is no http(s) one, holds a password, would send a key unencrypted to another
    machine, or when the key's variable is unset or unusable.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key_env: str = "",
        api_key: str | None = None,
        connect: float = 10.0,
        keep_alive: bool = True,
        service: failures.Service = "chat",
    ) -> None:
        self.endpoint = failures.Endpoint(_shown(base_url), api_key_env, service)
        self._base_url = base_url
        self._key = _key(self.endpoint, base_url, api_key)
        self._connect = connect
        self._keep_alive = keep_alive

    def open(self) -> openai.AsyncOpenAI:
        """A new client. It imports openai, which takes a third of a second: not on an event loop's thread."""
        import openai

        options: dict[str, Any] = {}
        if is_loopback(self._base_url):
            # A proxy from the environment cannot reach this machine's own servers.
            options["http_client"] = openai.DefaultAsyncHttpxClient(trust_env=False)
        if not self._keep_alive:
            options["default_headers"] = {"Connection": "close"}
        timeout = openai.Timeout(None, connect=self._connect)
        return openai.AsyncOpenAI(base_url=self._base_url, api_key=self._key, max_retries=0, timeout=timeout, **options)

    def failure(self, error: Exception) -> ModelError:
        """What an error means that is no HTTP status: the client's, or that of reading the answer."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            return failures.silent(self.endpoint, "a connection", self._connect)
        if isinstance(error, openai.APIConnectionError):
            made = type(error.__cause__).__name__ != "ConnectError"
            return failures.unreachable(self.endpoint, self.clean(_cause(error)), made=made)
        if isinstance(error, openai.APIError):
            return failures.broken(self.endpoint, self.clean(f"sent an error: {wire.error_text(error.message)}"))
        if isinstance(error, wire.BrokenReplyError):
            return failures.broken(self.endpoint, self.clean(str(error)), paid=error.paid)
        return failures.broken(self.endpoint, "sent something that is not JSON")

    def refusal(self, error: openai.APIStatusError) -> failures.Refusal:
        """What an HTTP answer other than 200 says."""
        return failures.Refusal(
            error.status_code,
            self.clean(f"{error.code or ''} {error.type or ''}"),
            self.clean(wire.error_text(error.body)),
            failures.retry_after(error.response.headers),
            self.clean(str(error.param or "")),
        )

    def clean(self, text: str) -> str:
        """Text from outside, fit for an error: see `failures.clean`."""
        return failures.clean(text, [] if self._key == _NO_KEY else [self._key])

    async def offered(self, client: openai.AsyncOpenAI) -> tuple[str, ...]:
        """The ids of the endpoint's models, () when it does not say quickly."""
        import openai

        with contextlib.suppress(openai.OpenAIError, TimeoutError, ValueError, TypeError, AttributeError):
            async with asyncio.timeout(_LISTING_SECONDS):
                page = await client.models.list()
            return tuple(self.clean(str(model.id)) for model in page.data)
        return ()


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
