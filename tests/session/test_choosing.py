"""What a session tells of redundancy, and what selecting and decontaminating change and can take back."""

from __future__ import annotations

import orjson
import pytest

from studio.alpaca.rows import Pretrain, Sft
from studio.curate.selecting.redundancy import Compression
from studio.errors import LockedError, UsageError
from studio.jobs.duplicates.redundancy import text_of
from studio.jobs.duplicates.redundancy_events import ContaminationFound, DiverseSelected, RedundancyMeasured, RowsMarked
from studio.session import Session
from studio.store.filters import Filter
from tests.support.projects import bring_in, contents, drain, kept, new_project, recount

LONG = "How many planks of four metres does a carpenter need for a jetty of thirty metres and two sides?"
LANG = "木匠给一座三十米长、两面铺板的码头备料，每块木板四米，他一共需要多少块？"
TASKS = [
    "Name the parts of a hand plane and say what each of them is for.",
    "Name the parts of a hand plane and say what each one of them is for.",
    "说出刨子的各个部件，并说明每个部件的用途。",
    "说出刨子的每个部件，并说明各个部件的用途。",
    "Why does a violin need a bridge?",
    LONG,
]


async def session_with(tmp_path, objects, name="rows.jsonl"):
    session = new_project(tmp_path / "p")
    ids = await bring_in(session, tmp_path / name, objects)
    return session, list(ids)


def answered(*instructions):
    return [{"instruction": text, "output": f"answer {n}"} for n, text in enumerate(instructions)]


async def last(events, kind):
    return [event for event in await drain(events) if isinstance(event, kind)][-1]


# -- redundancy --------------------------------------------------------------------------------------


async def test_redundancy_is_that_of_the_rows_that_are_not_rejected(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    await drain(session.review.find_duplicates())
    (tmp_path / "more").mkdir()
    await bring_in(session, tmp_path / "more" / "rows.jsonl", [{"text": "潮水每天来两次。"}])
    written = session.rows.add(Sft("Tune a lute.", "", "Turn the pegs."))
    session.rows.reject(ids[4])
    measured = await last(session.selection.redundancy(), RedundancyMeasured)
    expected = Compression()
    rows = [row for row in session.rows.each(Filter()) if row.status != "rejected"]
    for stored in rows:
        expected.add(text_of(stored.row))
    whole = measured.redundancy.whole
    assert (whole.rows, whole.size, whole.packed) == (7, expected.size, expected.packed())
    assert (whole.clustered, whole.clusters, measured.clusters) == (4, 2, 2)
    by_source = {name: group.rows for name, group in measured.redundancy.by_source.items()}
    # Two files of one name are two sources.
    assert by_source == {"file rows.jsonl": 5, "file rows.jsonl, import 2": 1, "written by hand": 1}
    assert {name: group.rows for name, group in measured.redundancy.by_method.items()} == {"imported": 6, "written": 1}
    assert measured.redundancy.kept.rows == 5
    assert session.rows.get(written).status == "accepted"
    await session.close()


async def test_settled_pairs_are_no_clusters_any_more(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    await drain(session.review.find_duplicates())
    first, second = sorted(session.project.pairs.all(), key=lambda pair: pair.left)
    session.rows.reject(first.left)
    session.review.keep_both([(second.left, second.right)])
    measured = await last(session.selection.redundancy(), RedundancyMeasured)
    assert measured.redundancy.whole.clustered == 0
    assert measured.redundancy.whole.rows == len(ids) - 1
    # The one that was kept is its cluster's first now.
    assert measured.redundancy.kept is None
    await session.close()


async def test_clusters_and_rows_to_drop_may_be_given(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    measured = await last(session.selection.redundancy([ids[:3]], ids[1:3]), RedundancyMeasured)
    assert measured.redundancy.whole.clustered == 3
    assert measured.redundancy.kept.rows == len(ids) - 2
    await session.close()


# -- selection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["compression", "overlap"])
async def test_the_selected_rows_and_no_others_have_the_tag(tmp_path, measure):
    session, ids = await session_with(
        tmp_path, [*answered(*TASKS), {"instruction": "x", "output": "y", "tags": ["old"]}]
    )
    before = contents(session)
    chosen, marked = [], []
    for size in (4, 2):
        events = await drain(session.selection.select_diverse(size, measure, seed=7))
        chosen.append(next(event for event in events if isinstance(event, DiverseSelected)))
        marked.append(events[-1])
    assert [len(one.selected) for one in chosen] == [4, 2]
    assert sorted([*chosen[1].selected, *chosen[1].others]) == ids
    assert list(session.rows.ids(Filter(tags=("diverse",)))) == sorted(chosen[1].selected)
    assert list(session.rows.ids(Filter(tags=("old",)))) == [ids[-1]]
    assert marked[0] == RowsMarked(4)
    assert contents(session) == before
    assert session.journal.undo()[0] == "tag 2 rows diverse"
    assert list(session.rows.ids(Filter(tags=("diverse",)))) == sorted(chosen[0].selected)
    session.journal.undo()
    assert not session.rows.ids(Filter(tags=("diverse",)))
    await session.close()


async def test_a_selection_says_what_it_changes_and_is_repeatable(tmp_path):
    session, _ = await session_with(tmp_path, answered(*TASKS * 3))
    one = await last(session.selection.select_diverse(5, apply="none"), DiverseSelected)
    again = await last(session.selection.select_diverse(5, apply="none"), DiverseSelected)
    assert one == again
    assert one.redundancy.kept.rows == 5
    assert one.redundancy.kept.ratio < one.redundancy.whole.ratio
    assert session.journal.undo()[0].startswith("import")  # nothing else was done
    await session.close()


async def test_the_others_are_rejected_with_the_reason_and_come_back(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    [seed] = await bring_in(session, tmp_path / "seeds.jsonl", [{"instruction": "描写一场雨。"}], seed=True)
    document = session.rows.add(Pretrain("A tale of two lighthouses."))
    before = contents(session)
    events = await drain(session.selection.select_diverse(2, "overlap", type="sft", apply="reject"))
    chosen = next(event for event in events if isinstance(event, DiverseSelected))
    assert events[-1] == RowsMarked(4)
    rejected = {row for row in ids if session.rows.get(row).status == "rejected"}
    assert rejected == set(ids) - set(chosen.selected)
    stored = session.rows.get(min(rejected))
    assert (stored.rule, stored.evidence) == ("less-diverse", "overlap, seed 42: not among the 2 selected of 6")
    # A task to evolve is no row of a dataset yet, and other types were not asked for.
    assert {session.rows.get(row).status for row in (seed, document)} == {"accepted"}
    assert kept(session) == recount(session)
    session.journal.undo()
    assert contents(session) == before
    await session.close()


async def test_a_row_rejected_while_rows_are_selected_keeps_its_own_reason(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    original = session.project.reading

    async def slow(job):
        async for event in original(job):
            for row in ids:
                session.rows.reject(row, "mine")
            yield event

    session.project.reading = slow
    events = await drain(session.selection.select_diverse(2, apply="reject"))
    assert events[-1] == RowsMarked(0)
    assert {session.rows.get(row).evidence for row in ids} == {"mine"}
    session.rows.restore(ids)
    events = await drain(session.selection.select_diverse(2))
    assert (len(events[-2].selected), events[-1]) == (2, RowsMarked(0))
    assert not session.rows.ids(Filter(tags=("diverse",)))
    await session.close()


async def test_more_rows_than_there_are_selects_all(tmp_path):
    session, ids = await session_with(tmp_path, answered(*TASKS))
    chosen = await last(session.selection.select_diverse(100, apply="reject"), DiverseSelected)
    assert (sorted(chosen.selected), list(chosen.others), chosen.redundancy.kept) == (ids, [], None)
    assert {session.rows.get(row).status for row in ids} == {"accepted"}
    await session.close()


async def test_wrong_wishes_change_nothing(tmp_path):
    session, _ = await session_with(tmp_path, answered(*TASKS))
    for wrong in ({"size": -1}, {"size": 2, "tag": " "}):
        with pytest.raises(UsageError):
            await drain(session.selection.select_diverse(**wrong))
    looking = Session.open(tmp_path / "p", read_only=True)
    with pytest.raises(LockedError):
        await drain(looking.selection.select_diverse(2))
    with pytest.raises(LockedError):
        await drain(looking.selection.find_contamination([tmp_path / "x"], reject=True))
    assert (await last(looking.selection.select_diverse(2, apply="none"), DiverseSelected)).seed == 42
    await looking.close()
    await session.close()


# -- decontamination ---------------------------------------------------------------------------------


@pytest.fixture
def benchmark(tmp_path):
    file = tmp_path / "bench.jsonl"
    file.write_bytes(b"".join(orjson.dumps({"question": text, "answer": "16"}) + b"\n" for text in (LONG, LANG)))
    return file


async def test_contaminated_rows_are_listed_and_rejected_with_the_evidence(tmp_path, benchmark):
    rows = answered(*TASKS[:5], f"Solve: {LONG}", f"解题：{LANG}")
    session, ids = await session_with(tmp_path, rows)
    before = contents(session)
    found = await last(session.selection.find_contamination([benchmark]), ContaminationFound)
    assert list(found.contaminated) == ids[5:]
    assert found.rows == len(ids)
    assert contents(session) == before
    events = await drain(session.selection.find_contamination([benchmark], reject=True))
    assert events[-1] == RowsMarked(2)
    english, chinese = (session.rows.get(row) for row in ids[5:])
    assert english.rule == chinese.rule == "contaminated"
    assert english.evidence == f"instruction: 19 tokens of bench.jsonl, entry 1: {LONG[:80]}…"
    assert chinese.evidence == f"instruction: 32 tokens of bench.jsonl, entry 2: {LANG[:-1]}"
    # What is rejected is not looked at again.
    assert (await last(session.selection.find_contamination([benchmark]), ContaminationFound)).hits == []
    assert session.journal.undo()[0] == "reject 2 rows that a benchmark has"
    assert contents(session) == before
    await session.close()


async def test_a_row_cured_meanwhile_is_not_rejected_for_what_it_held(tmp_path, benchmark):
    session, ids = await session_with(tmp_path, answered(LONG, LANG))
    original = session.project.reading

    async def slow(job):
        async for event in original(job):
            if isinstance(event, ContaminationFound):
                assert list(event.contaminated) == ids
                session.rows.edit(ids[0], Sft("How many planks?", "", "16"))
            yield event

    session.project.reading = slow
    events = await drain(session.selection.find_contamination([benchmark], reject=True))
    assert events[-1] == RowsMarked(1)
    assert [session.rows.get(row).status for row in ids] == ["accepted", "rejected"]
    await session.close()


async def test_rows_that_share_only_the_frame_of_a_benchmark_stay(tmp_path):
    frame = "Read the question about boats below and answer it with one of the four letters only:"
    file = tmp_path / "bench.jsonl"
    file.write_bytes(b"".join(orjson.dumps({"q": f"{frame} number {n}"}) + b"\n" for n in range(11)))
    session, ids = await session_with(tmp_path, answered(f"{frame} which boat is red?", f"{frame} number 3"))
    events = await drain(session.selection.find_contamination([file], reject=True))
    found = next(event for event in events if isinstance(event, ContaminationFound))
    assert [hit.common for hit in found.hits] == [True, False]
    assert [session.rows.get(row).status for row in ids] == ["accepted", "rejected"]
    await session.close()
