"""Rows with segments for tests: numbered documents of which one holds the answer."""

from __future__ import annotations

import random
import re

_THINGS = ("lamp", "boat", "oven", "bell", "well", "gate", "mill", "barn", "kiln", "quay", "dyke", "loft")
_东西 = ("灯塔", "渔船", "炉子", "铜钟", "水井", "城门", "磨坊", "谷仓", "瓷窑", "码头", "堤坝", "阁楼")


def row(number, count, gold, *, chinese=False, cites=False):
    """One row as an object: `count` documents, the answer in the one at `gold`. cites: the output names it."""
    luck = random.Random(f"{number}/{chinese}")
    things = luck.sample(_东西 if chinese else _THINGS, k=min(count, 12))
    things += [f"{things[0]}{extra}" for extra in range(count - len(things))]
    years = luck.sample(range(1000, 1999), k=count)
    if chinese:
        label, said = "文档[{}]", "（标题：{0}）{0}建成于{1}年。"
        question, answer = f"{things[gold]}是哪一年建成的？（第{number}题）", f"{years[gold]}年"
    else:
        label, said = "Document [{}]", "(Title: The {0}) The {0} was built in {1} by hand."
        question, answer = f"When was the {things[gold]} built? (case {number})", f"In {years[gold]}"
    bodies = [said.format(thing, year) for thing, year in zip(things, years, strict=True)]
    text = "\n\n".join(label.format(place) + body for place, body in enumerate(bodies, start=1))
    output = f"{answer} [{gold + 1}]" if cites else answer
    return {"instruction": question, "input": text, "output": output}


def rows(number, counts=(5,), *, gold=0):
    """So many rows, English and Chinese by turns, of these numbers of segments by turns, all gold at the same place."""
    return [
        row(index, counts[index % len(counts)], gold, chinese=index % 2 == 1, cites=index % 3 == 0)
        for index in range(number)
    ]


def golds(session):
    """Where gold stands, and of how many, of rows not rejected: by the year in the output's last line."""
    found = {}
    for stored in session.rows.page(range(1, session.project.rows.last_id() + 1)):
        year = re.search(r"\d{4}", stored.row.output.splitlines()[-1])
        if year and stored.status != "rejected":
            parts = [part for part in stored.row.input.split("\n\n") if part.startswith(("Document", "文档"))]
            found[stored.id] = ([year[0] in part for part in parts].index(True), len(parts))
    return found
