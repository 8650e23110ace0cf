"""Evol-Instruct against its limits: `python benchmarks/evolve.py [--requests N] [--rounds N]`.

In one run, 64 requests at once: a bare loop over openai.AsyncOpenAI that throws its answers away, and the whole job
(plan, models, ledger, rules, store), in short alternating rounds against the same instant endpoint; then the job
against answers that take a second, where concurrency / latency is the most there can be. With --distilabel PYTHON its
Pipeline, too, against the instant endpoint. With --soak N the job alone, and its memory at every tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from throughput import CONCURRENCY, Instant, bare, resident

from studio.alpaca.rows import Sft, encode
from studio.jobs.runs.control import Control
from studio.jobs.runs.tally import RunTally
from studio.methods import registry
from studio.session import Session
from studio.store.project import create

STEPS = 3


class Numbered(Instant):
    """Answers every request at once, each otherwise: the same answer would be the same next question."""

    numbers = count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.answers, self.transport = self.transport, self  # type: ignore[assignment]

    def write(self, answer: bytes) -> None:
        self.answers.write(answer.replace(b"harbour", b"%07d" % next(self.numbers)))


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Numbered, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def instant_endpoint() -> Iterator[str]:
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


@contextmanager
def teacher(latency: float) -> Iterator[str]:
    """The test server, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        server = ROOT / "tests" / "support" / "chat_server.py"
        command = [sys.executable, str(server), "--port-file", str(port), "--latency", str(latency)]
        with subprocess.Popen(command, cwd=ROOT) as process:
            while not port.exists():
                time.sleep(0.01)
            try:
                yield f"http://127.0.0.1:{port.read_text()}/v1"
            finally:
                process.terminate()


def seeds(number: int) -> list[str]:
    """As many English as Chinese tasks."""
    english = [f"Explain to a new colleague what tool number {n} of a carpenter is for." for n in range(number // 2)]
    return english + [f"请向新同事说明木匠的第{n}件工具有什么用处。" for n in range(number - number // 2)]


async def whole(url: str, requests: int, *, soak: bool = False) -> tuple[float, RunTally]:
    """Requests/s of the job as long as every lane had an attempt, and its tally."""
    with tempfile.TemporaryDirectory() as folder:
        create(Path(folder) / "p")
        flags = {"model": {"base_url": url, "model": "instant"}, "evolve": {"rounds": 1, "concurrency": CONCURRENCY}}
        session = Session.open(Path(folder) / "p", flags=flags, must_write=True)
        rows = [(encode(Sft(text)), 0, None, None) for text in seeds(requests // STEPS)]
        with session.project.database.transaction():
            session.project.rows.add_imported(rows, "sft", source=None, seed=True)
        tally, rate, tenth = RunTally(registry.get("evol-instruct")), 0.0, len(rows) // 10
        start = time.perf_counter()
        async for event in session.runs.run("evol-instruct", Control()):
            before = tally.ended
            tally.see(event)
            if not rate and tally.attempts and tally.ended >= tally.attempts - CONCURRENCY:
                rate = session.rows.stats()["replies"] / (time.perf_counter() - start)
            if soak and tally.ended // tenth > before // tenth:
                print(f"  {tally.ended * STEPS:>9,} requests  {resident():>6.1f} MB", flush=True)
        await session.close()
    return rate, tally


def distilabel(python: str, url: str, requests: int) -> float:
    """Requests/s of distilabel's Pipeline, its start included, as its users have it."""
    command = [python, str(ROOT / "benchmarks" / "distilabel_peer.py"), url, str(requests), str(CONCURRENCY)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=900, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=int, metavar="N", help="the job alone over N requests, and its memory")
    parser.add_argument("--distilabel", metavar="PYTHON", help="a Python that has distilabel[openai] and requests")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return asyncio.run(serve())
    if options.soak:
        with instant_endpoint() as url:
            asyncio.run(whole(url, options.soak, soak=True))
        return None
    with instant_endpoint() as url:
        rates = [
            (asyncio.run(bare(url, options.requests)), asyncio.run(whole(url, options.requests))[0])
            for _ in range(options.rounds)
        ]
        peer = distilabel(options.distilabel, url, options.requests) if options.distilabel else None
    ratio = statistics.median(ours / theirs for theirs, ours in rates)
    theirs, ours = (statistics.median(column) for column in zip(*rates, strict=True))
    print(f"  instant answers   bare {theirs:,.0f}/s   the job {ours:,.0f}/s   {ratio:.2f} (goal 0.90)")
    if peer is not None:
        print(f"  distilabel's Pipeline {peer:,.0f}/s, the job {ours / peer:.1f} times it (goal 4)")
    with teacher(1.0) as url:
        theirs = asyncio.run(bare(url, CONCURRENCY * STEPS * 6))
        rate, tally = asyncio.run(whole(url, CONCURRENCY * STEPS * 6))
    most = f"at most {CONCURRENCY}/s   bare {theirs:.1f}/s"
    print(f"  answers in 1 s    {most}   the job {rate:.1f}/s   {rate / CONCURRENCY:.3f} (goal 0.95)")
    print(f"  {tally.accepted} accepted, {tally.eliminated.total()} eliminated, {tally.failed} failed")


if __name__ == "__main__":
    main()
