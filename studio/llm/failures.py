"""What went wrong with an endpoint, in words a person can act on. Pure."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

from studio.errors import ModelError, PassingError, RefusedError

LONGEST_WORDS = 300
"""Characters of an endpoint's own words that an error repeats."""

_KEY_LIKE = re.compile(r"\bsk-[\w*.\-]{4,}|\bBearer\s+\S+", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.?(length|size|window)|maximum context|too many tokens|exceed_context|context_exceeded"
    r"|range of input length|string_above_max_length|max_tokens must be at least 1, got -"
    r"|(prompt|input|request)\b.{0,40}\btoo (long|large)",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content.?filter|content.?management.?policy|usage policy|responsibleai|content exists risk|data.?inspection"
    r"|inappropriate content|(sensitive|unsafe|harmful).{0,20}content|high risk|moderation|input was flagged"
    r"|不安全|敏感内容",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model.{0,80}(not.?(found|exist)|does not exist|unknown|no such)|(unknown|invalid|no such) model",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient.?(quota|balance|funds)|billing|arrearage|good standing|exceeded your current quota", re.IGNORECASE
)
# DashScope says insufficient_quota for tokens a minute too, with these words.
_RATE_NOT_CREDIT = re.compile(r"allocated quota exceeded|throttling|per (second|minute)", re.IGNORECASE)
_NO_MEMORY = re.compile(r"requires more system memory", re.IGNORECASE)
# What the settings say for every request alike; the rest of a body differs from row to row.
_SETTING = re.compile(
    r"\b(temperature|top_p|max_tokens|max_completion_tokens|max_output_tokens|response_format|stop|stream(?:_options)?)\b"
)
_PASSING_STATUS = frozenset({408, 409, 425, 429})

Service = Literal["chat", "embeddings"]


class Endpoint(msgspec.Struct, frozen=True):
    """What errors may say about an endpoint. key_name: the variable that holds its key, "" when it has
    none. service: what is asked for there.
    """

    url: str
    key_name: str
    service: Service = "chat"

    @property
    def section(self) -> str:
        """Of the settings."""
        return "[model]" if self.service == "chat" else "[embeddings]"


class Refusal(msgspec.Struct, frozen=True):
    """An HTTP answer other than 200. code and words: the endpoint's own, words already cleaned. param: the part of
    the request it complains of.
    """

    status: int
    code: str
    words: str
    retry_after: float | None
    param: str = ""

    @property
    def said(self) -> str:
        """Code and words."""
        return f"{self.code} {self.words}"


def clean(text: str, secrets: Collection[str]) -> str:
    """Text from outside on one line, without secrets or anything like a key, cut to LONGEST_WORDS."""
    for secret in secrets:
        text = text.replace(secret, "[key]")
    text = " ".join(_KEY_LIKE.sub("[key]", text).split())
    return text if len(text) <= LONGEST_WORDS else text[: LONGEST_WORDS - 1] + "…"


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds the endpoint asks us to wait (RFC 9110 10.2.3: seconds or a date; also retry-after-ms), or
    None.
    """
    for name, seconds_each in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            wait = float(value) * seconds_each
        except ValueError:
            try:
                wait = parsedate_to_datetime(value).timestamp() - now()
            except (ValueError, OverflowError):
                continue
        if math.isfinite(wait):
            return max(0.0, wait)
    return None


def means_unknown_model(refusal: Refusal) -> bool:
    """Whether the endpoint does not have the model (404, or 400 in words)."""
    return refusal.status == 404 or (refusal.status == 400 and bool(_UNKNOWN_MODEL.search(refusal.said)))


def refused(endpoint: Endpoint, refusal: Refusal, model: str, offered: Collection[str] = ()) -> ModelError:
    """The error for an HTTP answer other than 200.

    A PassingError when asking again may help, a RefusedError when only this request is hopeless, else a ModelError:
    it would meet every request. offered: ids of the models the endpoint has, if known.
    """
    status, where, said = refusal.status, endpoint.url, refusal.said
    quoted = quote(refusal.words)
    if status == 401:
        return _bad_key(endpoint)
    if status in (400, 403, 422) and _FILTERED.search(said):
        return RefusedError(
            f"The content filter of {where} refuses this request ({status}){quoted}",
            hint="Reword the row, or ask another model.",
        )
    if status == 402 or (status in (400, 403, 429) and _NO_CREDIT.search(said) and not _RATE_NOT_CREDIT.search(said)):
        return ModelError(
            f"The account at {where} has no credit left ({status}){quoted}", hint="Top it up, then resume."
        )
    if status == 403:
        return ModelError(f"{where} denies access (403){quoted}", hint=_key_hint(endpoint))
    if status in (400, 413, 422, 500) and _TOO_LONG.search(said):
        what = "Shorten the row, lower max_tokens" if endpoint.service == "chat" else "Lower cutoff in [embeddings]"
        return RefusedError(
            f"The request is longer than the context of {model} ({status}){quoted}",
            hint=f"{what}, or choose a model with a longer context.",
        )
    if _NO_MEMORY.search(said):
        return ModelError(f"{where} cannot load {model} ({status}){quoted}", hint="Choose a smaller model.")
    if status in _PASSING_STATUS or status >= 500:
        return _passing(where, refusal)
    if means_unknown_model(refusal):
        return _unknown_model(endpoint, refusal, model, offered)
    return _invalid(endpoint, refusal)


def unreachable(endpoint: Endpoint, reason: str, *, made: bool) -> ModelError:
    """The error for a connection that broke after it was made, or was not. reason: the cause's own words."""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return ModelError(
            f"The certificate of {endpoint.url} is not trusted.",
            hint="Check base_url and this machine's clock.",
        )
    reason = reason.rstrip(".")
    if made:
        return PassingError(f"The connection to {endpoint.url} broke ({reason}).", paid=True)
    return PassingError(
        f"No connection to {endpoint.url} ({reason}).", hint="Is the server running there? Check base_url."
    )


def silent(endpoint: Endpoint, what: str, seconds: float) -> PassingError:
    """The error for an endpoint that kept us waiting. what: "a connection", "the whole answer", "the first word",
    "the next word", "the vectors".
    """
    return PassingError(
        f"{endpoint.url} kept us waiting {seconds:g} s for {what}.",
        paid=what != "a connection",
        hint="It may be overloaded.",
    )


def broken(endpoint: Endpoint, what: str, *, paid: bool = False) -> PassingError:
    """The error for an answer that is none. what: a clause such as "sent something that is not JSON"."""
    return PassingError(
        f"{endpoint.url} {what}.", paid=paid, hint="If this goes on, check base_url; it usually ends in /v1."
    )


def _passing(where: str, refusal: Refusal) -> PassingError:
    limited = refusal.status == 429
    return PassingError(
        f"{where} {'limits our rate' if limited else 'has trouble'} ({refusal.status}){quote(refusal.words)}",
        retry_after=refusal.retry_after,
        limited=limited,
        hint="Lower the concurrency or set rpm if this goes on." if limited else "",
    )


def _invalid(endpoint: Endpoint, refusal: Refusal) -> ModelError:
    """The error for a request the endpoint takes for wrong: its settings are every request's, its texts its own."""
    message = f"{endpoint.url} refused the request ({refusal.status}){quote(refusal.words)}"
    setting = _SETTING.search(f"{refusal.param} {refusal.words}")
    if refusal.param.startswith("messages"):
        setting = None
    if setting is None and refusal.status in (400, 413, 422):
        hint = f"Look at the row; if every row meets this, check the {endpoint.section} settings."
        return RefusedError(message, hint=hint)
    what = f"Change {setting[1]}; this model" if setting else f"Check the {endpoint.section} settings; this endpoint"
    return ModelError(message, hint=f"{what} does not take it.")


def _bad_key(endpoint: Endpoint) -> ModelError:
    if endpoint.key_name:
        return ModelError(
            f"{endpoint.url} does not accept the key in {endpoint.key_name} (401).", hint=_key_hint(endpoint)
        )
    return ModelError(f"{endpoint.url} wants a key (401).", hint=_key_hint(endpoint))


def _key_hint(endpoint: Endpoint) -> str:
    if endpoint.key_name:
        return f"Set {endpoint.key_name} to a valid key and start the studio again."
    return "Name the variable that holds the key as api_key_env in studio.toml."


def _unknown_model(endpoint: Endpoint, refusal: Refusal, model: str, offered: Collection[str]) -> ModelError:
    if model in offered or not offered:
        said = quote(refusal.words)
        return ModelError(
            f"{endpoint.url} has no model {model}, or no {endpoint.service} there ({refusal.status}){said}",
            hint="Check model and base_url; base_url usually ends in /v1.",
        )
    listed = ", ".join(sorted(offered)[:8]) + (" and more" if len(offered) > 8 else "")
    return ModelError(f"{endpoint.url} has no model {model} ({refusal.status}).", hint=f"It offers: {listed}.")


def quote(words: str) -> str:
    """An endpoint's own words as the end of a sentence, "" as its full stop."""
    return f": {words.rstrip('.')}." if words else "."
