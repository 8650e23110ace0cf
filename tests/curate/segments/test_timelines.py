from __future__ import annotations

import pytest

from studio.curate.segments.timelines import Stamp, column, each_begins, each_ends, each_titled, runs


def years(*numbers):
    return [None if number is None else Stamp("date", (number,)) for number in numbers]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (years(1901, 1904, 1911), True),
        (years(1911, 1904, 1901), True),
        (years(1901, 1901, 1904), True),
        (years(1904, 1904, 1901), True),
        (years(1901, 1911, 1904), False),
        (years(1901, 1901, 1901), False),
        (years(1901, 1904), False),
        (years(1901, 1904, None), False),
        ([*years(1901, 1904), Stamp("clock", (1911,))], False),
        ([], False),
    ],
)
def test_stamps_of_one_kind_that_go_up_or_down_run(stamps, expected):
    assert runs(stamps) is expected


def test_fewer_stamps_run_where_fewer_will_do():
    assert runs(years(1901, 1904), 2)
    assert not runs(years(1901), 2)


@pytest.mark.parametrize(
    "texts",
    [
        ["Jan 3: sown", "March: mown", "Dec 1: rested"],
        ["Mon rain", "tuesday snow", "Sunday sun"],
        ["周一下雨", "星期三下雪", "周日出太阳"],
        ["3月播种", "5月2日收割", "11月休息"],
        ["In 1901 begun", "In 1904-05 sold", "In 1911 shut"],
    ],
)
def test_times_in_order_are_read(texts):
    assert each_begins(texts)
    assert each_begins(texts[::-1])
    assert not each_begins([texts[1], texts[2], texts[0]])
    assert not each_begins([*texts, "then"])


def test_versions_are_times_of_titles_only():
    versions = ["1.0 begun", "1.2 mended", "2.0 sold"]
    assert not each_begins(versions)
    assert each_titled(versions)


def test_a_time_at_the_end_stands_apart():
    assert each_ends(["begun (1901)", "sold, 1904", "shut – 1911."])
    assert not each_ends(["begun 1901", "sold 1904", "shut 1911"])
    assert not each_ends(["begun (1901)", "sold (1911)", "shut (1904)"])


def test_a_number_is_a_time_under_a_key_that_says_so():
    assert column("year", [1901, 1904, 1911])
    assert not column("price", [1901, 1904, 1911])
    assert column("startOffset", [1, 2])
    assert not column("year", [1901, 1904])
    assert not column("year", [True, False, True])
    assert column("what", ["1901-02", "1904-01", "1911-09"])
    assert not column("what", ["1901", "1904", "1911"])
