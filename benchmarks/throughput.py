"""Requests a second against an instant endpoint: `python benchmarks/throughput.py [--soak N]` (see --help).

Beside each other, in short alternating rounds at concurrency 64: a bare loop over openai.AsyncOpenAI that throws its
answers away, and the studio's whole chain (ledger on disk, budget, limits, pool, client). Prints each one's median, and
the median of the rounds' ratios. With --soak, the chain alone over N requests, with its memory at every tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from studio.llm.budget import Budget
from studio.llm.chat import ChatModel, Request
from studio.llm.choice import Models
from studio.llm.prices import load
from studio.settings import BudgetSettings, ModelSettings, Settings
from studio.store.database import Database
from studio.store.replies import Replies

GOAL = 0.9
CONCURRENCY = 64
PROMPT = "Rewrite the given task so that it needs one more constraint, and keep its meaning. " * 6
TEXT = "Name a harbour that lies north of the lantern, and say in two sentences why. " * 4
COMPLETION = {
    "id": "chatcmpl-0",
    "object": "chat.completion",
    "created": 1,
    "model": "instant",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
}
BODY = json.dumps(COMPLETION).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY

Ask = Callable[[int], Awaitable[object]]


class Instant(asyncio.Protocol):
    """Answers every request at once, without a look at it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower().split(b"\r\n")
            length = next(int(line[15:]) for line in head if line.startswith(b"content-length:"))
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(ANSWER)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextlib.contextmanager
def instant_endpoint() -> Iterator[str]:
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


async def lanes(requests: int, ask: Ask) -> float:
    """Requests a second, asked by lanes that each refill as they finish."""
    numbers = iter(range(requests))

    async def lane() -> None:
        for number in numbers:
            await ask(number)

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONCURRENCY)))
    return requests / (time.perf_counter() - began)


async def bare(url: str, requests: int) -> float:
    import openai

    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask(number: int) -> None:
            await client.chat.completions.create(
                model="instant",
                messages=[{"role": "user", "content": f"{PROMPT}{number}"}],
                temperature=1.0,
                top_p=0.95,
                max_tokens=2048,
            )

        await ask(-1)
        return await lanes(requests, ask)


@contextlib.asynccontextmanager
async def opened_chain(url: str):
    settings = Settings(model=ModelSettings(base_url=url, model="instant"))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "studio.db", writable=True)
        models = Models(settings, CONCURRENCY)
        budget = Budget(BudgetSettings(usd=1e6, tokens=10**12))
        yield models.roles(Replies(database), budget, load({})).teacher
        await models.close()
        database.close()


def asking(teacher: ChatModel) -> Ask:
    def ask(number: int) -> Awaitable[object]:
        return teacher.reply(Request("instant", (("user", f"{PROMPT}{number}"),), 1.0, 0.95, 2048))

    return ask


async def chain(url: str, requests: int) -> float:
    async with opened_chain(url) as teacher:
        ask = asking(teacher)
        await ask(-1)
        return await lanes(requests, ask)


async def soak(url: str, requests: int) -> None:
    async with opened_chain(url) as teacher:
        ask, tenth = asking(teacher), requests // 10
        for part in range(10):
            rate = await lanes(tenth, lambda number, part=part: ask(part * tenth + number))
            print(f"  {(part + 1) * tenth:>9,} requests  {rate:>6,.0f}/s  {resident():>6.1f} MB", flush=True)


def resident() -> float:
    """This process's memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--soak", type=int, metavar="N", help="the chain alone over N requests, and its memory")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return asyncio.run(serve())
    with instant_endpoint() as url:
        if options.soak:
            return asyncio.run(soak(url, options.soak))
        rates = [
            (asyncio.run(bare(url, options.requests)), asyncio.run(chain(url, options.requests)))
            for _ in range(options.rounds)
        ]
    for title, column in (("bare AsyncOpenAI", 0), ("the studio's chain", 1)):
        print(f"  {title:<20} {statistics.median(pair[column] for pair in rates):>7,.0f} requests/s")
    ratios = [ours / theirs for theirs, ours in rates]
    median = statistics.median(ratios)
    print(f"  ratio {median:.2f} (goal {GOAL}; rounds {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
