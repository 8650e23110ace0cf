"""Random whole files, good and bad: rows of `generated_rows` and columns no entry maps, written in three ways."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

from tests.support.file_matrix import FileCase, array, lines
from tests.support.generated_rows import pools, random_entry

_EXTRAS: dict[str, tuple[Any, ...]] = {
    "id": (1, 2, 2.5, "a", None, 2**40),
    "made": ("2024-05-17", "2024-05-17 10:00", "2024-05-17T10:00:00Z", "today", "", None, "2024-05-17T10:00:00.5"),
    "tags": (["a"], [], ["a", "b"], None, [1], ["2024-05-17"], "a", [[]]),
    "source": ({"page": 1}, {"page": None}, {"book": "a"}, {}, None, {"page": "x"}, {"page": {"of": 3}}, [{"page": 1}]),
}
_CELLS: dict[str, tuple[str, ...]] = {
    "text": ("Plain words.", "3", "", "NA", "2024-05-17", "True"),
    "instruction": ("Name a fruit.", "说出", "3", "", "None", "2024-05-17"),
    "input": ("", "green", "7", "n/a"),
    "output": ("Pear.", "梨", "3", "4.5", "NA", "", "True", "False", "2024-05-17", "1e3", " 5", "inf", "0x10"),
    "chosen": ("Pear.", "3", "", "null"),
    "rejected": ("Stone.", "4", ""),
    "system": ("Be brief.", "", "3"),
    "kto_tag": ("True", "False", "true", "", "1", "FALSE"),
}


def made_file(chance: random.Random) -> FileCase:
    """One to five rows, with nothing said about what becomes of them.

    A column has values that are good, all of one kind, or of any; some rows lack it.
    """
    stage, under = random_entry(chance)
    values: dict[str, tuple[Any, ...]] = dict(pools(under, stage))
    cells = {name: _CELLS[name] for name in values if name in _CELLS}
    layout = chance.choice(("lines", "lines", "array", "csv") if len(cells) == len(values) else ("lines", "array"))
    if "columns" in under and chance.random() < 0.2:  # names of their own
        under = under | {"columns": {role: f"my {name}" for role, name in under["columns"].items()}}
        values = {f"my {name}": pool for name, pool in values.items()}
        cells = {f"my {name}": pool for name, pool in cells.items()}
    if layout == "csv":
        return FileCase("csv", "rows.csv", _csv(chance, cells), under, stage, 0)
    for name in _EXTRAS:
        if chance.random() < 0.15:
            values[name] = _EXTRAS[name]
    if chance.random() < 0.05:
        values.pop(chance.choice(tuple(values)))
    kinds = {name: _some(chance, pool) for name, pool in values.items()}
    rows: list[dict[str, Any]] = [
        {name: chance.choice(pool) for name, pool in kinds.items() if chance.random() < 0.95}
        for _ in range(chance.randint(1, 5))
    ]
    if layout == "array":
        return FileCase("array", "rows.json", array(*rows), under, stage, 0)
    return FileCase("lines", "rows.jsonl", lines(*rows), under, stage, 0)


def _some(chance: random.Random, pool: tuple[Any, ...]) -> tuple[Any, ...]:
    drawn = chance.random()
    if drawn < 0.75:
        return pool[:1]
    first = chance.choice(pool)
    return pool if drawn > 0.9 else tuple(one for one in pool if type(one) is type(first) or one is None)


def _csv(chance: random.Random, cells: dict[str, tuple[str, ...]]) -> bytes:
    kinds = {name: pool if chance.random() < 0.3 else (chance.choice(pool), pool[0]) for name, pool in cells.items()}
    written = io.StringIO()
    table = csv.DictWriter(written, tuple(cells))
    table.writeheader()
    for _ in range(chance.randint(1, 5)):
        table.writerow({name: chance.choice(pool) for name, pool in kinds.items()})
    return written.getvalue().encode()
