"""How hard a task is, as far as counting tells: its length and its constraints.

WizardLM (arXiv 2304.12244) shows that difficulty rises with every round; a run that does not show it has gone wrong.
"""

from __future__ import annotations

import re

import msgspec

from studio.text.tokens import units

# A clause ends at punctuation or at an English "and". "一" before most measure words is only an article.
_CLAUSE = re.compile(r"[^.,;:!?\n，。；：！？、]+(?:[.,](?=\d)[^.,;:!?\n，。；：！？、]+)*")
_AND = re.compile(r"\band\b", re.IGNORECASE)
_MARKER = re.compile(
    r"\d|\b(?:must|should|shall|needs?|required?|only|exactly|at least|at most|no more than|no fewer than|fewer than"
    r"|less than|more than|within|without|avoid|except|unless|instead of|includ(?:e|ing)|us(?:e|ing)|ensure|limited to"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten) (?:\w+ )?(?:words?|sentences?|paragraphs?|steps?|reasons?"
    r"|examples?|points?|lines?))\b"
    r"|必须|应当|应该|需要|务必|不得|不要|不能|不可|不许|禁止|避免|至少|至多|最多|不超过|不少于|以内|以上|只[能用准许需]|仅|恰好"
    r"|除了|除非|包括|包含|使用|采用|确保|限制|一[句段行]|[二两三四五六七八九十百]+(?:个|句|段|步|点|条|种|行|例|字)",
    re.IGNORECASE,
)


def constraints(text: str) -> int:
    """How many clauses of a task bind its answer: those with a number or a word such as must, at most, without,
    必须, 不超过. A clause ends at punctuation or "and".
    """
    clauses = (part for clause in _CLAUSE.findall(text) for part in _AND.split(clause))
    return sum(_MARKER.search(clause) is not None for clause in clauses)


class Difficulty(msgspec.Struct, frozen=True):
    """Sums over tasks: how many, their length in units (a word or a CJK character each), their constraints."""

    tasks: int = 0
    units: int = 0
    constraints: int = 0

    def __add__(self, other: Difficulty) -> Difficulty:
        return Difficulty(self.tasks + other.tasks, self.units + other.units, self.constraints + other.constraints)

    @property
    def length(self) -> float:
        """Units a task."""
        return self.units / self.tasks if self.tasks else 0.0

    @property
    def constraints_each(self) -> float:
        """Constraints a task."""
        return self.constraints / self.tasks if self.tasks else 0.0


def of_task(text: str) -> Difficulty:
    """The difficulty of one task."""
    return Difficulty(1, units(text), constraints(text))
