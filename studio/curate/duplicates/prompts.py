"""Whether two rows are asked the same, as far as a preference pair must have one prompt."""

from __future__ import annotations

from studio.alpaca.rows import Kto, Sft
from studio.text.terms import terms
from studio.text.tokens import normalise


def difference(one: Sft | Kto, other: Sft | Kto) -> str:
    """In what the two are asked differently, the first column of it; "" when they are asked the same.

    Texts are the same that say the same in the sense of the search: case, white space and punctuation aside. What one
    row has in its instruction, another one may have in its input.
    """
    if not _same(one.system, other.system):
        return "system prompt"
    if len(one.history) != len(other.history):
        return "history"
    for turn, before in zip(one.history, other.history, strict=True):
        if not (_same(turn[0], before[0]) and _same(turn[1], before[1])):
            return "history"
    if _same(f"{one.instruction}\n{one.input}", f"{other.instruction}\n{other.input}"):
        return ""
    return "input" if _same(one.instruction, other.instruction) else "instruction"


def _same(one: str, other: str) -> bool:
    """A text without any term, such as "?!", goes by its writing."""
    first, second = terms(one), terms(other)
    return first == second if first or second else normalise(one) == normalise(other)
