"""How long a row is for the trainer, and what a cutoff does to it.

Without the model's own tokenizer a length is an estimate, and everything that shows one says so: a Han
character or other sign outside ASCII counts for two thirds of a token, four ASCII characters for one. Current
tokenizers (Qwen, Llama 3, DeepSeek) stay within a fifth of that on ordinary Chinese and English text; code, rare
scripts and byte-level vocabularies made for English only need more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from studio.alpaca.rows import Preference, Pretrain, Row, prompt_text

TEMPLATE_TOKENS = 10
"""Tokens a chat template adds to an exchange, about: role names, line breaks, end marks."""

Count = Callable[[str], int]


class Length(NamedTuple):
    """Tokens of what the model is shown, and of what it learns to say. Earlier turns count on both sides."""

    source: int
    target: int

    @property
    def total(self) -> int:
        return self.source + self.target


def estimate_tokens(text: str) -> int:
    """About how many tokens the text has, rounded up; exact for the empty text alone."""
    wide = 0 if text.isascii() else _outside_ascii(text)
    return -(-(8 * wide + 3 * (len(text) - wide)) // 12)


def beginning(text: str, tokens: int) -> str:
    """The longest beginning of the text that has at most so many tokens, by estimate."""
    if estimate_tokens(text) <= tokens:
        return text
    # A longer beginning never has fewer tokens.
    return text[: bisect_right(range(1, len(text) + 1), tokens, key=lambda end: estimate_tokens(text[:end]))]


def _outside_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def length_of(row: Row, count: Count = estimate_tokens) -> Length:
    """The row's length as its trainer sees it: for preference rows with the longer of the two answers.

    count: tokens of a text, `estimate_tokens` unless the model's own tokenizer is at hand.
    """
    if isinstance(row, Pretrain):
        return Length(0, count(row.text))
    answer = max(count(row.chosen), count(row.rejected)) if isinstance(row, Preference) else count(row.output)
    asked = sum(count(question) for question, _ in row.history) + count(prompt_text(row)) + count(row.system)
    told = sum(count(reply) for _, reply in row.history) + answer
    return Length(asked + TEMPLATE_TOKENS * (1 + len(row.history)), told)


def kept_of(length: Length, cutoff: int) -> Length:
    """What the trainer keeps of one exchange: infer_seqlen of its data/processor/processor_utils.py.

    A long prompt loses its end when the answer is short, a long answer when the prompt is short, else both.
    """
    source, target = length
    if 2 * target < cutoff:
        most = cutoff
    elif 2 * source < cutoff:
        most = cutoff - source
    else:
        most = int(cutoff * (target / (source + target)))
    kept = min(most, target)
    return Length(min(max(cutoff - kept, 0), source), kept)


def packed_blocks(tokens: int, cutoff: int) -> int:
    """How many training samples a pretrain set of so many tokens makes; with 0 the trainer finds none and stops.

    The trainer packs texts end to end into blocks of cutoff tokens and throws the last, unfilled one away.
    """
    return tokens // cutoff
