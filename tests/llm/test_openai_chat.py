from __future__ import annotations

import asyncio
import logging
import socket
import time
import traceback

import pytest

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.chat import Request
from studio.llm.openai_chat import OpenAIChat, Timeouts
from tests.support.chat_server import FILTERED, TOO_LONG, ChatServer, Fault

CANARY = "sk-canary-7f3a9b2c5d"
QUICK = Timeouts(connect=1.0, first_token=0.6, silence=0.6, total=1.0)
ASKED = Request("teacher-small", (("user", "Name three harbours.\u2028说明理由。"),), temperature=0.5, max_tokens=64)

Asking = tuple[ChatServer, OpenAIChat]


@pytest.fixture
async def asking():
    """A server, and a model that asks it."""
    async with ChatServer() as server:
        chat = OpenAIChat(server.url, "teacher-small", timeouts=QUICK)
        yield server, chat
        await chat.close()


async def ask(chat: OpenAIChat, *, streamed: bool, pieces: list[str] | None = None):
    heard = [] if pieces is None else pieces
    return await chat.reply(ASKED, heard.append if streamed else None)


async def test_an_answer_with_its_usage_and_model(asking: Asking):
    server, chat = asking
    reply = await ask(chat, streamed=False)
    assert len(reply.text.split()) > 20
    assert reply.finish_reason == "stop"
    assert reply.model == "teacher-small"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (4, len(reply.text.split()))
    assert 0 < reply.seconds < 5
    assert not reply.replayed
    sent = server.asked[0].body
    assert sent["messages"] == [{"role": "user", "content": ASKED.messages[0][1]}]
    assert (sent["temperature"], sent["max_tokens"]) == (0.5, 64)
    assert "stream" not in sent


async def test_a_streamed_answer_is_the_same_in_pieces(asking: Asking):
    server, chat = asking
    server.script = lambda *_: Fault(text="线分隔\u2028符号 stays\x85 whole. 好")
    pieces: list[str] = []
    streamed = await ask(chat, streamed=True, pieces=pieces)
    plain = await ask(chat, streamed=False)
    assert "".join(pieces) == streamed.text == plain.text == "线分隔\u2028符号 stays\x85 whole. 好"
    assert len(pieces) > 2
    assert streamed.usage == plain.usage
    assert [request.stream for request in server.asked] == [True, False]
    assert len(server.counts) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("429", "limits our rate (429): planned 429"),
        ("500", "has trouble (500)"),
        ("hang", "kept us waiting"),
        ("hang-mid", "kept us waiting"),
        ("drop", "broke"),
        ("malformed", "not JSON"),
        ("wrong-schema", "chat completion (Expected"),
        ("error-200", "overloaded upstream"),
    ],
)
async def test_every_fault_that_may_pass_is_a_passing_error(asking: Asking, kind, says, streamed):
    server, chat = asking
    server.script = [Fault(kind)]
    with pytest.raises(PassingError) as caught:
        await ask(chat, streamed=streamed)
    assert says in caught.value.message
    assert server.url in caught.value.message
    assert len(server.asked) == 1, "no hidden retries"
    assert (await ask(chat, streamed=streamed)).finish_reason == "stop", "the client is fine afterwards"


@pytest.mark.parametrize(
    ("kind", "plain", "streamed"),
    [
        ("cut", "broke", "in the middle"),
        ("no-choices", "empty choices", "before the first word"),
        ("html", "web page", "before the first word"),
        ("drip", "whole answer", None),
    ],
)
async def test_faults_that_look_different_in_a_stream(asking: Asking, kind, plain, streamed):
    server, chat = asking
    server.script = lambda *_: Fault(kind, pause=0.1)
    with pytest.raises(PassingError, match=plain):
        await ask(chat, streamed=False)
    if streamed is None:
        # Slow words are words: only silence ends a stream, however long it takes as a whole.
        started = time.perf_counter()
        assert (await ask(chat, streamed=True)).finish_reason == "stop"
        assert time.perf_counter() - started > QUICK.total
    else:
        with pytest.raises(PassingError, match=streamed):
            await ask(chat, streamed=True)


async def test_silence_is_told_from_a_first_word_that_never_came(asking: Asking):
    server, chat = asking
    server.script = [Fault("hang"), Fault("hang-mid")]
    with pytest.raises(PassingError, match="first word"):
        await ask(chat, streamed=True)
    pieces: list[str] = []
    with pytest.raises(PassingError, match="next word"):
        await ask(chat, streamed=True, pieces=pieces)
    assert pieces


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_cut_by_length_is_passed_on(asking: Asking, streamed):
    server, chat = asking
    server.script = [Fault("length")]
    reply = await ask(chat, streamed=streamed)
    assert reply.finish_reason == "length"
    assert reply.text


WAYS = ["reasoning_content", "reasoning", "think", "thinking", "closing"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_thoughts_are_kept_apart_however_they_come(asking: Asking, way, streamed):
    server, chat = asking
    server.script = lambda *_: Fault(text="Three harbours. 三个港口。", thinking="Let me see.\n想一想。", thinks=way)
    await ask(chat, streamed=streamed)
    pieces: list[str] = []
    reply = await ask(chat, streamed=streamed, pieces=pieces)
    assert (reply.thinking, reply.text) == ("Let me see.\n想一想。", "Three harbours. 三个港口。")
    assert "".join(pieces) == (reply.text if streamed else "")


@pytest.mark.parametrize("streamed", [False, True])
async def test_thoughts_that_fill_the_whole_answer_leave_no_text(asking: Asking, streamed):
    server, chat = asking
    server.script = [Fault("length", text="never said", thinking="on and on", thinks="unclosed")]
    pieces: list[str] = []
    reply = await ask(chat, streamed=streamed, pieces=pieces)
    assert (reply.thinking, reply.text, reply.finish_reason) == ("on and on", "", "length")
    assert pieces == []


async def test_an_endpoint_that_stops_thinking_aloud_is_heard_to_its_end(asking: Asking):
    server, chat = asking
    server.script = [
        Fault(text="one", thinking="hm", thinks="closing"),
        Fault(text="two words"),
        Fault(text="two words"),
    ]
    await ask(chat, streamed=True)
    late: list[str] = []
    assert (await ask(chat, streamed=True, pieces=late)).text == "two words"
    assert late == ["two words"], "held back, since thoughts were expected"
    at_once: list[str] = []
    await ask(chat, streamed=True, pieces=at_once)
    assert at_once == ["two ", "words"]


async def test_words_thought_are_words(asking: Asking):
    server, chat = asking
    server.script = [Fault("hang-mid", thinking="a thought", thinks="reasoning_content")]
    with pytest.raises(PassingError, match="next word") as caught:
        await ask(chat, streamed=True)
    assert caught.value.paid


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "paid"),
    [
        (Fault("429"), False),
        (Fault("500"), False),
        (Fault("html"), False),
        (Fault("error-200"), False),
        (Fault("hang"), True),
        (Fault("hang-mid"), True),
        (Fault("cut"), True),
        (Fault("drop"), True),
    ],
)
async def test_what_may_have_been_charged_is_told(asking: Asking, fault, paid, streamed):
    server, chat = asking
    server.script = [fault]
    with pytest.raises(PassingError) as caught:
        await ask(chat, streamed=streamed)
    assert caught.value.paid is paid
    assert caught.value.limited is (fault.kind == "429")


@pytest.mark.parametrize("fault", [FILTERED, TOO_LONG])
async def test_a_request_that_is_refused_leaves_the_others_alone(asking: Asking, fault):
    server, chat = asking
    server.script = [fault]
    with pytest.raises(RefusedError):
        await ask(chat, streamed=False)
    assert (await ask(chat, streamed=False)).text


async def test_many_requests_share_several_clients(asking: Asking):
    server, chat = asking
    server.latency = 0.3
    chat = OpenAIChat(server.url, "teacher-small")
    await asyncio.gather(*(ask(chat, streamed=False) for _ in range(20)))
    await asyncio.gather(*(ask(chat, streamed=False) for _ in range(20)))
    assert server.most_at_once == 20
    assert [line.busy for line in chat._lines] == [0, 0, 0]
    await chat.close()


async def test_a_server_that_restarts_is_asked_again(asking: Asking):
    server, chat = asking
    await ask(chat, streamed=False)
    await server.stop()
    with pytest.raises(PassingError, match="No connection") as caught:
        await ask(chat, streamed=False)
    assert not caught.value.paid
    await server.start()
    assert (await ask(chat, streamed=False)).text


async def test_the_headers_of_each_answer_are_told(asking: Asking):
    server, chat = asking
    server.script = lambda *_: Fault(headers=(("x-ratelimit-remaining-requests", "3"),))
    told: list[str] = []
    chat.on_headers = lambda headers: told.append(headers["x-ratelimit-remaining-requests"])
    await ask(chat, streamed=False)
    await ask(chat, streamed=True)
    assert told == ["3", "3"]


async def test_a_stream_that_stays_open_after_its_end_is_an_answer(asking: Asking, monkeypatch):
    server, chat = asking
    monkeypatch.setattr("studio.llm.openai_chat._USAGE_GRACE", 0.1)
    server.script = [Fault("no-done", text="all there")]
    assert (await ask(chat, streamed=True)).text == "all there"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("900", 900.0), (None, None)])
async def test_retry_after_reaches_the_caller(asking: Asking, header, seconds):
    server, chat = asking
    server.script = [Fault("429", retry_after=header)]
    with pytest.raises(PassingError) as caught:
        await ask(chat, streamed=False)
    assert caught.value.retry_after == seconds


async def test_an_unknown_model_is_answered_with_the_list_of_models(asking: Asking):
    server, chat = asking
    server.script = [Fault("status", status=404, code="model_not_found", text="The model does not exist")]
    with pytest.raises(ModelError) as caught:
        await chat.reply(Request("teacher-huge", ASKED.messages))
    assert not isinstance(caught.value, PassingError)
    assert "teacher-huge" in caught.value.message
    assert caught.value.hint == "It offers: teacher-large, teacher-small."


async def test_a_request_longer_than_the_context_is_not_asked_again(asking: Asking):
    server, chat = asking
    server.script = [Fault("status", status=400, code="context_length_exceeded", text="8192 tokens at most")]
    with pytest.raises(ModelError, match="longer than the context") as caught:
        await ask(chat, streamed=False)
    assert not isinstance(caught.value, PassingError)


async def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        chat = OpenAIChat(url, "m", timeouts=QUICK)
        with pytest.raises(PassingError, match="No connection") as caught:
            await chat.reply(ASKED)
        await chat.close()
    assert url in caught.value.message
    assert "server running" in caught.value.hint


async def test_a_cancelled_reply_leaves_the_client_usable(asking: Asking):
    server, chat = asking
    server.script = [Fault("hang")]
    waiting = asyncio.create_task(ask(chat, streamed=False))
    async with asyncio.timeout(5):
        while not server.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await ask(chat, streamed=False)).text


async def test_a_failing_listener_is_not_mistaken_for_a_failing_endpoint(asking: Asking):
    _, chat = asking

    def listener(_: str) -> None:
        raise ValueError("a bug in a widget")

    with pytest.raises(ValueError, match="widget"):
        await chat.reply(ASKED, listener)


async def test_a_closed_model_opens_again(asking: Asking):
    _, chat = asking
    await chat.close()
    await chat.close()
    assert (await ask(chat, streamed=False)).text


async def test_connections_are_used_again_unless_told_otherwise(asking: Asking):
    server, chat = asking
    once = OpenAIChat(server.url, "teacher-small", keep_alive=False)
    await ask(chat, streamed=False)
    await ask(once, streamed=False)
    await once.close()
    assert [request.headers["connection"] for request in server.asked] == ["keep-alive", "close"]


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(asking: Asking, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _, chat = asking
    assert (await ask(chat, streamed=False)).text


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_key_of_the_variable_is_sent_and_no_other(monkeypatch, streamed):
    monkeypatch.setenv("HARBOUR_KEY", f" {CANARY}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    async with ChatServer(key=CANARY) as server:
        chat = OpenAIChat(server.url, "teacher-small", api_key_env="HARBOUR_KEY")
        assert (await ask(chat, streamed=streamed)).text
        await chat.close()
        assert "sk-of-somebody-else" not in str(server.asked)
        assert "sk-admin" not in str(server.asked)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=401, text=f"Incorrect API key provided: {CANARY}"),
        Fault("status", status=403, text=f"Bearer {CANARY} may not"),
        Fault("status", status=400, code=CANARY, text="x" * 290 + CANARY),
        Fault("status", status=404, code="model_not_found", text=f"no model for {CANARY}"),
        Fault("429", text=f"slow down, {CANARY}"),
        Fault("500", text=f"headers: Authorization: Bearer {CANARY}"),
        Fault("drop"),
        Fault("malformed"),
        Fault("hang"),
    ],
)
async def test_the_key_is_in_no_error_trace_repr_or_log(monkeypatch, caplog, capfd, fault, streamed):
    monkeypatch.setenv("HARBOUR_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    async with ChatServer([fault]) as server:
        chat = OpenAIChat(server.url, "teacher-small", api_key_env="HARBOUR_KEY", timeouts=QUICK)
        with pytest.raises(ModelError) as caught:
            await ask(chat, streamed=streamed)
        await chat.close()
        assert server.asked[0].headers["authorization"] == f"Bearer {CANARY}"
    error = caught.value
    seen = [str(error), repr(error), error.message, error.hint, repr(chat), caplog.text, *capfd.readouterr()]
    seen += ["".join(traceback.format_exception(error)), repr(error.__context__), repr(error.__cause__)]
    for text in seen:
        assert CANARY not in text
        assert CANARY[:-3] not in text
    assert len(error.message) < 450


async def test_a_wrong_key_names_its_variable(monkeypatch):
    monkeypatch.setenv("HARBOUR_KEY", CANARY)
    async with ChatServer(key="another") as server:
        chat = OpenAIChat(server.url, "teacher-small", api_key_env="HARBOUR_KEY")
        with pytest.raises(ModelError, match="key in HARBOUR_KEY") as caught:
            await ask(chat, streamed=False)
        await chat.close()
    assert not isinstance(caught.value, PassingError)


@pytest.mark.parametrize(
    ("url", "variable", "value", "says"),
    [
        ("http://llm.example/v1", "HARBOUR_KEY", CANARY, "unencrypted"),
        ("http://192.168.1.7:8000/v1", "HARBOUR_KEY", CANARY, "unencrypted"),
        ("https://llm.example/v1", "HARBOUR_KEY", "", "HARBOUR_KEY is not set"),
        ("https://llm.example/v1", "HARBOUR_KEY", f"{CANARY}\r\nX-Evil: 1", "no key has"),
        ("https://llm.example/v1", "HARBOUR_KEY", "密钥" + CANARY, "no key has"),
        (f"https://me:{CANARY}@llm.example/v1", "", "", "password"),
        ("ftp://llm.example", "", "", "not an http address"),
        ("llm.example/v1", "", "", "not an http address"),
        ("http://[broken", "", "", "not an http address"),
        ("http://llm.example:99999999/v1", "", "", "not an http address"),
    ],
)
def test_endpoints_that_cannot_be_asked_safely_are_refused(monkeypatch, url, variable, value, says):
    monkeypatch.setenv("HARBOUR_KEY", value)
    with pytest.raises(ModelError, match=says) as caught:
        OpenAIChat(url, "m", api_key_env=variable)
    assert CANARY not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("url", "variable"),
    [("http://127.0.0.1:8000/v1", "HARBOUR_KEY"), ("http://192.168.1.7:8000/v1", ""), ("https://llm.example/v1", "")],
)
def test_endpoints_without_a_key(monkeypatch, url, variable):
    monkeypatch.delenv("HARBOUR_KEY", raising=False)
    assert OpenAIChat(url, "m", api_key_env=variable).model == "m"


async def test_an_endpoint_that_counts_tells_the_tokens_of_a_prompt(asking: Asking):
    server, chat = asking
    server.script = [Fault("status", status=200, raw='{"input_tokens": 41}')]
    assert await chat.count(ASKED.messages) == 41
    assert server.asked[0].body == {
        "model": "teacher-small",
        "messages": [{"role": "user", "content": ASKED.messages[0][1]}],
    }


@pytest.mark.parametrize(
    "fault",
    [Fault(), Fault("status", status=404), Fault("html"), Fault("hang"), Fault("drop"), Fault("malformed")],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_an_endpoint_that_does_not_count_is_a_clear_error_without_the_key(monkeypatch, fault):
    monkeypatch.setenv("CANARY_KEY", CANARY)
    async with ChatServer([fault]) as server:
        chat = OpenAIChat(server.url, "teacher-small", api_key_env="CANARY_KEY", timeouts=QUICK)
        with pytest.raises(ModelError, match="does not count the tokens") as caught:
            await chat.count(ASKED.messages)
        await chat.close()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
