"""What of a row is compared with others: a field, or several."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import Pretrain, Row, answers, texts
from studio.settings import DedupField
from studio.text.tokens import normalise

Field: TypeAlias = DedupField
"""prompt: all that is asked: system, history, instruction, input. output: the answer, or chosen and rejected. row: all
texts. Of pretrain rows there is but the text."""
FIELDS: tuple[Field, ...] = get_args(Field)

By = Literal["exact", "overlap", "letters", "rouge-l", "semantic"]
"""What a pair's score is of. letters: the overlap, with words that differ by a typing mistake taken for the same."""
BYS: tuple[By, ...] = get_args(By)


class Compared(NamedTuple):
    """whole: the compared text. inner: the part of it that must be alike on its own, if both rows have one: what a
    task is about, such as its input and its images. answer: what makes equal prompts a conflict if it differs. rest:
    what else is asked and was not compared; where it differs, the answers are to something else and are no conflict.
    """

    whole: str
    inner: str
    answer: str
    rest: str = ""


def answer_key(one: Compared) -> str:
    """What is equal for answers alike but for case, white space and the punctuation at their ends."""
    return normalise(one.answer).strip(" .,;:!?。，；：！？")


def rest_key(one: Compared) -> str:
    """What is equal for rows that are about the same, as far as it was not compared."""
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
