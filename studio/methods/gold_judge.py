"""A model as the judge of which segment is gold, pure: what it is asked, and how its reply is read.

It is shown the segments under numbers of our own, whatever their labels are, with the question and its answer, and
names one with a quotation. A quotation that is not in the segment makes its verdict a suggestion only. The prompts are
data, gold_judge.en.toml and gold_judge.zh.toml in `studio/methods/prompts`.

    (row,)   which segment of the row is gold; the row keeps the verdict, so that nothing is kept by the key
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from studio.alpaca.rows import encode
from studio.alpaca.stored import GoldWhy
from studio.curate.segments.context import answer_of, context_of, question_of
from studio.methods.asking import Ask, Attempt, Change, Method, Result, Run, Sampling, Task
from studio.methods.prompt_files import plain
from studio.methods.templates import PromptSet
from studio.settings import PositionSettings
from studio.text.tokens import language, normalise

NAME = "judge"
"""The one template of a prompt set."""
FIELDS = frozenset({"segments", "question", "answer"})
"""What its prompt must have open; it may have the count of the segments besides."""
SMALL_ROOM = 2400
"""Characters of all segments together that a small model is shown: its context is 2,048 tokens."""
SMALL_ROOM_ZH = 800
UNPROVED = 0.55
"""How sure a verdict is at most whose quotation is not in the segment."""
_MOST = 0.95
_MOST_TOKENS, _SMALL_TOKENS, _VERDICT = 2048, 60, 30
_UNSAID = 0.7


class Verdict(NamedTuple):
    """What the judge says: the place of the segment from 0, None for none of them; how sure, 0 to 1; in what words."""

    place: int | None
    confidence: float
    evidence: str


FILES = plain("gold_judge", {NAME: FIELDS}, {NAME: "count"})
"""gold_judge.en.toml and gold_judge.zh.toml."""


def messages(prompts: PromptSet, segments: Sequence[str], question: str, answer: str) -> tuple[tuple[str, str], ...]:
    """Ask which of the segments the answer rests on; (role, content) turns. A small model is shown shortened ones."""
    template = prompts.templates[NAME]
    if prompts.profile == "small":
        room = (SMALL_ROOM_ZH if prompts.language == "zh" else SMALL_ROOM) // len(segments)
        segments = [_shortened(segment, room) for segment in segments]
    fields = {
        "segments": "\n".join(f"[{number}] {' '.join(one.split())}" for number, one in enumerate(segments, start=1)),
        "count": str(len(segments)),
        "question": question.strip(),
        "answer": answer.strip(),
    }
    return prompts.turns(NAME, **{name: fields[name] for name in template.fields})


_NUMBER = re.compile(
    r"(?:passage|segment|document|段落|片段|文档|编号|第)[\"'*\s]*(?:number|no\.?)?[\"'*\s]*[:：=]?[\s*\"'\[【]*(\d{1,3}|none|无|没有)",
    re.IGNORECASE,
)
_LONE = re.compile(r"^[\s*\[【(#]*(\d{1,3})\b", re.MULTILINE)
_CONFIDENCE = re.compile(
    r"(?:confidence|certainty|把握|置信度|确信度)[\"'*\s]*[:：=]?[\s*\"']*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE
)
_QUOTE = re.compile(r"(?:quote|quotation|evidence|引文|原文|引用|依据)[\"'*\s]*[:：=]?\s*(.+)", re.IGNORECASE)
_MARKS = " \t\"'“”‘’「」『』*`,，。."


def read(reply: str, segments: Sequence[str]) -> Verdict:
    """The verdict in a reply: three lines, or JSON with those names. What names no segment is a verdict for none."""
    found = _NUMBER.search(reply) or _LONE.search(reply)
    number = int(found[1]) if found and found[1].isdecimal() else 0
    if not 1 <= number <= len(segments):
        return Verdict(None, 0.0, f"the judge names none: {_shortened(' '.join(reply.split()), 60)}")
    said = _CONFIDENCE.search(reply)
    confidence = _share(float(said[1])) if said else _UNSAID
    quoted = _QUOTE.search(reply)
    quote = quoted[1].strip(_MARKS + "}") if quoted else ""
    shown = f'the judge quotes "{_shortened(quote, 60)}"' if quote else "the judge quotes nothing"
    if quote and normalise(quote).strip(_MARKS) in normalise(segments[number - 1]):
        return Verdict(number - 1, round(min(confidence, _MOST), 2), shown)
    return Verdict(number - 1, round(min(confidence, UNPROVED), 2), f"{shown}, which is not there" if quote else shown)


def _share(said: float) -> float:
    """A confidence as a share, whether it was said as 0.9 or as 90."""
    return min(1.0, said if said <= 1 else said / 100)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 1)]}…"


class GoldJudge(Method):
    """Asks about rows that it is given: those of which no rule is sure, as the Position stage finds them."""

    name, title, doing, unit = "gold-judge", "Gold judge", "judging", "rows"
    needs, makes = "rows with several segments", "the segment that holds the answer, where no rule is sure"
    section, settings, prompts = "position", PositionSettings, FILES
    roles = ("judge",)
    keeps = False

    def __init__(self, ids: Sequence[int] = (), pattern: re.Pattern[str] | None = None) -> None:
        """pattern: the person's own expression for segments."""
        self._ids, self._pattern = ids, pattern

    def tasks(self, run: Run) -> Iterator[Task]:
        return (Task((row_id,), row=row_id) for row_id in self._ids)

    def attempt(self, task: Task, run: Run) -> Attempt:
        """The verdict on one row. A row that was rejected meanwhile, or has no segments any more, is left."""
        stored = run.look.rows.get(task.row or 0)
        context = None if stored is None or stored.status == "rejected" else context_of(stored.row, None, self._pattern)
        if stored is None or context is None:
            return Result(left=True)
        labelled = zip(context.segments.labels, context.segments.bodies, strict=True)
        bodies = [f"{label.strip()} {body.strip()}".strip() for label, body in labelled]
        question, answer = question_of(stored.row, context.field, context.segments), answer_of(stored.row)
        prompts = run.prompts("judge", language(f"{question}\n{answer}"))
        small = prompts.profile == "small"
        # The verdict is short; a model that thinks first needs room for that.
        sampling = Sampling(0.0, 1.0, _SMALL_TOKENS if small else _MOST_TOKENS, ("\n\n",) if small else ())
        turns = messages(prompts, bodies, question, answer)
        said = yield Ask("judge", "judging", turns, sampling, question, "Passage: 1", _VERDICT)
        verdict = read(said.text, bodies)
        why = GoldWhy("judge", verdict.confidence, verdict.evidence).encode()
        change = Change(stored.id, encode(stored.row).decode(), {"gold": verdict.place, "gold_why": why})
        return Result(changes=(change,), value=verdict._asdict())

    def total(self, run: Run, done: Callable[[tuple[int | str, ...]], bool]) -> tuple[int, int]:
        return len(self._ids), 0
