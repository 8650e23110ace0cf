from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.representatives import RULES, Facts, rank
from studio.curate.review_queue import Loss, Outlook, ReviewQueue
from studio.curate.ties import Edge


def near(left, right, score=0.8):
    return Edge(left, right, score, "overlap")


def queue(edges, threshold=0.75, **more):
    return ReviewQueue(edges, lambda row: row, threshold, **more)


EDGES = [
    near(1, 2, 0.95),
    near(3, 4, 0.76),
    near(5, 6, 0.82),
    near(5, 7, 0.83),
    near(6, 7, 0.9),
    Edge(8, 9, 1.0, "conflict"),
]


@pytest.mark.parametrize(
    ("order", "first"),
    [("border", [3, 5, 1, 8]), ("closest", [1, 5, 3, 8]), ("largest", [5, 1, 3, 8])],
)
def test_the_least_certain_come_first_unless_asked_otherwise_and_conflicts_last(order, first):
    assert [one.rows[0] for one in queue(EDGES, order=order)] == first


def test_a_decision_takes_its_cluster_out_and_undoing_it_brings_it_back():
    one = queue(EDGES)
    before = list(one)
    one.follow([4])
    assert [cluster.rows[0] for cluster in one] == [5, 1, 8]
    one.follow(back=[4])
    assert list(one) == before


def test_a_row_less_leaves_the_rest_of_its_cluster():
    one = queue(EDGES)
    one.follow([5])
    assert (6, 7) in [cluster.rows for cluster in one]


def test_pairs_that_are_no_duplicates_are_not_asked_again_until_that_is_taken_back():
    one = queue(EDGES)
    before = list(one)
    one.follow(open=dict.fromkeys([(5, 6), (5, 7), (6, 7)], False))
    assert [cluster.rows[0] for cluster in one] == [3, 1, 8]
    one.follow(open=dict.fromkeys([(5, 6), (5, 7), (6, 7)], True))
    assert list(one) == before


def test_what_would_go():
    one = queue(EDGES)
    assert one.losses() == [Loss(2, 1, 0.95), Loss(4, 3, 0.76), Loss(7, 5, 0.83), Loss(6, 5, 0.82)]
    assert one.outlook() == Outlook(3, 1, 4)
    assert one.losses(*one.band(0.83)) == [Loss(7, 5, 0.83), Loss(6, 5, 0.82)]
    assert one.band(0.83) == (0.8, 0.85)
    assert one.band(1.0) == (1.0, 2.0)
    assert one.band(0.97) == (0.95, 1.0)


def test_no_row_goes_in_favour_of_one_that_goes():
    chain = queue([near(1, 2), near(2, 3, 0.95)], order="closest")
    assert chain.losses() == [Loss(2, 1, 0.8)]
    chain.follow([2])
    assert not len(chain)


def test_where_a_row_is():
    one = queue(EDGES)
    assert one[one.find(7)].rows == (5, 7, 6)
    assert one.find(99) is None
    assert one.place(one[2]) == 2


def test_what_makes_two_rows_alike():
    edges = [Edge(1, 4, 1.0, "exact"), Edge(1, 6, 1.0, "exact"), Edge(1, 2, 1.0, "conflict"), near(1, 9)]
    one = queue([*edges, Edge(1, 3, 1.0, "task")])
    for rows in ((9, 1), (4, 9), (2, 9), (3, 9)):
        assert one.tie(*rows) == Edge(*rows, 0.8, "overlap")
    assert one.tie(6, 4).by == one.tie(1, 4).by == "exact"
    assert one.tie(1, 2).by == one.tie(2, 6).by == "conflict"
    assert one.tie(2, 3).by == "task"


def test_any_row_of_a_cluster_may_stay():
    one = queue([near(5, 6, 0.82), near(5, 7, 0.83), near(6, 7, 0.9), Edge(5, 8, 1.0, "exact")])
    (cluster,) = one
    assert one.losses_for(7, cluster) == [Loss(5, 7, 0.83), Loss(8, 7, 0.83), Loss(6, 7, 0.9)]
    assert one.losses_for(8, cluster) == [Loss(5, 8, 1.0), Loss(7, 8, 0.83), Loss(6, 8, 0.82)]


def test_of_a_cluster_too_large_to_know_only_what_is_near_goes():
    star = [near(1, row) for row in (2, 3, 4)]
    one = queue(star, partial={1, 2, 3, 4}, alike=lambda row, others: [0.9 if other == 3 else 0.5 for other in others])
    (cluster,) = one
    assert one.losses_for(2, cluster) == [Loss(3, 2, 0.9)]


@given(st.integers(0, 1000))
def test_after_any_decisions_the_queue_is_the_one_made_anew(seed):
    luck = random.Random(seed)
    edges = {}
    for _ in range(30):
        left, right = sorted(luck.sample(range(20), 2))
        edges[left, right] = near(left, right, luck.choice([0.7, 0.76, 0.8, 0.9]))
    one = queue(edges.values())
    gone, apart = set(), set()
    for _ in range(12):
        rows = set(luck.sample(range(20), 2))
        match luck.randrange(3):
            case 0:
                gone |= rows
                one.follow(rows)
            case 1:
                gone -= rows
                one.follow(back=rows)
            case 2:
                pair = tuple(sorted(rows))
                if pair in edges:
                    apart.add(pair)
                    one.follow(open={pair: False})
    fresh = queue([edge._replace(open=edge[:2] not in apart) for edge in edges.values()], gone=gone)
    assert list(one) == list(fresh)


FACTS = {
    1: Facts(1, 50, None, True, 3),
    2: Facts(2, 90, 2.0, False, 2),
    3: Facts(3, 90, 4.5, True, 4),
    4: Facts(4, 10, None, False, 4),
}


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ("first", [1, 2, 3, 4]),
        ("longest", [2, 3, 1, 4]),
        ("newest", [4, 3, 2, 1]),
        ("best-score", [3, 2, 1, 4]),
        ("human-first", [2, 4, 1, 3]),
        ("most-complete", [3, 4, 1, 2]),
    ],
)
def test_the_rules_of_who_stays(rule, order):
    assert sorted(FACTS, key=rank(rule, FACTS)) == order


def test_every_rule_is_tried_above():
    assert len(RULES) == 6
