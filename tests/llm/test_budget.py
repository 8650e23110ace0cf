from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import BudgetError, PassingError, UsageError
from studio.llm.budget import Budget, Budgeted, Due, Spent
from studio.llm.chat import Reply, Request, Usage
from studio.llm.ledger import LedgerChat
from studio.llm.prices import Price
from studio.settings import BudgetSettings
from tests.llm.test_ledger import Shelf
from tests.support.fake_chat import FakeChat
from tests.support.virtual_time import run

PRICE = Price(input=1.0, output=10.0, cached=0.5)


def asked(number: int) -> Request:
    return Request("fake", (("user", f"Describe harbour {number}."),), max_tokens=200)


def answering(prompt: int = 10, completion: int = 100, cached: int = 0) -> FakeChat:
    return FakeChat(lambda _: Reply("fine", "stop", Usage(prompt, completion, cached), "fake", 1.0), delay=1.0)


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask_all(chat, number: int) -> list[BaseException | Reply]:
    return await asyncio.gather(*(chat.reply(asked(index)) for index in range(number)), return_exceptions=True)


@pytest.mark.parametrize(
    ("caps", "answers", "says"),
    [
        (BudgetSettings(requests=7), 7, "7 requests are made"),
        (BudgetSettings(tokens=1100), 10, "1,100 tokens are used"),
        (BudgetSettings(tokens=1101), 11, "1,101 tokens are used"),
        (BudgetSettings(usd=0.0101), 10, r"\$0.01 are spent"),
        (BudgetSettings(minutes=0.1), 24, "0.1 minutes are over"),
        (BudgetSettings(usd=0.011, tokens=330), 3, "330 tokens are used"),
    ],
)
def test_each_cap_ends_a_run_and_is_named(caps, answers, says):
    async def go():
        budget = Budget(caps, clock=now)
        fake = answering()
        lanes = iter(range(100))
        chat = Budgeted(fake, budget, PRICE)

        async def lane():
            for index in lanes:
                await chat.reply(asked(index))

        outcomes = await asyncio.gather(*(lane() for _ in range(4)), return_exceptions=True)
        assert all(isinstance(outcome, BudgetError) for outcome in outcomes)
        assert len(fake.answered) == len(fake.asked) == answers
        with pytest.raises(BudgetError, match=says):
            await chat.reply(asked(0))

    run(go())


def test_without_caps_there_is_no_end():
    async def go():
        budget = Budget(BudgetSettings(), clock=now)
        chat = Budgeted(answering(prompt=100, cached=40), budget, PRICE)
        assert not [reply for reply in await ask_all(chat, 50) if isinstance(reply, Exception)]
        assert budget.spent == Spent(50, 10_000, pytest.approx(50 * (60 + 20 + 1000) / 1e6), pytest.approx(1 / 60))
        assert budget.ended() is None

    run(go())


@given(
    st.integers(1, 5000),
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 16),
)
def test_a_cap_is_passed_by_no_more_than_what_was_in_flight(cap, answers, lanes):
    """Whatever answers cost: what is over the cap came with the requests under way when it was reached."""

    async def go():
        budget = Budget(BudgetSettings(tokens=cap), clock=now)
        script = iter(answers)

        def answer(_: Request) -> Reply | Exception:
            completion, fails = next(script, (50, False))
            return PassingError("500") if fails else Reply("fine", "stop", Usage(10, completion), "fake", 1.0)

        fake = FakeChat(answer, delay=lambda request: 1.0 + len(request.key()) % 3)
        chat = Budgeted(fake, budget, None)
        numbers = iter(range(1000))

        async def lane():
            for index in numbers:
                try:
                    await chat.reply(asked(index))
                except PassingError:
                    continue

        await asyncio.gather(*(lane() for _ in range(lanes)), return_exceptions=True)
        assert cap <= budget.spent.tokens < cap + lanes * 410
        assert budget.spent.usd is None

    run(go())


def test_near_a_cap_a_request_waits_for_those_under_way():
    async def go():
        fake = FakeChat(lambda request: next(answers), delay=1.0)
        answers = iter([Reply("fine", "stop", Usage(10, tokens), "fake", 1.0) for tokens in [100, *[10] * 100]])
        chat = Budgeted(fake, Budget(BudgetSettings(tokens=1000), clock=now), None)
        await chat.reply(asked(0))
        outcomes = await ask_all(chat, 100)
        # 890 tokens are left and each request is expected to take 110: nine leave. They take 20 each, so more may.
        assert 10 * 110 > 1000 > 9 * 110
        assert sum(isinstance(outcome, Reply) for outcome in outcomes) == 45
        assert sum(isinstance(outcome, BudgetError) for outcome in outcomes) == 55
        assert now() > 3

    run(go())


def test_what_may_have_been_charged_counts_and_what_was_refused_does_not():
    async def go():
        for error, tokens in ((PassingError("429"), 0), (PassingError("cut", paid=True), 210)):
            budget = Budget(BudgetSettings(tokens=1000), clock=now)
            with pytest.raises(PassingError):
                await Budgeted(FakeChat(lambda _, error=error: error), budget, PRICE).reply(asked(0))
            assert (budget.spent.requests, budget.spent.tokens) == (1, tokens)

    run(go())


def test_a_request_that_is_stopped_counts_as_charged():
    async def go():
        budget = Budget(BudgetSettings(tokens=1000), clock=now)
        asking = asyncio.create_task(Budgeted(answering(), budget, PRICE).reply(asked(0)))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.wait([asking])
        assert budget.spent.tokens == 210

    run(go())


def test_one_that_stops_waiting_for_room_leaves_the_others_theirs():
    async def go():
        budget = Budget(BudgetSettings(tokens=200), clock=now)
        chat = Budgeted(answering(10, 10), budget, None)
        first, second, third = (asyncio.create_task(chat.reply(asked(index))) for index in range(3))
        await asyncio.sleep(0.5)
        second.cancel()
        await asyncio.wait([first, second])
        assert (await third).text == "fine"
        assert budget.spent.requests == 2

    run(go())


async def test_replayed_replies_cost_nothing():
    shelf = Shelf()
    for spent in (3, 0):
        budget = Budget(BudgetSettings(requests=3))
        chat = LedgerChat(Budgeted(FakeChat(), budget, PRICE), shelf)
        for index in range(3):
            await chat.reply(asked(index))
        assert budget.spent.requests == spent
    await chat.reply(asked(3))
    assert budget.spent.requests == 1


def test_a_cap_in_money_needs_a_price():
    with pytest.raises(UsageError, match=r"price of fake is not known, so the cap of \$5\.00") as caught:
        Budgeted(FakeChat(), Budget(BudgetSettings(usd=5)), None)
    assert '[prices."fake"]' in caught.value.hint


def test_may_ask_counts_what_is_under_way_as_expected():
    async def go():
        budget = Budget(BudgetSettings(tokens=100), clock=now)
        due = Due(60, None)
        assert budget.may_ask()
        await budget.leave(due)
        assert budget.may_ask()
        await budget.leave(due)
        assert not budget.may_ask()
        assert budget.ended() is None
        budget.land(due, Due(10, None))
        assert budget.may_ask()

    run(go())
