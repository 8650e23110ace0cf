"""Every rule of Self-Instruct that drops something, with its reason in words."""

from __future__ import annotations

from typing import Literal, NamedTuple

Rule = Literal[
    "cut-short",
    "unreadable",
    "too-short",
    "too-long",
    "blacklisted",
    "asks-for-a-program",
    "starts-with-punctuation",
    "other-script",
    "near-duplicate",
    "copies-input",
    "no-output",
    "ends-with-colon",
    "conflicting-outputs",
    "repeated",
    "over-limit",
]

RULES: dict[Rule, str] = {
    "cut-short": "the model stopped at its length limit, so the text is not whole",
    "unreadable": "the reply is not in the form that was asked for",
    "too-short": "the instruction has three words or fewer (in Chinese, five characters)",
    "too-long": "the instruction has more than 150 words (in Chinese, 270 characters)",
    "blacklisted": "the instruction asks for what a language model cannot see, hear or make",
    "asks-for-a-program": "it begins with “Write a program”: whether the program or its result is wanted is not clear",
    "starts-with-punctuation": "the instruction begins with a punctuation mark or a symbol",
    "other-script": "most of its letters belong to none of the project's languages",
    "near-duplicate": "its ROUGE-L with a seed task or an accepted task is above the threshold",
    "copies-input": "the output is the input",
    "no-output": "there is no output",
    "ends-with-colon": "the input or output ends with a colon, so something is missing after it",
    "conflicting-outputs": "the same input has two different outputs, so no instance of the task is kept",
    "repeated": "an earlier instance of the task is the same",
    "over-limit": "the task has more instances than are kept",
}


class Rejection(NamedTuple):
    """Why something was dropped: the rule, and the words or numbers it rests on."""

    rule: Rule
    evidence: str
