from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.selecting import redundancy
from studio.curate.selecting.redundancy import Census, Compression, Figures, cluster_of, spare

TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    | st.sampled_from(["", "Name three rivers that flow north. " * 40, "请说出三条向北流的河。" * 60]),
    max_size=12,
)


def at_once(texts):
    """The definition: bytes of the whole text, and of what zlib makes of it at level 9."""
    raw = "\n".join(texts).encode()
    return len(raw), len(zlib.compress(raw, 9))


@given(TEXTS)
def test_a_stream_is_measured_as_the_whole_text_is(texts):
    compression = Compression()
    for number, text in enumerate(texts):
        compression.add(text)
        compression.packed()  # asking midway changes nothing
        assert compression.rows == number + 1
    assert (compression.size, compression.packed()) == at_once(texts)
    assert compression.ratio == compression.size / compression.packed()


def test_a_text_longer_than_what_deflate_sees_is_measured_as_a_whole_too():
    texts = [f"{number} 号渡船在第 {number * 7919 % 1000} 天靠岸。" for number in range(4000)]
    compression = Compression()
    for text in texts:
        compression.add(text)
    assert compression.size > 4 * 32768
    assert (compression.size, compression.packed()) == at_once(texts)


@given(TEXTS, st.text(st.characters(exclude_categories=["Cs"])))
def test_what_if_a_text_came_next(texts, more):
    compression = Compression()
    for text in texts:
        compression.add(text)
    before = compression.size, compression.packed()
    size, packed = at_once([*texts, more])
    assert compression.with_text(more) == compression.with_text(more.encode()) == size / packed
    assert (compression.size, compression.packed()) == before


def test_nothing_has_no_redundancy():
    assert Compression().ratio == 0.0
    empty = Census().redundancy()
    assert (empty.whole.ratio, empty.whole.share, empty.by_source, empty.kept) == (0.0, 0.0, {}, None)


def test_repetition_raises_the_ratio_in_both_languages():
    for one, others in (
        ("Describe the harbour at dawn.", ["Count the boats.", "Who mends the nets?", "Why does rope float?"]),
        ("描写黎明的港口。", ["数一数船。", "谁在补网？", "绳子为什么会浮？"]),
    ):
        same, different = Compression(), Compression()
        for text in others:
            same.add(one)
            different.add(text)
        assert same.ratio > different.ratio


ROWS = [
    (1, "Name a river in the north.", "rivers.json", "imported"),
    (2, "Name a river in the north!", "rivers.json", "imported"),
    (3, "说出一条北方的河。", "河.csv", "imported"),
    (4, "说出北方的一条河。", "rivers.json", "deepening"),
    (5, "Why do bells ring?", "rivers.json", "deepening"),
    (7, "为什么钟会响？", "河.csv", "written"),
]


def measured(rows, *about):
    census = Census(*about)
    for row in rows:
        census.add(*row)
    return census.redundancy()


def figures(rows, clustered, clusters):
    return Figures(len(rows), clustered, clusters, *at_once([row[1] for row in rows]))


def test_the_whole_and_its_groups():
    # Row 6 is not in the set, so 5 is like no other; 8 and 9 are not either.
    found = measured(ROWS, [[1, 2], [3, 4], [5, 6], [8, 9]])
    rivers, chinese = [ROWS[i] for i in (0, 1, 3, 4)], [ROWS[2], ROWS[5]]
    assert found.whole == figures(ROWS, 4, 2)
    assert found.whole.share == 4 / 6
    # Row 4 is alone of its cluster in its source, but not in the set.
    assert found.by_source == {"rivers.json": figures(rivers, 3, 2), "河.csv": figures(chinese, 1, 1)}
    assert list(found.by_source) == ["rivers.json", "河.csv"]
    assert found.by_method == {
        "imported": figures(ROWS[:3], 3, 2),
        "deepening": figures(ROWS[3:5], 1, 1),
        "written": figures(ROWS[5:], 0, 0),
    }
    assert found.kept is None


def test_what_dropping_would_change():
    clusters = {1: 10, 2: 10, 3: 20, 4: 20}
    found = measured(ROWS, clusters, {2, 4})
    assert found.whole == figures(ROWS, 4, 2)
    assert found.kept == figures([row for row in ROWS if row[0] not in (2, 4)], 0, 0)
    assert found.kept.ratio < found.whole.ratio


def test_clusters_come_as_a_mapping_or_as_lists():
    lists = [[4, 9, 2], [7, 3]]
    assert cluster_of(lists) == cluster_of({4: 0, 9: 0, 2: 0, 7: 1, 3: 1})
    assert spare(lists) == {4, 9, 7}
    assert spare({5: 1, 6: 2, 8: 2}) == {8}
    assert measured(ROWS, [[2, 1], [4, 3]]).whole == measured(ROWS, {1: 7, 2: 7, 3: 8, 4: 8}).whole


@given(st.dictionaries(st.integers(1, 30), st.integers(1, 6)), st.sets(st.integers(1, 30)))
def test_shares_are_those_of_the_definition(clusters, present):
    rows = [(row, f"row {row}", f"file {row % 3}", "imported") for row in sorted(present)]
    found = measured(rows, clusters)

    def alike(row):
        return any(other != row and clusters[other] == clusters[row] for other in present & clusters.keys())

    clustered = {row for row in present & clusters.keys() if alike(row)}
    assert found.whole.clustered == len(clustered)
    assert found.whole.clusters == len({clusters[row] for row in clustered})
    for name, group in found.by_source.items():
        mine = {row for row in clustered if f"file {row % 3}" == name}
        assert (group.clustered, group.clusters) == (len(mine), len({clusters[row] for row in mine}))
    assert sum(group.rows for group in found.by_source.values()) == len(present)


def test_more_sources_than_compressors_are_counted_together(monkeypatch):
    monkeypatch.setattr(redundancy, "GROUPS", 2)
    rows = [(row, "月亮" * row, f"file {row}", "imported") for row in range(1, 6)]
    found = measured([*rows, (6, "潮", "file 1", "imported")], [[1, 2, 5]])
    assert {name: group.rows for name, group in found.by_source.items()} == {"file 1": 2, "file 2": 1, "all others": 3}
    assert list(found.by_source)[-1] == "all others"
    assert found.by_source["all others"].clustered == 1
    assert found.whole.rows == 6


@pytest.mark.parametrize("rows", [0, 1])
def test_a_row_alone_is_in_no_cluster(rows):
    assert measured(ROWS[:rows], [[1, 2]]).whole.clustered == 0
