from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.representatives import RULES, Facts, rank
from studio.curate.duplicates.review_queue import Loss, Outlook, ReviewQueue
from studio.curate.duplicates.ties import Edge, Ties, groups, pairs_of


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


def test_how_many_rows_ask_the_same_and_are_not_in_a_cluster():
    one = queue([near(1, 9), Edge(1, 2, 1.0, "conflict"), Edge(1, 3, 1.0, "exact"), Edge(9, 10, 1.0, "task")])
    assert (one[0].rows, one.beside(one[0])) == ((1, 3, 9), 2)
    one.follow([10])
    assert one.beside(one[0]) == 1
    assert (one[1].rows, one.beside(one[1])) == ((1, 2), 1)


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


def mixed(luck, rows=20):
    """Edges of every kind between some rows, as searches and comparisons of single rows leave them."""
    edges = {}
    for _ in range(rows + rows // 2):
        left, right = sorted(luck.sample(range(rows), 2))
        kind = luck.choice(["overlap", "overlap", "overlap", "exact", "conflict", "task"])
        score = luck.choice([0.7, 0.76, 0.8, 0.9]) if kind == "overlap" else 1.0
        edges[left, right] = Edge(left, right, score, kind)
    return edges


@given(st.integers(0, 1000))
def test_after_any_decisions_the_queue_is_the_one_made_anew(seed):
    luck = random.Random(seed)
    edges = mixed(luck)
    one = queue(edges.values())
    connected = groups(edges.values())
    gone = set()
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
                left, right = sorted(rows)
                if left in connected and connected[left] == connected.get(right):
                    known = edges.get((left, right), Edge(left, right, 0.0, "overlap"))
                    edges[left, right] = known._replace(open=luck.random() < 0.2)
                    one.follow(open={(left, right): edges[left, right].open})
    assert list(one) == list(queue(edges.values(), gone=gone))


@given(st.integers(0, 1000))
def test_of_no_pair_is_asked_twice_and_the_questions_come_to_an_end(seed):
    one = queue(mixed(random.Random(seed)).values())
    asked = set()
    while len(one):
        pairs = {tuple(sorted(pair)) for pair in pairs_of(one[0].rows)}
        assert not pairs & asked
        asked |= pairs
        one.follow(open=dict.fromkeys(pairs, False))


@given(st.integers(0, 1000))
def test_what_goes_by_itself_leaves_every_answer_and_every_input(seed):
    luck = random.Random(seed)
    edges = mixed(luck).values()
    ranks = luck.sample(range(20), 20)
    one = ReviewQueue(edges, ranks.__getitem__, 0.75)
    ties = Ties(edges)
    gone = set()
    while losses := one.losses():
        for loss in losses:
            assert loss.keeper not in gone
            gone.add(loss.row)
        one.follow(loss.row for loss in losses)
    for group, rows in ties.rows.items():
        if len({ties.says[row] for row in rows}) > 1:
            assert {ties.says[row] for row in rows if row not in gone} == {ties.says[row] for row in rows}, group


def test_rows_of_an_open_conflict_are_left_to_a_person():
    edges = [Edge(1, 2, 1.0, "conflict"), near(1, 3), Edge(2, 4, 1.0, "exact")]
    best = queue([*edges])
    assert [(loss.row, loss.keeper) for loss in best.losses()] == [(3, 1), (4, 2)]
    third = ReviewQueue(edges, lambda row: (row != 3, row), 0.75)
    assert [(loss.row, loss.keeper) for loss in third.losses()] == [(4, 2)]
    third.follow([1])
    assert [(loss.row, loss.keeper) for loss in third.losses()] == [(2, 3), (4, 3)]


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
