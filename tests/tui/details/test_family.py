"""A family as a tree: branches, glyphs, the rule beside what it dropped."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.store.lineage import Kin
from studio.store.rows import StoredRow
from studio.text.display import columns
from studio.tui.details.family import branches, family_lines


def row(row_id, **fields):
    known = {"status": "pending", "seed": False, "generated": True, "rule": None, "evidence": None, "gold": None}
    known |= {"source": None, "number": None, "offset": None, "extras": None, "run": 1, "parent": 1, "root": 1}
    known |= {"round": 1, "operation": "deepening", "replies": None, "variant": 0}
    return StoredRow(row_id, "sft", Sft(instruction=f"Task {row_id} 潮汐"), **(known | fields))


KIN = [
    Kin(row(1, status="accepted", seed=True, generated=False, round=None, operation=None), 0, True),
    Kin(row(5), 1, True),
    Kin(row(8, round=2, status="rejected", rule="no-gain", evidence="the judge said 'Equal'"), 2, False),
    Kin(row(9, round=2, operation="in_breadth"), 2, True),
    Kin(row(6, variant=1, status="rejected", rule="hard-to-answer", evidence="'sorry' in 3 words"), 1, False),
]


def told(lines):
    return ["".join(span.text for span in line) for line in lines]


def test_the_tree_leads_from_the_seed_to_the_row_and_says_what_was_dropped_and_why():
    lines, starts = family_lines(KIN, 9, 5, 60)
    assert told(lines) == [
        " ✓ #1 ◆ seed task  Task 1 潮汐",
        "▶├ • #5 r1 deepening  Task 5 潮汐",
        " │ ├ ✗ #8 r2 deepening  Task 8 潮汐",
        " │ │    no-gain: the judge said 'Equal'",
        " │ └ • #9 r2 in breadth ← this row  Task 9 潮汐",
        " └ ✗ #6 r1 deepening  Task 6 潮汐",
        "      hard-to-answer: 'sorry' in 3 words",
    ]
    assert starts == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("width", [1, 9, 20, 33])
def test_it_fits_its_column(width):
    lines, starts = family_lines(KIN, 9, 9, width)
    assert len(lines) == 7
    assert starts[-1] == 5
    assert all(columns(line) <= width for line in told(lines))


def test_hostile_text_is_made_visible():
    kin = [Kin(row(1, rule="no-gain", evidence="\x1b[2J\n\u202e", status="rejected"), 0, True)]
    assert all(line.isprintable() for line in told(family_lines(kin, 1, None, 80)[0]))


def test_branches_of_a_deep_family_stay_narrow():
    deep = branches(list(range(40)))
    assert max(map(len, [branch for branch, _ in deep])) == 16
