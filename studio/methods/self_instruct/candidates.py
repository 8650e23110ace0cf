"""Candidates of Self-Instruct: the instructions of a reply, read, then judged by the filters and the task pool.

Every candidate becomes a row. round: the number of the request that brought it, variant: its place in the reply times
`PLACES`. A new one is rejected as unanswered until its instances come; the first of these completes its row, the
others become rows beside it, whose parent it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from studio.alpaca.rows import Sft
from studio.curate.selecting.novelty import Near, NoveltyIndex
from studio.methods.asking import Made, Result
from studio.methods.self_instruct import alpaca_variant, bootstrap, instances, instructions
from studio.methods.self_instruct.instructions import Filters, check_instruction
from studio.methods.self_instruct.lineage import ALPACA, BOOTSTRAP, INPUT_FIRST, OUTPUT_FIRST, PLACES
from studio.methods.self_instruct.numbering import read_list
from studio.methods.self_instruct.rules import Rejection
from studio.methods.templates import Language, PromptSet
from studio.settings import SelfInstructSettings
from studio.text.tokens import normalise


def read_instructions(text: str, request: int, shown: int, finish: str) -> Result:
    """The instructions of a reply to a list of `shown` tasks."""
    found = bootstrap.read(text, shown=shown, finish_reason=finish)
    rows = tuple(_candidate(BOOTSTRAP, Sft(one), request, place) for place, one in enumerate(found.instructions))
    return Result(rows, rule=found.rejection and found.rejection.rule, evidence=found.rejection and found.rejection[1])


def read_tasks(text: str, request: int, finish: str) -> Result:
    """The whole tasks of a reply of the Alpaca variant; those that cannot be used come last."""
    found = alpaca_variant.read(text, finish_reason=finish)
    read: list[tuple[Sft, Rejection | None]] = [(row, None) for row in found.rows]
    read += [(Sft(one.text), one.rejection) for one in found.dropped]
    rows = tuple(_candidate(ALPACA, row, request, place, why) for place, (row, why) in enumerate(read))
    return Result(rows) if rows else Result(rule="unreadable", evidence=f"the reply: {text[:80]!r}")


def read_instances(
    text: str, row_id: int, round: int, variant: int, instruction: str, thinking: str, finish: str, *, labels: bool
) -> Result:
    """The instances of an instruction: the first completes its row. labels: it is a classification task."""
    found = instances.read(text, classification=labels)
    kept = instances.keep(instruction, found, finish_reason=finish)
    why = None if kept.rows else _without_instance(text, kept)
    rows = tuple(
        Made(
            row,
            OUTPUT_FIRST if labels else INPUT_FIRST,
            rule=why and why.rule,
            evidence=why and why.evidence,
            parent=row_id if place else None,
            round=round,
            variant=variant + place,
            thinking=thinking,
            completes=0 if place else row_id,
        )
        for place, row in enumerate(kept.rows or (Sft(instruction),))
    )
    counts = {"classification": int(labels)}
    for one in kept.dropped:
        name = f"dropped:{one.rejection.rule}"
        counts[name] = counts.get(name, 0) + 1
    told = {f"without-instance:{why.rule}": 1} if why else {"standing": 1, "instances": len(rows)}
    return Result(rows, counts=counts | told)


class WorkedExamples:
    """The tasks that the prompt itself has as examples: small models write them again."""

    def __init__(self, prompts: PromptSet, threshold: float) -> None:
        turns = [turn for pair in prompts.templates["bootstrap"].examples for turn in pair]
        self.prompts = prompts
        self._tasks = [entry.text for turn in turns for entry in read_list(turn, 1)]
        self._novelty = NoveltyIndex(threshold)
        for number, task in enumerate(self._tasks):
            self._novelty.add(number, task)

    def repeated(self, instruction: str) -> Rejection | None:
        """Why an instruction that repeats one of them is nothing new."""
        found = self._novelty.check(instruction)
        if found.novel:
            return None
        nearest = found.nearest[0]
        task = self._tasks[nearest.row]
        return Rejection("near-duplicate", f"ROUGE-L {nearest.score:.3f} with an example of the prompt, {task!r}")


def judged(instruction: str, filters: Filters, worked: WorkedExamples, pool: NoveltyIndex) -> Rejection | None:
    """Why an instruction is dropped, None when it is new."""
    return check_instruction(instruction, filters) or worked.repeated(instruction) or _repeated(instruction, pool)


def filters_of(settings: SelfInstructSettings, spoken: Language) -> Filters:
    """The method's filters, with what the person changed of its blacklist."""
    return _filters(settings.variant, tuple(settings.blacklist), tuple(settings.allowed), spoken)


@lru_cache(maxsize=16)
def _filters(variant: str, added: tuple[str, ...], allowed: tuple[str, ...], spoken: Language) -> Filters:
    method = instructions.ALPACA if variant == "alpaca" else instructions.SELF_INSTRUCT
    taken = {normalise(word) for word in allowed}
    listed = (word for word in method.blacklist if normalise(word) not in taken)
    return method._replace(blacklist=(*listed, *added), languages=(spoken,))


def _candidate(operation: str, row: Sft, request: int, place: int, why: Rejection | None = None) -> Made:
    return Made(
        row,
        operation,
        rule=why and why.rule,
        evidence=why and why.evidence,
        round=request,
        variant=place * PLACES,
    )


def _without_instance(text: str, kept: instances.Kept) -> Rejection:
    """Why an instruction is dropped that has no instance: the rule of the first one, and all that was said."""
    if not kept.dropped:
        return Rejection("unreadable", f"the reply: {text[:80]!r}")
    reasons = [f"{one.rejection.rule}: {one.rejection.evidence}" for one in kept.dropped]
    return Rejection(kept.dropped[0].rejection.rule, "no instance is kept; " + "; ".join(reasons))


def _repeated(instruction: str, pool: NoveltyIndex) -> Rejection | None:
    found = pool.check(instruction)
    return None if found.novel else Rejection("near-duplicate", _likeness(instruction, pool, found.nearest))


def _likeness(instruction: str, pool: NoveltyIndex, nearest: Sequence[Near]) -> str:
    """The paper's evidence: the ten most similar with their scores, and the mean over the pool."""
    listed = ", ".join(f"#{near.row} {near.score:.3f}" for near in nearest)
    return (
        f"ROUGE-L {nearest[0].score:.3f} with #{nearest[0].row}; nearest: {listed}; mean {pool.mean(instruction):.3f}"
    )
