"""The loopback server itself: what the other tests rest on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from studio.errors import PassingError
from studio.llm.chat import Request
from studio.llm.openai_chat import OpenAIChat
from tests.support import chat_server
from tests.support.chat_server import ChatServer, Fault, body_hash, flaky, teach

FRAME = "You rewrite tasks.\n\n#Given Prompt#:\n{}\n\n#Rewritten Prompt#:\n"


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_the_teacher_rewrites_what_it_is_given():
    for given in ("Explain tides.", "解释潮汐的成因。"):
        evolved = teach(user(FRAME.format(given)))
        assert evolved.startswith(given)
        assert len(evolved) > len(given) + 20
        assert "Prompt#" not in evolved


def test_the_teacher_rewrites_for_the_small_profile_too():
    system = {"role": "system", "content": "You rewrite a task so that it needs several steps of reasoning."}
    assert teach([system, *user("Explain tides.")]).startswith("Explain tides. Use the example")


def test_the_teacher_judges_and_refuses_in_the_shares_it_promises():
    prompts = (user(f"Is task {number} new? Reply with one of: Equal, Not Equal.") for number in range(1000))
    judged = Counter(teach(prompt) for prompt in prompts)
    assert set(judged) == {"Equal", "Not Equal"}
    assert 110 < judged["Equal"] < 190
    for question, sorry in (("What is {}?", "Sorry"), ("{}是什么？", "抱歉")):
        answers = [teach(user(question.format(number))) for number in range(1000)]
        assert 70 < sum(sorry in answer for answer in answers) < 130


def test_the_teacher_is_a_function_of_the_messages():
    assert teach(user("Explain tides.")) == teach(user("Explain tides."))
    assert teach(user("Explain tides.")) != teach(user("Explain dunes."))


def test_a_body_has_one_hash_streamed_or_not():
    body = {"model": "m", "messages": user("hi")}
    assert body_hash(body) == body_hash({**body, "stream": True, "stream_options": {"include_usage": True}})
    assert body_hash(body) != body_hash({**body, "temperature": 1})


async def test_latency_and_the_most_requests_at_once():
    async with ChatServer(latency=0.05) as server:
        chat = OpenAIChat(server.url, "m")
        await asyncio.gather(*(chat.reply(Request("m", (("user", str(number)),))) for number in range(6)))
        await chat.close()
    assert server.most_at_once == 6
    assert set(server.counts.values()) == {1}


async def test_more_than_it_takes_at_once_are_limited():
    async with ChatServer(latency=0.05, at_once=2, retry_after="3") as server:
        chat = OpenAIChat(server.url, "m")
        asking = (chat.reply(Request("m", (("user", str(number)),))) for number in range(5))
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        await chat.close()
    refused = [outcome for outcome in outcomes if isinstance(outcome, PassingError)]
    assert [error.retry_after for error in refused] == [3.0] * 3


async def test_a_flaky_server_fails_its_share_once_and_answers_then():
    async with ChatServer(flaky(0.3)) as server:
        chat = OpenAIChat(server.url, "m")
        failed = 0
        for number in range(200):
            request = Request("m", (("user", str(number)),))
            try:
                await chat.reply(request)
            except PassingError:
                failed += 1
                await chat.reply(request)
        await chat.close()
    assert 40 <= failed <= 85
    assert max(server.counts.values()) == 2


async def test_streamed_words_come_at_the_token_rate():
    async with ChatServer([Fault(text="one two three four five")], token_rate=100) as server:
        chat, moments, asked = OpenAIChat(server.url, "m"), [], time.monotonic()
        await chat.reply(Request("m", (("user", "count"),)), lambda _: moments.append(time.monotonic()))
        await chat.close()
    assert len(moments) == 5
    assert moments[-1] - asked >= 0.04  # a lower bound: it holds on any machine


async def test_as_a_process_it_tells_its_port_and_logs_each_request_before_answering(tmp_path):
    port_file, log = tmp_path / "port", tmp_path / "log.jsonl"
    command = [sys.executable, str(Path(chat_server.__file__)), f"--port-file={port_file}", f"--log={log}"]
    with subprocess.Popen(command) as process:  # noqa: ASYNC220
        try:
            async with asyncio.timeout(10):
                while not port_file.exists():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            chat = OpenAIChat(f"http://127.0.0.1:{port_file.read_text()}/v1", "teacher-small")
            for text in ("one", "two", "one"):
                await chat.reply(Request("teacher-small", (("user", text),)))
            seen = [json.loads(line) for line in log.read_text().splitlines()]
            await chat.close()
        finally:
            process.kill()
    assert [line["n"] for line in seen] == [0, 1, 2]
    assert sorted(Counter(line["hash"] for line in seen).values()) == [1, 2]
