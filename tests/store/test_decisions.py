"""What a decision changes, as values."""

from __future__ import annotations

import pytest

from studio.store.decisions import joined


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], []),
        ([range(1, 3), range(3, 5)], [range(1, 5)]),
        ([range(1, 3), range(4, 5)], [range(1, 3), range(4, 5)]),
        ([range(1, 2), range(2, 3), range(3, 4), range(7, 9)], [range(1, 4), range(7, 9)]),
    ],
)
def test_adjacent_ranges_become_one(ranges, expected):
    assert joined(ranges) == expected
