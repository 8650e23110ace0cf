"""Placing gold segments over a project, beside reading and writing the same rows in the same run.

    python benchmarks/placement.py [ROWS] [--segments N]

Rows: numbered documents, English and Chinese by turns; half of the answers stand in their segment word for word, half
say it in other words. Reading and writing: every row read from the project and written back with a letter more, as one
journalled step; and beside it the way in and out, import and verified export. The goal: placed in at most 1.5 times.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studio.alpaca.rows import encode
from studio.jobs.placement.events import Placed
from studio.jobs.placement.survey import LOOKED_AT
from studio.session import Session
from studio.store import decisions
from studio.store.project import create

_PLACES = ("the tide mill", "the rope walk", "the old ferry", "the bell loft", "the salt house", "the fish market")
_DOES = (
    "was built of larch",
    "opens before dawn",
    "leans to the north",
    "burned twice",
    "smells of tar",
    "stands empty",
)
_WHO = ("Ada Quill", "Tomas Brandt", "Ines Okoro", "Wim Harte", "Lea Sand", "Jonah Pell")
_地 = ("潮汐水车", "缆绳作坊", "旧渡口", "钟楼", "盐仓", "鱼市")
_事 = ("是用落叶松造的", "天不亮就开门", "朝北倾斜", "烧过两回", "一股桐油味", "一直空着")
_人 = ("秋水", "贺春来", "梅婶", "老周", "石头", "陆三")


def row(number: int, segments: int) -> dict[str, str]:
    """One row: documents about places, and a question that one of them answers."""
    luck = random.Random(number)
    chinese = number % 2 == 1
    places, does, people = (_地, _事, _人) if chinese else (_PLACES, _DOES, _WHO)
    gold = 0 if luck.random() < 0.7 else luck.randrange(segments)
    bodies = []
    for place in range(segments):
        thing, fact, who = luck.choice(places), luck.choice(does), luck.choice(people)
        year = 1700 + (number * 31 + place * 7) % 250
        if chinese:
            bodies.append(f"文档[{place + 1}]（标题：{thing}）{thing}{fact}。{year}年起由{who}看管，每逢集日开门迎客。")
        else:
            bodies.append(
                f"Document [{place + 1}](Title: {thing}) {thing.capitalize()} {fact}. It has been kept by {who} since "
                f"{year}, and on market days it is open to all."
            )
    year = 1700 + (number * 31 + gold * 7) % 250
    if chinese:
        question = f"哪一年开始有人看管？（第{number}题）"
        answer = f"{year}年" if number % 4 < 2 else f"从{year}年起就有人看管了，逢集开门。"
    else:
        question = f"Since when has it been kept? (case {number})"
        answer = f"{year}" if number % 4 < 2 else f"Somebody has kept it since {year}, says that document."
    return {"instruction": question, "input": "\n\n".join(bodies), "output": answer}


async def drain(events):
    """The last event of a job."""
    last = None
    async for event in events:
        last = event
    return last


def read_and_write(session: Session) -> None:
    """Every row read, and written back with a letter more as one journalled step, a batch in memory at a time."""
    journal, database = session.project.journal, session.project.database
    group = None
    batch = []

    def write() -> None:
        nonlocal group
        with database.transaction(durable=group is None) as connection:
            for change in batch:
                session.project.rows.change(change.first, change.last, change.after)
            if group is None:
                group = journal.record(connection, "copy", "read and write", batch)
            else:
                journal.add(group, batch)
        batch.clear()

    for stored in session.rows.each(LOOKED_AT):
        batch.append(
            decisions.change(stored, {"body": encode(msgspec.structs.replace(stored.row, system="x")).decode()})
        )
        if len(batch) == 100:
            write()
    write()
    session.journal.undo()


async def measure(rows: int, segments: int, folder: Path) -> None:
    """Everything, in one project."""
    file = folder / "rows.jsonl"
    with file.open("wb") as out:
        for number in range(rows):
            out.write(orjson.dumps(row(number, segments)) + b"\n")
    create(folder / "p")
    session = Session.open(folder / "p", must_write=True)
    seconds: dict[str, float] = {}

    def clock(name: str, begin: float) -> None:
        seconds[name] = time.perf_counter() - begin

    begin = time.perf_counter()
    await drain(session.files.import_files([file]))
    clock("import", begin)
    begin = time.perf_counter()
    sum(1 for _ in session.rows.each(LOOKED_AT))
    clock("read", begin)
    begin = time.perf_counter()
    read_and_write(session)
    clock("read, write and undo", begin)
    begin = time.perf_counter()
    await drain(session.placing.survey_segments())
    clock("survey (read, find, guard)", begin)
    begin = time.perf_counter()
    placed = await drain(session.placing.place())
    clock("place", begin)
    assert isinstance(placed, Placed)
    begin = time.perf_counter()
    session.journal.undo()
    clock("undo it", begin)
    begin = time.perf_counter()
    await drain(session.files.export())
    clock("export", begin)
    await session.close()
    print(f"{rows:,} rows of {segments} segments, {file.stat().st_size / rows:,.0f} bytes each")
    for name, taken in seconds.items():
        print(f"  {name:<28}{taken:8.1f} s{1e6 * taken / rows:10.0f} µs a row")
    print(f"  placed {placed.rows:,} rows: {placed.before} -> {placed.after}")
    print(f"  left {sum(left.rows for left in placed.left.values()):,}; peak {_peak():,.0f} MB")
    store, ways = seconds["read, write and undo"], seconds["import"] + seconds["export"]
    print(f"  place / (import and export): {seconds['place'] / ways:.2f}, goal 1.5")
    print(f"  place / (read, write and undo in the store): {seconds['place'] / store:.2f}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("--segments", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(arguments.rows, arguments.segments, Path(folder)))


if __name__ == "__main__":
    main()
