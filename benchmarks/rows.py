"""Alpaca rows for the benchmarks: seeded, English and Chinese in equal parts, a few near-duplicates among them.

    python benchmarks/rows.py ROWS FILE [--seed N]

The same number and seed give the same bytes. Rows have a mean of some 450 bytes, as the Alpaca set has.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

_ASK = (
    "Explain to {who} why {thing} {happens}.",
    "List {n} things to check before {thing} {happens}.",
    "Write a short note to {who} about what to do when {thing} {happens}.",
    "Compare {thing} with {other}, and say which one {who} should choose.",
    "Give {n} questions that {who} may ask once {thing} {happens}.",
)
_WHO = ("a new neighbour", "a ten-year-old", "the night nurse", "a retired pilot", "the village council", "a baker")
_THING = ("the tide mill", "a walnut tree", "the old ferry", "a bicycle lamp", "the school boiler", "a bee hive")
_HAPPENS = ("stops in winter", "gives off heat", "needs a second coat", "leans to one side", "hums at night")
_SAY = (
    "First look at {thing}: the cause is nearly always close to it.",
    "{who_} will want a plain answer, so begin with what can be seen and touched.",
    "About {n} in ten cases end well without any tools, and the others need a steady hand.",
    "Keep {other} dry, write down the date, and look again after {n} days.",
    "If nothing changes, {thing} {happens} because the parts have worn unevenly.",
)
_ASK_ZH = (
    "请向{who}解释{thing}为什么会{happens}。",
    "{thing}{happens}之前，要检查哪{n}件事？请逐条列出。",
    "给{who}写一张便条，说明{thing}{happens}时该怎么办。",
    "比较{thing}和{other}，并说明{who}应当选哪一个。",
)
_WHO_ZH = ("新来的邻居", "十岁的孩子", "值夜班的护士", "退休的船长", "村里的会计", "面包师傅")
_THING_ZH = ("潮汐水车", "院里的核桃树", "旧渡船", "自行车灯", "学校的锅炉", "蜂箱")
_HAPPENS_ZH = ("在冬天停下来", "发热", "需要再刷一遍漆", "向一边倾斜", "夜里嗡嗡作响")
_SAY_ZH = (
    "先看{thing}，原因多半就在旁边。",
    "{who}想听的是明白话，所以从看得见、摸得着的地方说起。",
    "十次里有{n}次不用工具就能解决，其余的要慢慢来。",
    "让{other}保持干燥，记下日期，过{n}天再看一次。",
    "如果没有变化，那是因为零件磨损得不均匀，{thing}才会{happens}。",
)


def rows(number: int, seed: int = 7) -> Iterator[dict[str, str]]:
    """number rows with instruction, input, output. About one in fifty nearly repeats an earlier one."""
    luck = random.Random(seed)
    last: dict[str, str] | None = None
    for index in range(number):
        if last is not None and luck.random() < 0.02:
            yield last | {"instruction": last["instruction"].replace("short", "brief") + " "}
            continue
        last = _row(index, luck)
        yield last


def _row(index: int, luck: random.Random) -> dict[str, str]:
    chinese = luck.random() < 0.5
    who, thing, happens, ask, say = (
        (_WHO_ZH, _THING_ZH, _HAPPENS_ZH, _ASK_ZH, _SAY_ZH) if chinese else (_WHO, _THING, _HAPPENS, _ASK, _SAY)
    )
    words = {
        "who": luck.choice(who),
        "thing": luck.choice(thing),
        "other": luck.choice(thing),
        "happens": luck.choice(happens),
        "n": luck.randint(3, 9),
    }
    words["who_"] = str(words["who"]).capitalize()
    answer = [luck.choice(say).format(**words) for _ in range(luck.randint(2, 7))]
    mark = f"（第{index}号）" if chinese else f" (case {index})"
    return {
        "instruction": luck.choice(ask).format(**words) + mark,
        "input": "",
        "output": ("" if chinese else " ").join(answer),
    }


def write(file: Path, number: int, seed: int = 7) -> None:
    """Write the rows as JSONL."""
    with file.open("w", encoding="utf-8") as out:
        for row in rows(number, seed):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    write(arguments.file, arguments.rows, arguments.seed)
