"""Rules about lengths in tokens: of a row against the trainer's cutoff, of a pretrain set against one sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from studio.alpaca.checks.rule import PROMPTED, Entry, Finding, Findings, Issue, Rule, Texts
from studio.alpaca.lengths import TEMPLATE_TOKENS, Count, Length, estimate_tokens, kept_of, length_of, packed_blocks
from studio.alpaca.rows import Preference, Pretrain, Row

TOO_FEW_TOKENS = Entry(
    "too-few-tokens", "error", "All pretrain texts together fill no sample; a smaller cutoff_len or more text helps."
)
"""The check of a pretrain set as a whole."""


def cutoff_rule(cutoff: int, count: Count = estimate_tokens) -> Rule:
    """The check that the trainer would cut a row. Pretrain texts are packed, so none of them is too long.

    cutoff: the trainer's cutoff_len in tokens, 2048 by default there.
    """
    # Tokens there are at most in so many characters: by the estimate, or a token for each byte.
    tokens, characters = (2, 3) if count is estimate_tokens else (4, 1)

    def find(row: Row, texts: Texts) -> Findings:
        assert not isinstance(row, Pretrain)
        # Nearly every row is told by the number of its characters, which costs next to nothing.
        room = cutoff - TEMPLATE_TOKENS * (1 + len(row.history)) - len(texts) - 1
        if tokens * sum([len(text) for _, text in texts]) <= characters * room:
            return
        length = length_of(row, count)
        if length.total <= cutoff:
            return
        kept = kept_of(length, cutoff)
        about = "about " if count is estimate_tokens else ""
        field = "chosen" if isinstance(row, Preference) else "output"
        lost = " and ".join(_lost(length, kept))
        said = f"{about}{length.total:,} tokens, the cutoff is {cutoff:,}: {lost} would be cut off"
        yield Finding("instruction" if kept.target == length.target else field, said)

    return Rule("over-cutoff", "warning", f"Longer than the cutoff of {cutoff:,} tokens.", PROMPTED, find)


def _lost(length: Length, kept: Length) -> Iterator[str]:
    if kept.source < length.source:
        yield f"{length.source - kept.source:,} of the prompt"
    if kept.target < length.target:
        yield f"{length.target - kept.target:,} of the answer"


def too_few_tokens(texts: Iterable[Row], cutoff: int, count: Count = estimate_tokens) -> Issue | None:
    """What is wrong with a pretrain set as a whole: too little text to fill one sample, so that the run stops.

    texts: its rows, read only as far as it takes to know. None too when there is no row at all.
    """
    tokens = 0
    for row in texts:
        tokens += length_of(row, count).total + 1  # the end mark
        if packed_blocks(tokens, cutoff):
            return None
    if not tokens:
        return None
    about = "about " if count is estimate_tokens else ""
    said = f"{about}{tokens:,} tokens in all, less than one sample of {cutoff:,}: the trainer finds none and stops"
    return Issue(TOO_FEW_TOKENS.code, TOO_FEW_TOKENS.severity, "text", said)
