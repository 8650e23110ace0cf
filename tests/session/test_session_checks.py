"""What a session tells of issues, and which rows have changed since a screen last looked."""

from __future__ import annotations

from studio.alpaca.rows import Multimodal, Pretrain, Sft
from studio.jobs.events import Checked
from tests.support.projects import bring_in, drain, new_project


def touched(session, since):
    return sorted({row for rows in session.project.touched_since(since) for row in rows})


async def test_rows_touched_since_a_moment(tmp_path):
    session = new_project(tmp_path / "p")
    first, second = session.rows.add(Sft("q", "", "a ")), session.rows.add(Sft("q", "", "b "))
    now = session.project.changes
    assert touched(session, now) == []
    session.rows.fix("edge-whitespace", [first, second])
    assert touched(session, now) == [first, second]
    later = session.project.changes
    session.journal.undo()
    assert touched(session, later) == [first, second]
    third = session.rows.add(Sft("q", "", "c"))
    assert touched(session, session.project.changes) == []
    assert third in touched(session, later)
    await session.close()


async def test_some_rows_are_checked_as_all_are(tmp_path):
    session = new_project(tmp_path / "p")
    ids = [session.rows.add(Sft("q", "", text)) for text in ("a ", "b", "c ", "")]
    session.rows.add(Pretrain("潮水来了。"))
    session.rows.reject(ids[2])
    every, some = [(await drain(session.files.check(chosen)))[-1] for chosen in (None, [ids[0], ids[1], ids[2]])]
    assert isinstance(every, Checked)
    assert (every.rows, sorted(every.issues)) == (4, [ids[0], ids[3]])
    assert (some.rows, some.issues) == (2, {ids[0]: every.issues[ids[0]]})
    assert (
        [issue.code for issue in every.of_set] == ["too-few-tokens"] == [i.code for i in session.files.issues_of_set()]
    )
    assert session.files.issues_of(session.rows.get(ids[0])) == every.issues[ids[0]]
    await session.close()


async def test_media_are_sought_where_their_row_came_from(tmp_path):
    session = new_project(tmp_path / "p")
    (tmp_path / "files").mkdir()
    row = {"instruction": "<image>看图", "output": "梨", "images": ["a.png"]}
    [imported] = await bring_in(session, tmp_path / "files" / "rows.jsonl", [row])
    written = session.rows.add(Multimodal("<image>看图", "", "梨", ("a.png",)))
    (tmp_path / "files" / "a.png").write_bytes(b"")
    found = (await drain(session.files.check()))[-1].issues
    assert [issue.code for issue in found[imported]] == ["media-empty"]
    assert [issue.code for issue in found[written]] == ["media-missing"]
    await session.close()
