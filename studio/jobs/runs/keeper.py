"""Keeping what became of attempts: folded, stored, and told, in that order.

Replies are on disk before anyone reads them, so what is kept here could be made again from them: it is not synced.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import orjson

from studio.alpaca.rows import Row, Sft
from studio.jobs.events import Ended
from studio.jobs.runs.course import Course, Heard
from studio.llm import thinking
from studio.methods.asking import Change, Made
from studio.store.answers import Answers, Scores
from studio.store.database import Database
from studio.store.rows import Generated, Rows

Compare = Callable[[int], object]
"""Holds a new row against all others."""
Apply = Callable[[tuple[Change, ...]], bool]
"""Changes rows so that a person can undo it; False when they have done so: then the run ends."""


class Keeper:
    """Stores the results of one run."""

    def __init__(self, database: Database, course: Course, compare: Compare, apply: Apply) -> None:
        self._database, self._course = database, course
        self._rows, self._answers, self._scores = Rows(database), Answers(database), Scores(database)
        self._compare, self._apply = compare, apply

    def keep(self, lane: int, heard: Heard) -> Ended | None:
        """What became of an attempt, once it is in the store; None when a person has undone what the run changed."""
        course, task, replies = self._course, heard.task, tuple(key.rpartition(":")[2] for key in heard.asked)
        with self._database.transaction(durable=False):
            result = course.method.fold(course, task, heard.result, self._rows.last_id() + 1)
            ids: list[int] = []
            if not result.left:
                # A row that was stored before, and those that come beside it, rest on its replies too.
                before = {made.completes: self._replies(made.completes) for made in result.rows if made.completes}
                ids = [
                    self._add(made, (*before.get(made.completes or made.parent or 0, ()), *replies))
                    for made in result.rows
                ]
                for score in result.scores:
                    self._scores.keep(score.row, score.name, score.value, course.id, score.reason)
                if course.method.keeps and not task.variant:
                    self._answers.keep(course.id, task.key, result.value, heard.asked)
        if result.changes and not result.left and not self._apply(result.changes):
            return None
        for row_id, made in zip(ids, result.rows, strict=bool(ids)):
            if made.rule is None:
                self._compare(row_id)
        return Ended(
            lane=lane,
            task=task,
            result=result,
            row_ids=tuple(ids),
            replies=replies,
            tokens=(heard.usage.prompt_tokens, heard.usage.completion_tokens),
            seconds=heard.seconds,
            replayed=heard.replayed,
        )

    def _add(self, made: Made, replies: tuple[str, ...]) -> int:
        row, extras = self._thought(made)
        generated = Generated(
            type=made.type,
            row=row,
            run=self._course.id,
            root=made.root,
            round=made.round,
            parent=made.parent,
            operation=made.operation,
            replies=replies,
            rule=made.rule,
            evidence=made.evidence,
            variant=made.variant,
            extras=extras,
        )
        if not made.completes:
            return self._rows.add_generated(generated)
        self._rows.complete(made.completes, generated)
        return made.completes

    def _replies(self, row_id: int) -> tuple[str, ...]:
        stored = self._rows.get(row_id)
        return tuple((stored.replies or "").split()) if stored else ()

    def _thought(self, made: Made) -> tuple[Row, bytes | None]:
        """The row, and what belongs beside it, as the thinking setting says."""
        if not made.thinking or self._course.thinking == "drop":
            return made.row, None
        if self._course.thinking == "attach" and made.whole and isinstance(made.row, Sft):
            return msgspec.structs.replace(made.row, output=thinking.attach(made.thinking, made.row.output)), None
        return made.row, orjson.dumps({"thinking": made.thinking})
