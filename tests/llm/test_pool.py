from __future__ import annotations

import asyncio
import itertools

import pytest

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.chat import Request
from studio.llm.limits import Limits
from studio.llm.openai_chat import OpenAIChat
from studio.llm.pool import Pool
from tests.support.chat_server import ChatServer, Fault
from tests.support.fake_chat import FakeChat
from tests.support.virtual_time import run


def asked(number: int) -> Request:
    return Request("fake", (("user", f"Describe harbour {number}."),), max_tokens=50)


def now() -> float:
    return asyncio.get_running_loop().time()


def pool(*models, concurrency: int = 64, rpm: int = 0, tpm: int = 0) -> Pool:
    return Pool(models, Limits(concurrency, rpm, tpm), clock=now)


class Moody(FakeChat):
    """A fake that raises the next of these errors instead of answering, and remembers when it was asked."""

    def __init__(self, *errors: Exception, name: str = "fake", always: Exception | None = None, delay: float = 1.0):
        super().__init__(self._mood, name=name, delay=delay)
        self.errors, self.always = list(errors), always
        self.moments: list[float] = []
        self.at_once = self.most_at_once = 0

    def _mood(self, request):
        if self.errors:
            return self.errors.pop(0)
        return self.always or "fine"

    async def reply(self, request, on_text=None):
        self.moments.append(now())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await super().reply(request, on_text)
        finally:
            self.at_once -= 1


def limited(retry_after: float | None = None) -> PassingError:
    return PassingError("slow down", limited=True, retry_after=retry_after)


def together(chat: Pool, number: int):
    return asyncio.gather(*(chat.reply(asked(index)) for index in range(number)), return_exceptions=True)


def test_no_more_than_the_limit_are_under_way_and_each_leaves_as_soon_as_there_is_room():
    async def go():
        fake = Moody()
        await together(pool(fake, concurrency=4), 12)
        assert fake.most_at_once == 4
        assert fake.moments == [0.0] * 4 + [1.0] * 4 + [2.0] * 4
        assert fake.asked == [asked(index) for index in range(12)], "first come, first served"

    run(go())


def test_requests_a_minute_are_kept_to():
    async def go():
        fake = Moody(delay=0.0)
        await together(pool(fake, rpm=60), 61)
        assert fake.moments == pytest.approx([float(second) for second in range(61)])

    run(go())


def test_tokens_a_minute_are_estimated_before_and_put_right_afterwards():
    async def go():
        # 11 of the prompt and 1 of the answer, once it is known that answers are short.
        fake = Moody(delay=0.0)
        chat = pool(fake, tpm=1200)
        for index in range(100):
            await chat.reply(asked(index))
        spent = sum(reply.usage.prompt_tokens + reply.usage.completion_tokens for reply in [await chat.reply(asked(0))])
        assert spent == 4
        assert now() == pytest.approx(100 * 4 / (1200 / 60), rel=0.1)

    run(go())


def test_a_storm_holds_everybody_and_costs_nobody_an_answer():
    async def go():
        fake = Moody(*(limited(7.0) for _ in range(8)))
        replies = await together(pool(fake, concurrency=8), 16)
        assert [reply.text for reply in replies] == ["fine"] * 16
        assert fake.moments[:8] == [0.0] * 8
        assert fake.moments[8:12] == [8.0] * 4, "at half the concurrency, after the seven seconds"
        assert all(moment >= 8.0 for moment in fake.moments[8:])
        assert fake.asked[8:12] == [asked(index) for index in range(4)], "in the old order"

    run(go())


def test_an_endpoint_that_only_limits_is_given_up_after_eight_tries():
    async def go():
        fake = Moody(always=limited(), delay=0.0)
        with pytest.raises(PassingError, match="slow down"):
            await pool(fake).reply(asked(0))
        assert fake.moments == [0, 1, 3, 7, 15, 31, 63, 123]

    run(go())


def test_a_retry_after_of_a_day_is_told_at_once():
    async def go():
        fake = Moody(limited(86_400.0))
        with pytest.raises(PassingError):
            await pool(fake).reply(asked(0))
        assert len(fake.asked) == 1

    run(go())


def test_work_goes_to_the_least_loaded():
    async def go():
        quick, slow = Moody(name="quick", delay=1.0), Moody(name="slow", delay=4.0)
        await together(pool(quick, slow, concurrency=4), 28)
        assert len(slow.asked) == 8
        assert len(quick.asked) == 20
        assert now() == pytest.approx(8.0, abs=1)

    run(go())


def test_what_one_endpoint_limits_goes_to_another_at_once():
    async def go():
        tired, fresh = Moody(limited(30.0), name="tired"), Moody(name="fresh")
        chat = pool(tired, fresh)
        assert (await chat.reply(asked(0))).text == "fine"
        assert now() == 2.0
        assert [(state.held, state.limited) for state in chat.state()] == [(29.0, 1), (0.0, 0)]

    run(go())


def test_an_endpoint_that_breaks_rests_and_the_request_goes_on():
    async def go():
        broken, sound = Moody(PassingError("it broke"), name="broken"), Moody(name="sound")
        chat = pool(broken, sound)
        assert (await chat.reply(asked(0))).text == "fine"
        assert [state.trouble for state in chat.state()] == ["it broke", ""]
        await together(chat, 3)
        assert (len(broken.asked), len(sound.asked)) == (1, 4)
        await asyncio.sleep(5)
        await together(chat, 4)
        assert (len(broken.asked), len(sound.asked)) == (3, 6)
        assert [state.trouble for state in chat.state()] == ["", ""]

    run(go())


def test_each_rest_is_longer_than_the_last():
    async def go():
        broken, sound = Moody(always=PassingError("it broke"), name="broken", delay=0.0), Moody(name="sound", delay=0.0)
        chat = pool(broken, sound)
        while now() < 700:
            await chat.reply(asked(0))
            await asyncio.sleep(1)
        rests = [later - sooner for sooner, later in itertools.pairwise(broken.moments)]
        assert rests == [5, 10, 20, 40, 80, 160, 300]

    run(go())


def test_when_all_break_the_failure_is_told_and_all_are_tried_again_later():
    async def go():
        models = [Moody(PassingError(f"{name} broke"), name=name) for name in "ab"]
        chat = pool(*models)
        with pytest.raises(PassingError, match="b broke"):
            await chat.reply(asked(0))
        assert (await chat.reply(asked(0))).text == "fine"

    run(go())


def test_one_endpoint_alone_is_never_rested():
    async def go():
        fake = Moody(PassingError("it broke"))
        chat = pool(fake)
        with pytest.raises(PassingError):
            await chat.reply(asked(0))
        await chat.reply(asked(0))
        assert fake.moments == [0, 1]

    run(go())


@pytest.mark.parametrize("error", [RefusedError("filtered"), ModelError("no such model")])
def test_a_refusal_of_a_new_endpoint_is_told_at_once(error):
    async def go():
        sure, other = Moody(error, name="sure"), Moody(name="other")
        with pytest.raises(type(error), match=error.message):
            await pool(sure, other).reply(asked(0))
        assert other.asked == []

    run(go())


def test_an_endpoint_that_ran_out_of_credit_leaves_the_work_to_the_others():
    async def go():
        spent, rich = Moody(name="spent", delay=0.0), Moody(name="rich", delay=0.0)
        chat = pool(spent, rich)
        await chat.reply(asked(0))
        spent.errors.append(ModelError("no credit"))
        assert (await chat.reply(asked(1))).text == "fine"
        assert len(rich.asked) == 1

    run(go())


def test_text_that_was_heard_is_not_followed_by_another_answer():
    class Halfway(FakeChat):
        async def reply(self, request, on_text=None):
            on_text("half an ans")
            raise PassingError("it broke")

    async def go():
        other, heard = Moody(name="other"), []
        with pytest.raises(PassingError):
            await pool(Halfway(), other).reply(asked(0), heard.append)
        assert heard == ["half an ans"]
        assert other.asked == []

    run(go())


def test_who_is_cancelled_leaves_its_place_to_the_next():
    async def go():
        fake = Moody(delay=10.0)
        chat = pool(fake, concurrency=1)
        first, second, third = (asyncio.create_task(chat.reply(asked(index))) for index in range(3))
        await asyncio.sleep(1)
        assert chat.waiting == 2
        second.cancel()
        await asyncio.sleep(0)
        assert chat.waiting == 1
        first.cancel()
        await asyncio.wait([first, second])
        assert (await third).text == "fine"
        assert now() == 11.0
        assert chat.state()[0].in_flight == 0

    run(go())


def test_a_place_given_to_one_that_is_cancelled_at_that_moment_is_not_lost():
    async def go():
        chat = pool(Moody(), concurrency=1)
        first, second = (asyncio.create_task(chat.reply(asked(index))) for index in range(2))
        await asyncio.sleep(0)
        first.add_done_callback(lambda _: second.cancel())
        await asyncio.wait([first, second])
        assert (await chat.reply(asked(2))).text == "fine"

    run(go())


def test_other_limits_hold_from_the_next_request_on():
    async def go():
        fake = Moody()
        chat = pool(fake, concurrency=1)
        asking = together(chat, 9)
        await asyncio.sleep(0.5)
        chat.change(Limits(8))
        await asking
        assert fake.moments == [0.0] + [0.5] * 7 + [1.0]

    run(go())


def test_a_rate_that_is_used_up_by_the_headers_pauses_the_next_request():
    async def go():
        headers = (("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "40ms"))
        async with ChatServer([Fault(headers=headers)]) as server:
            chat = Pool([OpenAIChat(server.url, "m")], Limits(4))
            await together(chat, 1)
            await together(chat, 2)
            await chat.close()
            times = [request.at for request in server.asked]
            assert times[1] - times[0] >= 0.04

    asyncio.run(go())


def test_a_server_that_takes_three_at_a_time_answers_all_without_one_failure():
    async def go():
        async with ChatServer(latency=0.02, at_once=3, retry_after="0.05") as server:
            chat = Pool([OpenAIChat(server.url, "m")], Limits(12))
            replies = await together(chat, 60)
            await chat.close()
            assert not [reply for reply in replies if isinstance(reply, Exception)]
            answered = [request for request in server.asked if request.kind == "ok"]
            assert len(answered) == 60

    asyncio.run(go())
