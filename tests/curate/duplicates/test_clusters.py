from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates import clusters as module
from studio.curate.duplicates.clusters import Cluster, clusters
from studio.curate.duplicates.ties import ALL_PAIRS, Edge, Ties


def near(left, right, score=0.8):
    return Edge(left, right, score, "overlap")


def by_id(row):
    return row


def found(edges, rank=by_id, threshold=0.75, **more):
    return [one.rows for one in clusters(Ties(edges), rank, threshold, **more)]


def test_a_pair_is_a_cluster_and_the_best_row_stands_first():
    assert clusters(Ties([near(1, 2, 0.9)]), by_id, 0.75) == [Cluster("near", (1, 2), (1.0, 0.9))]
    assert found([near(1, 2)], rank=lambda row: -row) == [(2, 1)]


def test_a_chain_whose_ends_are_strangers_is_split_and_says_so():
    chain = [near(1, 2, 0.8), near(2, 3, 0.9)]
    assert clusters(Ties(chain), by_id, 0.75) == [
        Cluster("near", (1, 2), (1.0, 0.8), split=True),
        Cluster("near", (2, 3), (1.0, 0.9), split=True),
    ]
    assert found([*chain, near(1, 3, 0.76)]) == [(1, 2, 3)]


def test_below_the_threshold_is_no_pair():
    edges = [near(1, 2, 0.7), near(2, 3, 0.8)]
    assert found(edges, threshold=0.7) == [(1, 2), (2, 3)]
    assert found(edges, threshold=0.75) == [(2, 3)]
    assert found(edges, threshold=0.81) == []


def test_a_row_that_is_gone_takes_its_pairs_along():
    assert found([near(1, 2), near(2, 3)], gone={2}) == []
    assert found([near(1, 2), near(2, 3), near(1, 3)], gone={1}) == [(2, 3)]


def test_what_somebody_wants_both_of_is_no_pair():
    assert found([near(1, 2)._replace(open=False), near(2, 3)]) == [(2, 3)]


def test_equal_rows_stay_together_and_any_of_them_can_stay():
    equal = [Edge(1, 4, 1.0, "exact"), Edge(1, 5, 1.0, "exact")]
    assert found(equal) == [(1, 4, 5)]
    assert found([*equal, near(1, 2, 0.8)], rank=lambda row: -row) == [(5, 4, 1, 2)]
    # The first one is gone: the others stand for it.
    assert found([*equal, near(1, 2, 0.8)], gone={1}) == [(2, 4, 5)]
    assert found([Edge(1, 4, 1.0, "exact", open=False)]) == []


def test_one_prompt_with_two_answers_is_a_conflict_and_its_best_row_is_held_against_what_it_is_near():
    edges = [Edge(1, 2, 1.0, "conflict"), Edge(2, 3, 1.0, "exact"), near(1, 9, 0.8)]
    assert clusters(Ties(edges), by_id, 0.75) == [
        Cluster("near", (1, 9), (1.0, 0.8)),
        Cluster("near", (2, 3), (1.0, 1.0)),
        Cluster("conflict", (1, 2), (1.0, 1.0)),
    ]
    assert found(edges, gone={1}) == [(2, 3, 9)]
    assert found([edges[0]._replace(open=False), near(1, 9)]) == [(1, 9)]
    assert found([edges[0]._replace(open=False), near(1, 9)], gone={1}) == [(2, 9)]
    assert found(edges[:1], gone={2}) == []


def test_two_prompts_of_many_answers_are_near_each_other_once():
    answers = [Edge(1, row, 1.0, "conflict") for row in range(3, 403)]
    others = [Edge(2, row, 1.0, "conflict") for row in range(403, 803)]
    kinds = [(one.kind, len(one.rows)) for one in clusters(Ties([near(1, 2), *answers, *others]), by_id, 0.75)]
    assert kinds == [("near", 2), ("conflict", 401), ("conflict", 401)]


def test_one_instruction_of_two_inputs_is_no_conflict():
    edges = [Edge(1, 2, 1.0, "task"), Edge(2, 3, 1.0, "conflict"), near(1, 9)]
    assert [(one.kind, one.rows) for one in clusters(Ties(edges), by_id, 0.75)] == [
        ("near", (1, 9)),
        ("conflict", (2, 3)),
    ]


@pytest.mark.parametrize("kind", ["exact", "conflict"])
def test_of_rows_that_ask_the_same_only_those_stand_apart_of_which_somebody_wants_both(kind):
    edges = [Edge(1, 2, 1.0, kind), Edge(1, 3, 1.0, kind)]
    both = near(2, 3, 0.0)._replace(open=False)

    def newest(row):
        return -row

    assert found([*edges, both], rank=newest) == [(3, 1)]
    assert found([*edges, both], rank=newest, gone={3}) == [(2, 1)]
    assert found([*edges, both, Edge(1, 3, 1.0, kind, open=False)][1:], rank=newest) == []


def test_rows_that_are_no_duplicates_are_none_through_others_that_say_the_same():
    equal = [Edge(1, 2, 1.0, "exact"), near(1, 9)]
    for one, other in ((1, 9), (2, 9)):
        both = near(one, other, 0.0)._replace(open=False)
        assert found([*equal, both]) == [(1, 2)]
        assert found([*equal, both], gone={one}) == []


def test_a_verdict_on_more_rows_than_pairs_are_kept_of_is_one_on_all_of_them():
    rows = range(2, 2 + ALL_PAIRS + 10)
    edges = [Edge(1, row, 1.0, "conflict") for row in rows]
    assert found(edges) == [(1, *rows)]
    wanted = [edge._replace(open=False) for edge in edges]
    assert found(wanted) == []
    assert found([*wanted[:-1], edges[-1]]) == [(1, rows[-1])]
    assert found([*wanted[:-1], edges[-1]], gone={1}) == [(2, rows[-1])]


def test_of_a_template_with_edges_missing_the_representative_is_held_against_all():
    star = [near(7, row) for row in range(8, 40)]
    asked = []

    def alike(row, others):
        asked.append(row)
        return [0.8 if other % 2 else 0.5 for other in others]

    one, *_ = clusters(Ties(star), lambda row: abs(row - 20), 0.75, partial=set(range(7, 40)), alike=alike)
    assert one.rows[0] == 20
    assert set(one.rows[1:]) == {7, *range(9, 40, 2)}
    assert one.loose
    assert asked[0] == 20


def test_of_a_very_large_cluster_each_row_is_held_against_the_representative(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 3)
    one, *_ = clusters(Ties([near(1, row) for row in range(2, 8)] + [near(2, 3), near(2, 4), near(3, 4)]), by_id, 0.75)
    assert one.loose
    assert one.rows == (1, 2, 3, 4, 5, 6, 7)


def test_the_score_of_a_cluster_is_that_of_its_least_certain_row():
    (one,) = clusters(Ties([near(1, 2, 0.9), near(1, 3, 0.76), near(2, 3, 0.95)]), by_id, 0.75)
    assert one.score == 0.76


EDGES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.65, 0.7, 0.76, 0.8, 0.9]))
    .filter(lambda edge: edge[0] < edge[1])
    .map(lambda edge: near(*edge)),
    max_size=40,
    unique_by=lambda edge: edge[:2],
)


@given(EDGES, st.randoms(use_true_random=False), st.sets(st.integers(0, 11)))
def test_every_pair_is_in_a_cluster_and_nobody_is_with_strangers(edges, luck, gone):
    ranks = list(range(12))
    luck.shuffle(ranks)
    result = clusters(Ties(edges), ranks.__getitem__, 0.75, gone=gone)
    pairs = {edge[:2]: edge.score for edge in edges if edge.score >= 0.75 and not {edge.left, edge.right} & gone}
    held = set()
    for one in result:
        assert one.rows[0] == min(one.rows, key=ranks.__getitem__)
        assert list(one.scores[1:]) == sorted(one.scores[1:], reverse=True)
        for at, left in enumerate(one.rows):
            for right in one.rows[at + 1 :]:
                assert tuple(sorted((left, right))) in pairs
                held.add(tuple(sorted((left, right))))
        assert [pairs[tuple(sorted((one.rows[0], row)))] for row in one.rows[1:]] == list(one.scores[1:])
    assert held == set(pairs)


@given(EDGES, st.randoms(use_true_random=False))
def test_the_order_of_edges_changes_nothing(edges, luck):
    mixed = list(edges)
    luck.shuffle(mixed)
    assert clusters(Ties(mixed), by_id, 0.75) == clusters(Ties(edges), by_id, 0.75)


@pytest.mark.parametrize("seed", range(3))
def test_another_numbering_of_the_rows_gives_the_same_clusters(seed):
    rng = random.Random(seed)
    edges = [near(*sorted(rng.sample(range(30), 2)), rng.choice([0.76, 0.8, 0.9])) for _ in range(40)]
    edges = list({edge[:2]: edge for edge in edges}.values())
    number = list(range(30))
    rng.shuffle(number)
    other = [near(*sorted((number[edge.left], number[edge.right])), edge.score) for edge in edges]
    back = {new: old for old, new in enumerate(number)}
    renamed = [tuple(back[row] for row in rows) for rows in found(other, rank=back.__getitem__)]
    assert renamed == found(edges)
