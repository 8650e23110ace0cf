"""Asking again after a failure that may pass."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from studio.errors import PassingError

Answer = TypeVar("Answer")

OnRetry = Callable[[int, float, PassingError], None]
"""Called before each wait with the number of the try that failed (from 1), the seconds to wait, and the
failure.
"""

LONGEST_WAIT = 600.0
"""Seconds of Retry-After that are obeyed; a server that asks for more gets no further request."""


async def with_retries(
    call: Callable[[], Awaitable[Answer]],
    *,
    attempts: int = 6,
    base: float = 0.5,
    cap: float = 30.0,
    longest_wait: float = LONGEST_WAIT,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_retry: OnRetry | None = None,
) -> Answer:
    """What call returns, asked up to attempts times.

    Between tries it waits what the server's Retry-After says (plus up to 10 %, so that lanes do not come
    back all at once), else a random time between 0 and min(cap, base * 2 ** failures) seconds: exponential
    backoff with full jitter (M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). A
    streamed call starts its text anew on each try.

    Raises the last PassingError after the last try, or at once when Retry-After exceeds longest_wait; every
    other error at once.
    """
    for failed in range(1, attempts):
        try:
            return await call()
        except PassingError as error:
            wait = _wait(error, failed, base, cap, rng)
            if (error.retry_after or 0) > longest_wait:
                raise
            if on_retry is not None:
                on_retry(failed, wait, error)
        await sleep(wait)
    return await call()


def _wait(error: PassingError, failed: int, base: float, cap: float, rng: random.Random) -> float:
    if error.retry_after:
        return error.retry_after * rng.uniform(1.0, 1.1)
    return rng.uniform(0.0, min(cap, base * 2.0 ** (failed - 1)))
