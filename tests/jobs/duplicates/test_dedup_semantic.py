"""Duplicates by meaning, from the command to the store, against the loopback server's vectors."""

from __future__ import annotations

import pytest

from studio.jobs.duplicates.dedup_events import DuplicatesFound
from studio.session import Session
from studio.settings import DedupSettings
from studio.store.project import create
from tests.support.chat_server import ChatServer, Fault
from tests.support.projects import bring_in, drain

ROWS = [
    {"instruction": "Explain how the harbour crane lifts a container", "output": "a"},
    {"instruction": "Explain how the harbour cranes lift containers", "output": "b"},
    {"instruction": "说明港口的起重机怎样吊起集装箱", "output": "c"},
    {"instruction": "说明港口起重机怎么吊起集装箱", "output": "d"},
    {"instruction": "What is the deepest lake of the north?", "output": "e"},
    {"instruction": "What is the deepest lake of the north?", "output": "f"},
    {"instruction": "Explain how the harbour crane lifts a container", "output": "A."},
]


async def searched(folder, server, **chosen):
    flags = {"embeddings": {"base_url": server.url, "model": "teacher-small", "batch": 2}}
    session = Session.open(folder, flags=flags, must_write=True)
    try:
        return await drain(session.review.find_duplicates(DedupSettings(method="semantic", threshold=0.6, **chosen)))
    finally:
        await session.close()


@pytest.fixture
async def folder(tmp_path):
    create(tmp_path / "p")
    session = Session.open(tmp_path / "p", must_write=True)
    await bring_in(session, tmp_path / "rows.jsonl", ROWS)
    await session.close()
    return tmp_path / "p"


async def test_rows_of_like_meaning_equal_rows_and_conflicts_are_told_apart(folder):
    async with ChatServer() as server:
        *_, found = await searched(folder, server)
    assert isinstance(found, DuplicatesFound)
    kinds = {pair[:2]: pair[3] for pair in found.pairs}
    assert kinds[1, 7] == "exact"
    assert kinds[5, 6] == "conflict"
    assert kinds[1, 2] == kinds[3, 4] == "semantic"
    assert all(0.6 <= pair[2] <= 1 for pair in found.pairs)
    assert not {pair for pair in kinds if set(pair) & {1, 2, 7} and set(pair) & {5, 6}}


async def test_vectors_are_paid_for_once(folder):
    async with ChatServer() as server:
        first = await searched(folder, server)
        asked = len(server.asked)
        again = await searched(folder, server)
        assert asked > 0
        assert len(server.asked) == asked
    assert first[-1].pairs == again[-1].pairs


async def test_a_refusal_keeps_what_was_paid_and_the_next_search_asks_for_the_rest(folder):
    from studio.errors import ModelError

    async with ChatServer([Fault(), Fault("status", status=401, text="no such key")]) as server:
        with pytest.raises(ModelError):
            await searched(folder, server)
        asked = len(server.asked)
        await searched(folder, server)
        assert len(server.asked) > asked


async def test_without_an_endpoint_it_says_what_to_do(folder, tmp_path):
    from studio.errors import UsageError

    session = Session.open(folder, must_write=True)
    with pytest.raises(UsageError) as caught:
        await drain(session.review.find_duplicates(DedupSettings(method="semantic")))
    assert "embeddings" in str(caught.value)
    await session.close()
