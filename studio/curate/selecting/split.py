"""Splits: which rows train, which validate, which test.

Shares are written as whole numbers, `8:1:1`. 969:30:1 is nothing magical: it is the train / validation / test split
that Megatron-LM takes by default (`--split 969,30,1`) and that a long-context project made known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from studio.errors import UsageError

PRESETS = {"megatron": "969:30:1"}
"""Splits that have a name."""

PARTS = ("train", "valid", "test")


def shares(text: str) -> tuple[int, ...]:
    """The shares a text such as "969:30:1", "9:1" or "megatron" asks for: two are train and valid, three add test.

    Raises UsageError for anything else.
    """
    text = text.strip()
    parts = PRESETS.get(text, text).split(":")
    if len(parts) not in (2, 3) or not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise UsageError(
            f"{text!r} is no split.",
            hint=f"Write train:valid or train:valid:test, such as 9:1 or 969:30:1, or {' or '.join(PRESETS)}.",
        )
    if not any(found := tuple(int(part) for part in parts)):
        raise UsageError(f"{text!r} is no split: every share is 0.", hint="Write 9:1, for example.")
    return found


def counts(n: int, shares: Sequence[int]) -> list[int]:
    """How many of n rows each share gets: whole quotas, then one more for the largest remainders, the first at a tie.

    They add up to n (Hamilton's method), so a small share of few rows can be none at all.
    """
    total = sum(shares)
    found = [n * share // total for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda part: -(n * shares[part] % total))
    for part in by_remainder[: n - sum(found)]:
        found[part] += 1
    return found


def split(
    ids: Sequence[int], shares: Sequence[int], seed: int, alike: Iterable[tuple[int, int]] = ()
) -> dict[str, list[int]]:
    """The ids of each part by its name, in the order given.

    alike: pairs of rows that belong in one part, such as near-duplicates: a test set that holds what was trained on
    measures nothing. Rows connected by a chain of pairs stay in one part, even where a link of the chain is not among
    ids. The parts have the sizes of `counts`, unless only groups larger than the room are left: then valid or test gets
    fewer rows and train more. A row's place is drawn from the seed and its id alone, so a row more or less moves few
    others.
    """
    room = counts(len(ids), shares)
    waiting = _groups(ids, alike, seed)
    part_of: dict[int, int] = {}
    # The small parts first; what is left over trains.
    for part in reversed(range(1, len(shares))):
        left, passed = room[part], list[list[int]]()
        for group in waiting:
            if len(group) <= left:
                part_of.update(dict.fromkeys(group, part))
                left -= len(group)
            else:
                passed.append(group)
        waiting = passed
    named = {name: list[int]() for name in PARTS[: len(shares)]}
    for row in ids:
        named[PARTS[part_of.get(row, 0)]].append(row)
    return named


def _groups(ids: Iterable[int], alike: Iterable[tuple[int, int]], seed: int) -> list[list[int]]:
    """The ids in groups connected by pairs; the seed draws the order of the groups.

    Two ids may be connected through a row that is not among them: each of several equal rows is paired only with the
    first.
    """
    leader: dict[int, int] = {}

    def find(row: int) -> int:
        while (above := leader.setdefault(row, row)) != row:
            leader[row] = row = leader[above]
        return row

    for left, right in alike:
        first, second = sorted((find(left), find(right)))
        leader[second] = first
    groups: dict[int, list[int]] = {}
    for row in ids:
        groups.setdefault(find(row), []).append(row)
    return sorted(groups.values(), key=lambda group: _draw(min(group), seed))


def _draw(row: int, seed: int) -> bytes:
    return blake2b(f"{seed}:{row}".encode(), digest_size=8).digest()
