"""The text of a row that a search compares with other rows: one field, or several."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import Pretrain, Row, answers, texts
from studio.settings import DedupField
from studio.text.tokens import normalise

Field: TypeAlias = DedupField
"""prompt: all that is asked: system, history, instruction, input. output: the answer, or chosen and rejected. row: all
texts. A pretrain row has only its text."""
FIELDS: tuple[Field, ...] = get_args(Field)

By = Literal["exact", "overlap", "letters", "rouge-l", "semantic"]
"""The measure that gave a pair its score. letters: the overlap, where words that differ by a typing mistake count as
the same."""
BYS: tuple[By, ...] = get_args(By)


class Compared(NamedTuple):
    """whole: the compared text. inner: the part of it that must be alike on its own if both rows have one, such as the
    input and the images. answer: two rows with equal prompts and different answers are a conflict. rest: parts of the
    prompt that were not compared, such as the input when only instructions are; where they differ, two answers are no
    conflict.
    """

    whole: str
    inner: str
    answer: str
    rest: str = ""


def answer_key(one: Compared) -> str:
    """The answer without case, runs of white space and end punctuation: answers with equal keys count as the same."""
    return normalise(one.answer).strip(" .,;:!?。，；：！？")


def rest_key(one: Compared) -> str:
    """The rest without case and runs of white space: rows with equal keys are about the same thing."""
    return normalise(one.rest)


def compared(row: Row, field: Field) -> Compared:
    """What is compared of the row."""
    answer = "\n".join(answers(row))
    if isinstance(row, Pretrain):
        return Compared(row.text, "", "")
    media = "\n".join(path for kind in MEDIA for path in getattr(row, f"{kind}s", ()))
    match field:
        case "instruction":
            turns = (turn for pair in row.history for turn in pair)
            return Compared(row.instruction, media, answer, "\n".join((row.system, *turns, row.input)))
        case "output":
            return Compared(answer, "", "")
        case "row":
            return Compared("\n".join(text for _, text in texts(row)), media, "")
        case "prompt":
            history = (turn for pair in row.history for turn in pair)
            parts = (row.system, *history, row.instruction, row.input, media)
            inner = "\n".join(part for part in (row.input, media) if part)
            return Compared("\n".join(part for part in parts if part), inner, answer)
