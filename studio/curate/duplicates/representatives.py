"""Which row of a cluster stays: rules a person can choose from, and override row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, get_args

from studio.curate.duplicates.clusters import Rank
from studio.settings import KeepRule

Rule: TypeAlias = KeepRule
RULES: tuple[Rule, ...] = get_args(Rule)

MEANINGS: dict[Rule, str] = {
    "first": "the row that came first, as Self-Instruct keeps it",
    "longest": "the row with most text",
    "newest": "the row that came last",
    "best-score": "the row with the best score, of those the longest",
    "human-first": "a row that a person wrote or brought before one that a model made, of those the first",
    "most-complete": "the row with most columns filled, of those the longest",
}


class Facts(NamedTuple):
    """What the rules go by. length: characters of all its texts. filled: columns that are not empty."""

    row: int
    length: int
    score: float | None
    generated: bool
    filled: int


def rank(rule: Rule, facts: Mapping[int, Facts]) -> Rank:
    """Sorts rows by the rule, the one that stays first; of equals the row that came first."""

    def by(row: int) -> Any:
        one = facts[row]
        match rule:
            case "first":
                return row
            case "longest":
                return (-one.length, row)
            case "newest":
                return -row
            case "best-score":
                return (one.score is None, -(one.score or 0.0), -one.length, row)
            case "human-first":
                return (one.generated, row)
            case "most-complete":
                return (-one.filled, -one.length, row)

    return by
