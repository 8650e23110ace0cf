"""Import against its limits: `python benchmarks/importing.py [ROWS]` (default 1,000,000).

In one run, on the same file: the studio's import into a fresh project, end to end; a bare loop of orjson per
line; the same loop with SQLite's executemany into one plain table. Prints rows/s and ratios.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from rows import write_rows

from studio.session import Session
from studio.store.project import create

GOAL = 125_000


def bare_loop(file: Path, _: Path) -> None:
    with file.open("rb") as lines:
        for line in lines:
            orjson.loads(line)


def bare_sqlite(file: Path, folder: Path) -> None:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")
    with file.open("rb") as lines:
        while batch := lines.readlines(1 << 20):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO rows (body) VALUES (?)", ((orjson.dumps(orjson.loads(b)),) for b in batch))
            connection.execute("COMMIT")
    connection.close()


def studio_import(file: Path, folder: Path) -> None:
    async def run() -> None:
        create(folder / "project")
        session = Session.open(folder / "project", must_write=True)
        async for _ in session.import_files([file]):
            pass
        await session.close()

    asyncio.run(run())


def timed(work: Callable[[Path, Path], None], file: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        work(file, Path(folder))
        return time.perf_counter() - start


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for name in ("rows.jsonl", "rows.json"):
            file = Path(folder) / name
            write_rows(file, rows)
            print(f"{name}: {rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB")
            ours = timed(studio_import, file)
            print(f"  studio import   {rows / ours:>12,.0f} rows/s   {rows / ours / GOAL:.2f} x the goal of {GOAL:,}")
            if name.endswith("jsonl"):
                for title, work in (("orjson a line", bare_loop), ("orjson + SQLite", bare_sqlite)):
                    seconds = timed(work, file)
                    print(f"  {title:<15} {rows / seconds:>12,.0f} rows/s   import takes {ours / seconds:.2f} x its time")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
