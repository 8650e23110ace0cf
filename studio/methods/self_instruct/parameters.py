"""What the papers sent with each request: temperatures, lengths, stop sequences."""

from __future__ import annotations

from typing import NamedTuple

from studio.methods.templates import Language

REQUESTS_PER_BATCH = 5
"""Requests of the paper's bootstrap that see the same pool; what they bring joins the pool after them."""
LIST_LENGTH = 16
"""The paper's list stops before this number: the prompt's 8 tasks and 7 new ones."""
TASKS_PER_REQUEST = 20
"""The number the Alpaca variant's list runs to."""


class Parameters(NamedTuple):
    """Parameters of one kind of request, in the words of the OpenAI API.

    stop: as in the paper, for models that continue a text. chat_stop: those of them that a chat model does not
    run into at once. Chat models put empty lines between tasks, repeat "Task:" before they answer and write years
    at the end of a sentence, so a reply would end there; the readers of replies end where the paper's stops would.
    """

    temperature: float
    top_p: float
    max_tokens: int
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    chat_stop: tuple[str, ...] = ()


BOOTSTRAP = Parameters(
    temperature=0.7,
    top_p=0.5,
    max_tokens=1024,
    presence_penalty=2.0,
    stop=("\n\n", "\n16", "16.", "16 ."),
    chat_stop=("\n16.",),
)
CLASSIFICATION = Parameters(temperature=0.0, top_p=1.0, max_tokens=3)
# Alpaca also forbade GPT-3's end of text (logit_bias -100 on its token 50256), which other models number otherwise.
ALPACA = Parameters(
    temperature=1.0,
    top_p=1.0,
    max_tokens=3072,
    stop=("\n20", "20."),
    chat_stop=("\n21.",),
)

_SIXTH = {"en": ("Example 6",), "zh": ("示例 6", "示例6")}
_NEXT_TASK = {"en": ("Task:",), "zh": ("任务：",)}


def instances(language: Language, *, classification: bool) -> Parameters:
    """The request for inputs and outputs. The stop sequences are the labels of the prompt's language."""
    return Parameters(
        temperature=0.0,
        top_p=1.0,
        max_tokens=300 if classification else 350,
        presence_penalty=1.5,
        stop=(*_SIXTH[language], *_NEXT_TASK[language]),
        chat_stop=_SIXTH[language],
    )
