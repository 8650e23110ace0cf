"""The in-context examples that Self-Instruct would show a model, drawn beforehand to be looked at."""

from __future__ import annotations

from typing import NamedTuple

from studio.alpaca.lengths import estimate_tokens
from studio.alpaca.rows import Sft
from studio.jobs.events import PoolCounted
from studio.methods.self_instruct import bootstrap
from studio.methods.self_instruct.parameters import BOOTSTRAP
from studio.methods.templates import PromptSet
from studio.store.rows import Rows, StoredRow


class Drawn(NamedTuple):
    """One request of the paper's first step.

    shown: the examples in their order. turns: the request's (role, content) turns. tokens: of the request, about.
    most: tokens that the reply may have.
    """

    shown: tuple[StoredRow, ...]
    turns: tuple[tuple[str, str], ...]
    tokens: int
    most: int


def draw(rows: Rows, pool: PoolCounted, prompts: PromptSet, *, seed: int, request: int) -> Drawn:
    """Request number `request` (from 0) over the pool of the prompts' language, rows in the order of their ids.

    Raises ValueError when the language has no seed task.
    """
    ids = bootstrap.draw(pool.seeds[prompts.language], pool.machine[prompts.language], seed=seed, request=request)
    shown = tuple(rows.page(ids))
    instructions = [stored.row.instruction for stored in shown if isinstance(stored.row, Sft)]
    turns = bootstrap.messages(prompts, instructions)
    return Drawn(shown, turns, sum(estimate_tokens(content) + 5 for _, content in turns), BOOTSTRAP.max_tokens)
