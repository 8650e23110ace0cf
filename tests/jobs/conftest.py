"""What tests of jobs share."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from studio.jobs.runs import lanes


@pytest.fixture
def no_waiting(monkeypatch):
    """What is asked again is asked at once."""

    async def at_once(_seconds):
        await asyncio.sleep(0)

    monkeypatch.setattr(lanes, "with_retries", partial(lanes.with_retries, sleep=at_once))
