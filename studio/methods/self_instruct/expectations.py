"""What a run of Self-Instruct may take, before it has made anything: requests as they may go, and how many of each.

Twenty requests for instructions are drawn over the pool as it is; what is likely to come of them is shared out among
the instructions that would stand in the end, and so many of these shares are counted as the target lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

from studio.methods.asking import Run, Task
from studio.methods.self_instruct.progress import Progress
from studio.methods.self_instruct.requests import IN_A_LIST, INSTANCES, TOKENS, brief, draw
from studio.settings import SelfInstructSettings

_REQUESTS = 20
# Of a list's new instructions three quarters, of these nine tenths get an instance.
_NEW, _ANSWERED = 0.75, 0.9


def expected(run: Run, state: Progress) -> Iterator[tuple[Task, float]]:
    """Tasks, each with how often it may be done until the target is reached."""
    settings: SelfInstructSettings = run.settings
    paper = settings.variant == "paper"
    new = round(_REQUESTS * IN_A_LIST[settings.variant] * _NEW)
    share = max(0, settings.target - state.made) / (round(new * _ANSWERED) if paper else new)
    task = ""
    for request in range(state.last + 1, state.last + 1 + _REQUESTS):
        shown = draw(settings, run.look.rows, state.pool, request)
        task = shown[0].instruction
        yield Task(("list", request), brief=brief(shown), round=request), share
    if paper:
        yield Task(("answer", state.last + _REQUESTS, 0), task), new * share


def assumptions(settings: SelfInstructSettings) -> tuple[str, ...]:
    """What `expected` rests on, as sentences without a full stop."""
    many, tokens = IN_A_LIST[settings.variant], TOKENS[settings.variant]
    said = f"a reply has {many} instructions of {tokens} tokens, {_NEW:.0%} of them new"
    if settings.variant == "alpaca":
        return (said,)
    return said, f"{_ANSWERED:.0%} of the new ones get an instance, in {INSTANCES} tokens"
