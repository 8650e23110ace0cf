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
import rows

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
            bodies = ((orjson.dumps(orjson.loads(line)),) for line in batch)
            connection.executemany("INSERT INTO rows (body) VALUES (?)", bodies)
            connection.execute("COMMIT")
    connection.close()


def studio_import(file: Path, folder: Path) -> None:
    async def run() -> None:
        create(folder / "project")
        session = Session.open(folder / "project", must_write=True)
        async for _ in session.files.import_files([file]):
            pass
        await session.close()

    asyncio.run(run())


def write_array(lines: Path, array: Path) -> None:
    """The same rows as one JSON array, streamed so that peak memory is the import's own."""
    with lines.open("rb") as source, array.open("wb") as target:
        target.write(b"[" + next(source).rstrip())
        for line in source:
            target.write(b",\n" + line.rstrip())
        target.write(b"]\n")


def timed(work: Callable[[Path, Path], None], file: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        work(file, Path(folder))
        return time.perf_counter() - start


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        lines, array = Path(folder) / "rows.jsonl", Path(folder) / "rows.json"
        rows.write(lines, number)
        write_array(lines, array)
        print(f"{number:,} rows, {lines.stat().st_size / 1e6:,.0f} MB")
        ours = timed(studio_import, lines)
        report("import of JSONL", number / ours, f"{number / ours / GOAL:.2f} x the goal of {GOAL:,}")
        seconds = timed(studio_import, array)
        report("import of an array", number / seconds, f"{number / seconds / GOAL:.2f} x the goal")
        for title, work in (("orjson a line", bare_loop), ("orjson + SQLite", bare_sqlite)):
            seconds = timed(work, lines)
            report(title, number / seconds, f"the import takes {ours / seconds:.2f} x its time")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def report(title: str, rate: float, note: str) -> None:
    print(f"  {title:<20} {rate:>12,.0f} rows/s   {note}")


if __name__ == "__main__":
    main()
