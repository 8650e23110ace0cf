"""Whether a reply holds the answer: best_subspan_em of Lost in the Middle, for Chinese too.

The paper lowers both texts, drops ASCII punctuation and English articles, joins white space, and looks for the answer
inside the reply (`metrics.py` and the two `evaluate_*_responses.py` of nelson-liu/lost-in-the-middle). Here all of
Unicode's punctuation goes, full-width letters and digits are folded, and blanks beside Chinese characters do not count.
"""

from __future__ import annotations

import re
import string
import unicodedata

from studio.settings import ProbeTask
from studio.text.tokens import CJK

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_BLANKS_AT_CJK = re.compile(rf"(?<=[{CJK}]) | (?=[{CJK}])")


def normalised(text: str) -> str:
    """A text as answers are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(one for one in folded if one not in string.punctuation and unicodedata.category(one)[0] != "P")
    return _BLANKS_AT_CJK.sub("", " ".join(_ARTICLES.sub(" ", kept).split()))


def holds(text: str, answer: str) -> bool:
    """Whether the answer stands somewhere in the text, both normalised."""
    return normalised(answer) in normalised(text)


def is_right(task: ProbeTask, reply: str, answer: str) -> bool:
    """Whether a reply answers the question.

    As in the paper, only the first line of a reply to documents counts: a model that copies its input would always hold
    the answer. A value of 36 characters is looked for in the whole reply.
    """
    said = reply.strip()
    return holds(said.partition("\n")[0] if task == "documents" else said, answer)
