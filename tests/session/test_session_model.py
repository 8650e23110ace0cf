"""A session against a model of it: whatever is decided, undone and reopened."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio.alpaca.rows import Sft
from studio.curate.duplicates.review_queue import Loss
from studio.session import Session
from studio.store.pairs import Search
from studio.store.rows import Generated
from tests.support.projects import bring_in, contents, kept, new_project, recount

SEARCH = Search("overlap", "prompt", 0.65, 5, "2026-01-01T00:00:00", (0, 0))
IMPORTED = [
    {"instruction": "Name a river in France.", "output": "The Loire."},
    {"instruction": "Name a river in France", "output": "The Rhône."},
    {"instruction": "写一句关于雨的话。<|im_end|>", "output": "雨打湿了石阶。"},
    {"instruction": "写一句关于雪的话。<|im_end|>", "output": "雪落在屋檐上。"},
]
picks = st.integers(0, 10**6)
words = st.sampled_from(["Describe a lamp.", "描述一盏灯。", "Mend <|im_end|> this", ""])


class Decisions(RuleBasedStateMachine):
    """done and undone hold the model's states before each decision, as an undo and a redo stack."""

    @initialize()
    def start(self):
        self.home = Path(tempfile.mkdtemp())
        self.session = new_project(self.home / "p")
        asyncio.run(bring_in(self.session, self.home / "rows.jsonl", IMPORTED, seed=True))
        run = self._run(lambda: self.session.project.runs.open("evol-instruct", "key", "{}"))
        made = Generated("sft", Sft("Grown", "", "Answer"), run, 1, 1, 1, "deepening", ())
        self._run(lambda: self.session.project.rows.add_generated(made))
        self._run(
            lambda: self.session.project.pairs.replace_open(
                [(1, 2, 0.9, "overlap"), (3, 4, 0.8, "overlap"), (1, 5, 0.75, "overlap")], SEARCH
            )
        )
        self.state = self.real()
        self.first = dict(self.state[0])
        # The import is the first undoable step; undoing it rejects its rows.
        before = {
            row_id: (row, "rejected", seed, "by-hand", "its import was undone", gold) if row_id < 5 else rest
            for row_id, rest in self.state[0].items()
            for row, _, seed, _, _, gold in [rest]
        }
        self.done, self.undone = [(before, *self.state[1:])], []

    def _run(self, work):
        with self.session.project.database.transaction():
            return work()

    def real(self):
        rows = self.session.rows.page(range(1, self.session.project.rows.last_id() + 1))
        opinions = {row.id: (row.tags, row.score, row.waived) for row in rows if row.tags or row.score or row.waived}
        return contents(self.session), {pair.id: pair.verdict for pair in self.session.project.pairs.all()}, opinions

    def decided(self, rows, pairs=None, opinions=None):
        """The model's next state; nothing happened when it is the same."""
        meant = {row_id: one for row_id, one in {**self.state[2], **(opinions or {})}.items() if any(one)}
        after = ({**self.state[0], **rows}, {**self.state[1], **(pairs or {})}, meant)
        if after != self.state:
            self.done.append(self.state)
            self.undone = []
            self.state = after

    def pick(self, number):
        return number % len(self.state[0]) + 1

    @rule(number=picks)
    def accept(self, number):
        row_id = self.pick(number)
        row, _, seed, _, _, gold = self.state[0][row_id]
        self.session.rows.accept(row_id)
        self.decided({row_id: (row, "accepted", seed, None, None, gold)})

    @rule(number=picks, why=st.sampled_from(["dull", "答非所问"]))
    def reject(self, number, why):
        row_id = self.pick(number)
        row, _, seed, _, _, gold = self.state[0][row_id]
        self.session.rows.reject(row_id, why)
        self.decided({row_id: (row, "rejected", seed, "by-hand", why, gold)})

    @rule(number=picks, seed=st.booleans())
    def put_in_or_out_of_the_pool(self, number, seed):
        row_id = self.pick(number)
        row, status, _, *rest = self.state[0][row_id]
        self.session.rows.set_seed(row_id, seed)
        self.decided({row_id: (row, status, seed, *rest)})

    @rule(number=picks, gold=st.none() | st.integers(0, 3))
    def mark_gold(self, number, gold):
        row_id = self.pick(number)
        *rest, _ = self.state[0][row_id]
        self.session.placing.mark_gold(row_id, gold)
        self.decided({row_id: (*rest, gold)})

    @rule(number=picks, text=words)
    def edit(self, number, text):
        row_id = self.pick(number)
        old, *rest, gold = self.state[0][row_id]
        row = Sft(text, "", "z")
        self.session.rows.edit(row_id, row)
        # These rows have no segments, so other content has no gold one.
        self.decided({row_id: (row, *rest, gold if row == old else None)})

    @rule(text=words, seed=st.booleans())
    def add(self, text, seed):
        row_id = self.session.rows.add(Sft(text), seed=seed)
        # Undoing an addition rejects the row; it never goes away.
        before = (Sft(text), "rejected", seed, "by-hand", "you took it back", None)
        for rows, *_ in (*self.done, self.state):
            rows[row_id] = before
        self.decided({row_id: (Sft(text), "accepted", seed, None, None, None)})

    @rule(number=picks)
    def drop_a_duplicate(self, number):
        pair = self.session.project.pairs.get(number % 3 + 1)
        row, status, seed, rule, evidence, gold = self.state[0][pair.right]
        self.session.review.drop_duplicates([Loss(pair.right, pair.left, pair.score)])
        twin = f"overlap {pair.score:.2f} with #{pair.left}"
        gone = (row, "rejected", seed, "near-duplicate", twin, gold)
        self.decided({pair.right: gone if status != "rejected" else (row, status, seed, rule, evidence, gold)})

    @rule(number=picks)
    def keep_both(self, number):
        pair = self.session.project.pairs.get(number % 3 + 1)
        self.session.review.keep_both([(pair.right, pair.left)])
        self.decided({}, {pair.id: "keep-both"})

    @rule(number=picks, text=words)
    def merge(self, number, text):
        pair = self.session.project.pairs.get(number % 3 + 1)
        row, status, seed, _, _, gold = self.state[0][pair.right]
        old, *rest, kept = self.state[0][pair.left]
        merged_row = Sft(text, "", "m")
        self.session.review.merge(pair.left, merged_row, [pair.right])
        gone = (row, "rejected", seed, "merged", f"merged into #{pair.left}", gold)
        merged = gone if status != "rejected" else self.state[0][pair.right]
        left = (merged_row, *rest, kept if merged_row == old else None)
        self.decided({pair.left: left, pair.right: merged})

    def opinions(self, numbers, change):
        """Change (tags, score, waived) of the picked rows."""
        picked = {self.pick(number) for number in numbers}
        return picked, {row_id: change(*self.state[2].get(row_id, ((), None, {}))) for row_id in picked}

    @rule(numbers=st.lists(picks, max_size=3), tags=st.lists(st.sampled_from(["hard", "诗", " hard "]), max_size=2))
    def tag(self, numbers, tags):
        meant = tuple(sorted({tag.strip() for tag in tags}))
        picked, after = self.opinions(numbers, lambda _, score, waived: (meant, score, waived))
        self.session.rows.set_tags(picked, tags)
        self.decided({}, opinions=after)

    @rule(numbers=st.lists(picks, max_size=3), score=st.none() | st.sampled_from([1.0, 4.5]))
    def score(self, numbers, score):
        picked, after = self.opinions(numbers, lambda tags, _, waived: (tags, score, waived))
        self.session.rows.set_score(picked, score)
        self.decided({}, opinions=after)

    @rule(numbers=st.lists(picks, max_size=3), code=st.sampled_from(["empty-output", "refusal"]), on=st.booleans())
    def waive(self, numbers, code, on):
        def change(tags, score, waived):
            others = {other: why for other, why in waived.items() if other != code}
            return tags, score, {**waived, code: "a quotation"} if on else others

        picked, after = self.opinions(numbers, change)
        if on:
            self.session.rows.waive(code, picked, "a quotation")
        else:
            self.session.rows.unwaive(code, picked)
        self.decided({}, opinions=after)

    @rule()
    def fix(self):
        changed = self.session.rows.fix("control-token", list(self.state[0]))
        if changed:
            after = self.real()
            assert not any("<|im_end|>" in row[0].instruction for row in after[0].values())
            self.decided(after[0])

    @precondition(lambda self: len(self.done) > 1)  # the import is undone at the end
    @rule()
    def undo(self):
        assert self.session.journal.undo() is not None
        self.undone.append(self.state)
        self.state = self.done.pop()

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self):
        assert self.session.journal.redo() is not None
        self.done.append(self.state)
        self.state = self.undone.pop()

    @rule()
    def reopen(self):
        asyncio.run(self.session.close())
        self.session = Session.open(self.home / "p", must_write=True)

    @invariant()
    def everything_is_as_the_model_says(self):
        if hasattr(self, "state"):
            assert self.real() == self.state
            assert kept(self.session) == recount(self.session)

    def teardown(self):
        if not hasattr(self, "state"):
            return
        while len(self.done) > 1:
            self.undo()
        assert {row_id: self.real()[0][row_id] for row_id in self.first} == self.first
        assert not self.real()[2]
        self.undo()
        self.everything_is_as_the_model_says()
        assert self.session.journal.undo() is None
        asyncio.run(self.session.close())
        shutil.rmtree(self.home)


Decisions.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestDecisions = Decisions.TestCase
