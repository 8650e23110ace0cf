"""Issues grouped by code: a model of the list that is told what changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.checks import Entry, Issue
from studio.tui.issue_groups import IssueGroups, Spot, spot_of

TABLE = {code: Entry(code, "error", f"{code} is wrong.") for code in "abcd"} | {
    code: Entry(code, "warning", f"{code} is odd.") for code in "vwxy"
}


def issue(code, n=0, **changes):
    return Issue(code, TABLE[code].severity, f"field{n}", "said", **changes)


def groups(issues, of_set=(), opened=()):
    made = IssueGroups(TABLE)
    made.opened = set(opened)
    made.fill(issues, of_set)
    return made


def listed(made):
    """Every entry as text: a group by its code, an issue by its row."""
    found = []
    for index in range(len(made)):
        group, one = made.at(index)
        found.append(group.code if one is None else one.row)
    return found


A, B, V = (1, "a"), (1, "b"), (2, "v")


def test_errors_come_first_and_only_open_groups_show_their_rows():
    made = groups({3: [issue("v"), issue("a")], 1: [issue("a")], 2: [issue("b")]}, [issue("d")], opened=[A])
    assert listed(made) == ["d", "a", 1, 3, "b", "v"]
    made.opened = {V}
    made.lay_out()
    assert listed(made) == ["d", "a", "b", "v", 3]
    assert made.at(6) is None
    assert len(groups({})) == 0


def test_lines_say_what_a_group_is_and_what_a_row_has():
    made = groups({7: [issue("a", fix=True), issue("a", 1)], 9: [issue("v")]}, opened=[A, V])
    lines = ["".join(span.text for span in made.line(index, 80)) for index in range(len(made))]
    assert lines[0].split() == ["▾", "✗", "error", "a", "2", "a", "is", "wrong."]
    assert lines[1].split() == ["#7", "f", "field0:", "said"]
    assert lines[2].split() == ["#7", "field1:", "said"]
    assert lines[3].split()[:3] == ["▾", "!", "warning"]


def test_what_was_let_pass_is_a_group_of_its_own_and_shown_on_demand():
    made = groups({1: [issue("a", waived="on purpose")], 2: [issue("a")]}, opened=[A, (3, "a")])
    assert listed(made) == ["a", 2]
    made.with_waived = True
    made.lay_out()
    assert listed(made) == ["a", 2, "a", 1]
    assert "on purpose" in "".join(span.text for span in made.line(3, 80))


@pytest.mark.parametrize(
    ("spot", "then", "comes"),
    [
        (Spot(A, 2), {2: [issue("a")]}, 2),
        (Spot(A, 2), {2: []}, 3),
        (Spot(A, 3), {3: []}, 2),
        (Spot(A, 2), {1: [], 2: [], 3: []}, "b"),
        (Spot(B, 4), {4: []}, "a"),
        (Spot(A), {1: []}, "a"),
    ],
)
def test_a_place_stays_or_what_comes_next_takes_it(spot, then, comes):
    made = groups({1: [issue("a")], 2: [issue("a")], 3: [issue("a")], 4: [issue("b")]}, opened=[A, B])
    made.replace(then, {row: found for row, found in then.items() if found}, [])
    if comes == "a" and spot.key == B:
        assert made.index_of(spot) == len(made) - 1
    else:
        group, one = made.at(made.index_of(spot))
        assert (group.code if one is None else one.row) == comes


def test_the_second_issue_of_a_row_is_a_place_of_its_own():
    made = groups({1: [issue("a"), issue("a", 1)], 2: [issue("a")]}, opened=[A])
    assert [made.spot(index) for index in range(4)] == [Spot(A), Spot(A, 1), Spot(A, 1, 1), Spot(A, 2)]
    assert [made.index_of(made.spot(index)) for index in range(4)] == [0, 1, 2, 3]


def test_a_place_survives_json():
    assert spot_of([[1, "a"], 2, 0]) == Spot(A, 2)
    assert spot_of(None) is None
    assert spot_of([["a"], 2]) is None


found = st.lists(
    st.builds(issue, st.sampled_from(sorted(TABLE)), st.integers(0, 2), waived=st.sampled_from(["", "fine"])),
    max_size=3,
)
pictures = st.dictionaries(st.integers(1, 6), found.filter(bool), max_size=5)


@given(pictures, st.lists(pictures, max_size=4), st.booleans())
def test_telling_what_changed_is_as_good_as_telling_all(first, later, with_waived):
    opened = {(rank, code) for rank in range(1, 4) for code in TABLE}
    made, known = groups(first, opened=opened), dict(first)
    for change in later:
        touched = {1, 2, *change}
        known = {row: issues for row, issues in known.items() if row not in touched} | change
        made.replace(touched, change, [])
    fresh = groups(dict(sorted(known.items())), opened=opened)
    for one in (made, fresh):
        one.with_waived = with_waived
        one.lay_out()
    assert [made.at(index)[1] for index in range(len(made))] == [fresh.at(index)[1] for index in range(len(fresh))]
    assert all(made.index_of(made.spot(index)) == index for index in range(len(made)))
