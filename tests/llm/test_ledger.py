from __future__ import annotations

import asyncio
import time

import pytest

from studio.errors import PassingError, StudioError
from studio.llm.chat import Reply, Request
from studio.llm.ledger import LedgerChat
from tests.support.fake_chat import FakeChat

HARBOUR = Request("fake", (("user", "Describe a harbour at dawn."),))
LANTERN = Request("fake", (("user", "描述一盏灯笼。"),))


class Shelf:
    """A ReplyStore in memory. moments: how many replies had been kept at each sync."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, bytes]] = {}
        self.moments: list[int] = []

    def find(self, key: str) -> bytes | None:
        return self.kept[key][1] if key in self.kept else None

    def keep(self, key, request, reply) -> None:
        assert key not in self.kept
        self.kept[key] = (request, reply)

    def sync(self) -> None:
        self.moments.append(len(self.kept))


async def test_a_reply_is_kept_with_its_request_before_it_is_returned():
    shelf, fake = Shelf(), FakeChat()
    reply = await LedgerChat(fake, shelf).reply(HARBOUR)
    assert shelf.kept == {HARBOUR.key(): (HARBOUR.encode(), reply.encode())}
    assert not reply.replayed


async def test_a_stored_reply_is_replayed_without_a_request_and_told_in_one_piece():
    shelf = Shelf()
    paid = await LedgerChat(FakeChat(), shelf).reply(HARBOUR)
    fake, pieces = FakeChat(), []
    again = await LedgerChat(fake, shelf).reply(HARBOUR, pieces.append)
    assert fake.asked == []
    assert again.replayed
    assert again.text == paid.text
    assert pieces == [paid.text]
    assert not Reply.decode(shelf.find(HARBOUR.key())).replayed


async def test_a_failure_is_not_kept_and_asked_again():
    shelf = Shelf()
    answers = iter([PassingError("busy"), "fine"])
    fake = FakeChat(lambda _: next(answers))
    ledger = LedgerChat(fake, shelf)
    with pytest.raises(PassingError):
        await ledger.reply(HARBOUR)
    assert shelf.kept == {}
    assert (await ledger.reply(HARBOUR)).text == "fine"


def full(*_):
    raise StudioError("The disk is full.")


@pytest.mark.parametrize("step", ["keep", "sync"])
async def test_a_store_that_cannot_keep_lets_nobody_read_the_reply(step):
    shelf = Shelf()
    setattr(shelf, step, full)
    with pytest.raises(StudioError, match="full"):
        await LedgerChat(FakeChat(), shelf).reply(HARBOUR)


async def test_a_reply_is_synced_before_it_is_read_and_those_that_arrive_meanwhile_share_a_sync():
    class Slow(Shelf):
        def sync(self) -> None:
            time.sleep(0.05)
            super().sync()

    shelf = Slow()
    ledger = LedgerChat(FakeChat(delay=lambda request: 0.01 * bool(request.sample)), shelf)
    requests = [Request("fake", HARBOUR.messages, sample=number) for number in range(9)]
    read = []

    async def ask(request) -> None:
        await ledger.reply(request)
        read.append(len(shelf.moments))

    await asyncio.gather(*map(ask, requests))
    assert len(shelf.moments) == 2
    assert read == [1] + [2] * 8


async def test_one_question_in_flight_twice_is_asked_once_and_paid_once():
    shelf, fake = Shelf(), FakeChat(delay=0.01)
    ledger = LedgerChat(fake, shelf)
    replies = await asyncio.gather(*(ledger.reply(HARBOUR) for _ in range(5)), ledger.reply(LANTERN))
    assert fake.asked == [HARBOUR, LANTERN]
    assert [reply.replayed for reply in replies] == [False, True, True, True, True, False]
    assert len({reply.text for reply in replies[:5]}) == 1
    assert len(shelf.kept) == 2


async def test_samples_of_one_question_are_asked_each():
    fake = FakeChat(lambda request: f"sample {request.sample}")
    ledger = LedgerChat(fake, Shelf())
    requests = [Request("fake", HARBOUR.messages, sample=number) for number in range(3)]
    replies = await asyncio.gather(*(ledger.reply(request) for request in requests))
    assert [reply.text for reply in replies] == ["sample 0", "sample 1", "sample 2"]


async def test_a_listener_that_joins_in_the_middle_hears_everything():
    fake = FakeChat(lambda _: "one two three four five six seven eight")
    ledger, first, second = LedgerChat(fake, Shelf()), [], []
    three = asyncio.Event()

    def hear(piece: str) -> None:
        first.append(piece)
        if len(first) == 3:
            three.set()

    early = asyncio.create_task(ledger.reply(HARBOUR, hear))
    await three.wait()
    late = await ledger.reply(HARBOUR, second.append)
    assert "".join(first) == "".join(second) == late.text
    assert second[0].startswith("one two three ")
    assert len(second) > 2
    await early


async def test_a_listener_of_a_question_that_does_not_stream_hears_it_at_the_end():
    fake, pieces = FakeChat(delay=0.01), []
    ledger = LedgerChat(fake, Shelf())
    silent = asyncio.create_task(ledger.reply(HARBOUR))
    await asyncio.sleep(0)
    heard = await ledger.reply(HARBOUR, pieces.append)
    assert pieces == [heard.text]
    assert (await silent).text == heard.text


@pytest.mark.parametrize("leaver", [0, 1])
async def test_a_waiter_that_is_cancelled_leaves_the_other_its_answer(leaver):
    shelf, fake = Shelf(), FakeChat(delay=0.01)
    ledger = LedgerChat(fake, shelf)
    waiters = [asyncio.create_task(ledger.reply(HARBOUR)) for _ in range(2)]
    await asyncio.sleep(0.001)
    waiters[leaver].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiters[leaver]
    assert (await waiters[1 - leaver]).text
    assert fake.asked == [HARBOUR]
    assert len(shelf.kept) == 1


async def test_the_last_waiter_that_is_cancelled_drops_the_request():
    shelf, fake = Shelf(), FakeChat(delay=60)
    ledger = LedgerChat(fake, shelf)
    waiter = asyncio.create_task(ledger.reply(HARBOUR))
    await asyncio.sleep(0.001)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await asyncio.sleep(0)
    assert fake.answered == []
    assert len(asyncio.all_tasks()) == 1


async def test_a_question_dropped_and_asked_at_once_again_is_answered():
    delays = iter([60, 0])
    fake = FakeChat(delay=lambda _: next(delays))
    ledger = LedgerChat(fake, Shelf())
    waiter = asyncio.create_task(ledger.reply(HARBOUR))
    await asyncio.sleep(0.001)
    waiter.cancel()
    await asyncio.wait([waiter])
    assert (await ledger.reply(HARBOUR)).text


async def test_a_reply_that_has_arrived_is_kept_though_its_only_waiter_is_cancelled_at_that_moment():
    shelf = Shelf()

    def answer(_: Request) -> str:
        waiter.cancel()
        return "paid for"

    waiter = asyncio.create_task(LedgerChat(FakeChat(answer), shelf).reply(HARBOUR))
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert Reply.decode(shelf.find(HARBOUR.key())).text == "paid for"


async def test_a_waiter_cancelled_inside_keep_loses_nothing():
    class Cancelling(Shelf):
        def keep(self, key, request, reply) -> None:
            waiter.cancel()
            super().keep(key, request, reply)

    shelf = Cancelling()
    waiter = asyncio.create_task(LedgerChat(FakeChat(), shelf).reply(HARBOUR))
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert len(shelf.kept) == 1


async def test_close_drops_what_is_in_flight_and_closes_the_inner_model():
    fake = FakeChat(delay=60)
    ledger = LedgerChat(fake, Shelf())
    waiter = asyncio.create_task(ledger.reply(HARBOUR))
    await asyncio.sleep(0.001)
    await ledger.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert fake.closed == 1


async def test_it_goes_by_the_inner_models_name():
    ledger = LedgerChat(FakeChat(name="teacher"), Shelf())
    assert (ledger.name, ledger.model) == ("teacher", "teacher")


class Slow(Shelf):
    """A shelf whose syncs take 20 ms."""

    def sync(self) -> None:
        time.sleep(0.02)
        super().sync()


async def until(arrived) -> None:
    async with asyncio.timeout(5):
        while not arrived():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("way", ["waiter", "close"])
async def test_a_reply_that_waits_for_its_sync_is_kept_and_paid_once_whatever_ends_the_waiting(way):
    shelf, fake = Slow(), FakeChat()
    ledger = LedgerChat(fake, shelf)
    waiter = asyncio.create_task(ledger.reply(HARBOUR))
    await until(lambda: shelf.kept)
    if way == "close":
        await ledger.close()
    else:
        waiter.cancel()
    await asyncio.wait([waiter])
    assert (await ledger.reply(HARBOUR)).replayed
    assert fake.asked == [HARBOUR]


async def test_a_sync_that_fails_is_told_to_everybody_who_waits_for_it_and_the_next_may_succeed():
    shelf = Slow()
    ledger = LedgerChat(FakeChat(), shelf)
    shelf.sync = full
    outcomes = await asyncio.gather(ledger.reply(HARBOUR), ledger.reply(LANTERN), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["The disk is full."] * 2
    del shelf.sync
    assert (await ledger.reply(Request("fake", HARBOUR.messages, sample=1))).text
