"""How fast an endpoint may be asked. Pure: every moment is given, in seconds of any clock that only goes forward."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.llm.chat import Reply, Request, Usage

_MINUTE = 60.0
_ROUNDING = 1e-9
_FIRST_GUESS = 512
_MEMORY = 100
_FIRST_HOLD = 1.0
_LONGEST_HOLD = 60.0
_LONGEST_PAUSE = 600.0
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPANS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Limits(msgspec.Struct, frozen=True):
    """What an endpoint takes: requests at once, requests a minute, tokens a minute; 0 a minute: no limit."""

    concurrency: int
    rpm: int = 0
    tpm: int = 0


class Bucket:
    """A minute's allowance, spread out: a second's worth at once, the rest as time goes by.

    No 60 seconds, wherever they begin, get more than the allowance (plus one amount, where that is larger than a
    second's worth). An amount that turns out to be another is settled, and may leave a debt.
    """

    def __init__(self, a_minute: int, now: float) -> None:
        self._most = max(1.0, a_minute / _MINUTE)
        self._rate = (a_minute - self._most + 1) / _MINUTE
        self._level = self._most
        self._at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until the amount may be taken."""
        self._fill(now)
        missing = min(amount, self._most) - self._level
        return missing / self._rate if missing > _ROUNDING else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take the amount, even when it is more than is left."""
        self._fill(now)
        self._level -= amount

    def settle(self, taken: float, used: float) -> None:
        """Replace an amount that was taken by the amount that was used."""
        self._level = min(self._most, self._level + taken - used)

    def _fill(self, now: float) -> None:
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now


class Pace:
    """When the next request to one endpoint may leave, learning from what happens to those before it.

    Concurrency follows additive increase, multiplicative decrease (Chiu and Jain, 1989): a refusal for the rate halves
    it, once for all requests that were under way then; each round of answers adds one, up to the limit. A
    refusal also holds every request back: as long as the endpoint asks for (ten minutes at most), else 1 s, doubling up
    to 60 s with each refusal in a row.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.in_flight = 0
        self.window = float(limits.concurrency)
        self.held_until = -math.inf
        self._last_cut = -math.inf
        self._cuts_in_a_row = 0
        self.change(limits, now)

    def change(self, limits: Limits, now: float) -> None:
        """Use other limits from now on."""
        self.limits = limits
        self.window = float(limits.concurrency)
        self._requests = Bucket(limits.rpm, now) if limits.rpm else None
        self._tokens = Bucket(limits.tpm, now) if limits.tpm else None

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until a request of so many tokens may leave; infinite while only an answer can make room."""
        if self.in_flight >= int(self.window):
            return math.inf
        wait = max(0.0, self.held_until - now)
        if self._requests is not None:
            wait = max(wait, self._requests.wait(1, now))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(tokens, now))
        return wait

    def leave(self, tokens: float, now: float) -> None:
        """Note that a request of about so many tokens leaves."""
        self.in_flight += 1
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)

    def land(self, tokens: float, used: float) -> None:
        """Note that a request ended, with or without an answer. tokens: as in `leave`; used: what it took."""
        self.in_flight -= 1
        if self._tokens is not None:
            self._tokens.settle(tokens, used)

    def answered(self, left: float) -> None:
        """Note the answer to the request that left at this moment: the window grows."""
        if left >= self._last_cut:
            self._cuts_in_a_row = 0
        self.window = min(float(self.limits.concurrency), self.window + 1 / self.window)

    def limited(self, left: float, now: float, retry_after: float | None) -> None:
        """The request that left at this moment was refused for the rate: halve the window, hold requests back."""
        if left >= self._last_cut:
            # The refused request still counts as in flight: that many at once were too many.
            self.window = max(1.0, min(self.window, self.in_flight) / 2)
            self._last_cut = now
            self._cuts_in_a_row += 1
        if retry_after is None:
            retry_after = min(_LONGEST_HOLD, _FIRST_HOLD * 2.0 ** min(16, self._cuts_in_a_row - 1))
            if now < self.held_until:
                return
        self.hold(now + min(_LONGEST_PAUSE, retry_after))

    def hold(self, until: float) -> None:
        """Let no request leave before this moment."""
        self.held_until = max(self.held_until, until)


class Guess:
    """How many tokens a request will take, from its prompt and from the answers before it."""

    def __init__(self) -> None:
        self._mean = 0.0
        self._seen = 0

    def tokens(self, request: Request) -> Usage:
        """Of the prompt, estimated; of the answer, the mean of the last hundred or so, before the first what
        max_tokens allows.
        """
        most = request.max_tokens or (_FIRST_GUESS if not self._seen else math.inf)
        answer = min(most, self._mean) if self._seen else most
        return Usage(prompt_tokens(request), math.ceil(answer))

    def learn(self, usage: Usage) -> None:
        """Take an answer into the mean."""
        self._seen = min(self._seen + 1, _MEMORY)
        self._mean += (usage.completion_tokens - self._mean) / self._seen


def prompt_tokens(request: Request) -> int:
    """About how many tokens the prompt has, with what a chat template adds to each message."""
    return sum(estimate_tokens(content) + 5 for _, content in request.messages)


def used(request: Request, reply: Reply) -> Usage:
    """The tokens a reply took: as the endpoint counted, else estimated."""
    if reply.usage.prompt_tokens or reply.usage.completion_tokens:
        return reply.usage
    return Usage(prompt_tokens(request), estimate_tokens(reply.text) + estimate_tokens(reply.thinking))


def pause(headers: Mapping[str, str], tokens: float) -> float:
    """Seconds to wait before the next request of about so many tokens, by the x-ratelimit headers of an answer.

    https://platform.openai.com/docs/guides/rate-limits: limit, remaining, and the time in which all of it is back.
    """
    longest = 0.0
    for kind, wanted in (("requests", 1.0), ("tokens", tokens)):
        remaining = headers.get(f"x-ratelimit-remaining-{kind}")
        if remaining is None:
            continue
        try:
            left, most = float(remaining), float(headers.get(f"x-ratelimit-limit-{kind}", "nan"))
        except ValueError:
            continue
        if left < wanted:
            back = _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
            share = (wanted - left) / (most - left) if most > left else 1.0
            longest = max(longest, back * min(1.0, share))
    # Where a day's allowance is gone, the next answer says so in words; hours of silence would not.
    return longest if longest <= _LONGEST_PAUSE else 0.0


def _seconds(span: str) -> float:
    """A span such as 6m0s, 1.5s, 20ms or 7 in seconds; 0 for anything else."""
    if parts := _SPAN.findall(span):
        return sum(float(number) * _SPANS[unit] for number, unit in parts)
    try:
        return max(0.0, float(span))
    except ValueError:
        return 0.0
