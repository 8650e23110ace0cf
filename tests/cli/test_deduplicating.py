from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.cli.deduplicating import going
from studio.curate.duplicates.review_queue import ReviewQueue
from studio.curate.duplicates.ties import Edge

ROWS = range(8)
scored = st.dictionaries(
    st.tuples(st.sampled_from(ROWS), st.sampled_from(ROWS)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.7, 0.8, 0.9]),
    max_size=16,
)


@given(scored, st.permutations(ROWS))
def test_a_row_goes_only_for_one_that_stays_and_that_it_is_near(near, rank):
    edges = [Edge(left, right, score, "overlap", True) for (left, right), score in near.items()]
    losses = going(ReviewQueue(edges, rank.index, 0.75))
    gone = [loss.row for loss in losses]
    assert len(set(gone)) == len(gone)
    assert not {loss.keeper for loss in losses} & set(gone)
    assert all(near[min(loss[:2]), max(loss[:2])] >= 0.75 for loss in losses)


def test_a_row_that_others_went_for_stays_though_a_better_one_is_near_it():
    near = {(0, 1): 0.89, (0, 2): 0.73, (0, 3): 0.75, (0, 4): 0.86, (1, 3): 0.78, (1, 4): 0.76}
    edges = [Edge(left, right, score, "overlap") for (left, right), score in near.items()]
    queue = ReviewQueue(edges, [1, 3, 0, 4, 2].__getitem__, 0.65)
    assert [loss[:2] for loss in going(queue)] == [(0, 2), (3, 1)]
    assert [one.rows for one in queue] == [(4, 1)]
