"""Evol-Instruct (WizardLM, arXiv 2304.12244), pure: which operation, which messages, which elimination rule.

An evolution takes three requests: rewrite the instruction, answer the rewritten one, and ask a judge
whether the rewriting gained anything. The paper's four elimination rules are applied cheapest first
(copied prompt words, then the answer, then the judge), which eliminates the same instructions as the
paper's order and saves requests. The judge compares with the parent, not with the seed.
"""

from __future__ import annotations

import hashlib
import random
import re
from typing import Literal, NamedTuple

from studio.methods.stop_words import STOP_WORDS
from studio.methods.templates import OPERATIONS, PromptSet
from studio.text.tokens import language, normalise, tokenize, units

Rule = Literal["no-gain", "hard-to-answer", "only-stop-words", "copied-prompt", "cut-short"]

RULES: dict[Rule, str] = {
    "no-gain": "the judge finds the evolved instruction equal to its parent (paper's rule 1)",
    "hard-to-answer": "the answer apologises and is short (paper's rule 2)",
    "only-stop-words": "the answer is only punctuation and stop words (paper's rule 3)",
    "copied-prompt": "the instruction copies words of the evolving prompt (paper's rule 4)",
    "cut-short": "the model stopped at its length limit, so the text is not whole (ours)",
}

# Rule 2: "sorry" in an answer under 80 words; a Chinese word is written with about 1.8 characters.
_APOLOGIES = {"en": ("sorry",), "zh": ("抱歉", "对不起", "很遗憾", "无法回答", "无法提供", "sorry")}
SHORT_ANSWER = {"en": 80, "zh": 144}
# The small prompts' label, which is English in both languages (methods/prompts).
_LABEL = re.compile(r"^(?:Harder|Specific|New) task:\s*")
# Rule 4, with the Chinese prompts' own marks.
_PROMPT_WORDS = re.compile(
    r"given prompt|rewritten prompt|created prompt|#\s*(?:given|rewritten|created) (?:prompt|task)\s*#"
    r"|原指令#|#原(?:指令|任务)|改写后的?(?:指令|任务)#|#(?:改写|新)(?:后的)?(?:指令|任务)|给定的?提示|改写后的?提示",
    re.IGNORECASE,
)

_NOT_EQUAL = re.compile(r"(?<![a-z])(?:not|un|in)[ _-]?equal(?![a-z])|不相[等同]|不[等同]|并非相[等同]|不是相[等同]")
_EQUAL = re.compile(r"(?<![a-z])equal(?![a-z])|相[等同]")
_VERDICT = re.compile(rf"(?:{_NOT_EQUAL.pattern})|(?:{_EQUAL.pattern})")
_AROUND_VERDICT = " .。!！*#\"'`:："


class Elimination(NamedTuple):
    """Why an evolved instruction was dropped: the rule, and the words or the verdict it rests on."""

    rule: Rule
    evidence: str


def operation(seed: int, round: int, root: int) -> str:
    """The operation for one task in one round: equal chances, the same for the same three numbers.

    root is the id of the seed task, so the choice depends on neither concurrency nor order.
    """
    return random.Random(f"{seed}/{round}/{root}").choice(OPERATIONS)


def order(seed: int, round: int, root: int) -> bytes:
    """A key to sort the pool by: a seeded shuffle in which a task's place does not depend on the others."""
    return hashlib.blake2b(f"{seed}/{round}/{root}".encode(), digest_size=8).digest()


def evolving_messages(prompts: PromptSet, operation: str, instruction: str) -> tuple[tuple[str, str], ...]:
    """Ask to rewrite instruction with one of the six operations; (role, content) turns."""
    return _turns(prompts, operation, instruction=instruction)


def answering_messages(prompts: PromptSet, instruction: str) -> tuple[tuple[str, str], ...]:
    """Ask for the answer to an instruction."""
    return _turns(prompts, "answer", instruction=instruction)


def judging_messages(prompts: PromptSet, parent: str, evolved: str) -> tuple[tuple[str, str], ...]:
    """Ask whether the two are Equal or Not Equal."""
    return _turns(prompts, "judge", first=parent, second=evolved)


def read_evolved(reply: str) -> str:
    """The rewritten instruction in a reply: without the label that small models are given to write after."""
    return _LABEL.sub("", reply.strip())


def check_instruction(evolved: str, parent: str) -> Elimination | None:
    """Rule 4, and the part of rule 1 that needs no judge: nothing there, or the parent word for word."""
    copied = _PROMPT_WORDS.search(evolved)
    if copied:
        return Elimination("copied-prompt", f"contains {copied[0]!r}")
    if not tokenize(evolved):
        return Elimination("no-gain", "the model returned no instruction")
    if normalise(evolved) == normalise(parent):
        return Elimination("no-gain", "word for word its parent")
    return None


def check_answer(answer: str) -> Elimination | None:
    """Rules 2 and 3, on the answer (not on the instruction)."""
    tokens = tokenize(answer)
    if all(token in STOP_WORDS for token in tokens):
        return Elimination("only-stop-words", f"the whole answer: {answer.strip()[:80]!r}")
    spoken = language(answer)
    apology = next((word for word in _APOLOGIES[spoken] if word in answer.casefold()), None)
    length = len(answer.split()) if spoken == "en" else units(answer)
    if apology and length < SHORT_ANSWER[spoken]:
        unit = "words" if spoken == "en" else "characters"
        return Elimination("hard-to-answer", f"{apology!r} in an answer of {length} {unit}")
    return None


def check_judgement(verdict: str) -> Elimination | None:
    """Rule 1: eliminated when the judge says Equal. A verdict that says neither does not eliminate.

    Judges that give reasons first or afterwards have their verdict on a line of its own.
    """
    lines = [normalise(line).strip(_AROUND_VERDICT) for line in verdict.splitlines()]
    said = next((line for line in reversed(lines) if _VERDICT.fullmatch(line)), normalise(verdict))
    if _NOT_EQUAL.search(said) or not _EQUAL.search(said):
        return None
    return Elimination("no-gain", f"the judge said {verdict.strip()[:80]!r}")


def _turns(prompts: PromptSet, name: str, **fields: str) -> tuple[tuple[str, str], ...]:
    return tuple((turn["role"], turn["content"]) for turn in prompts.templates[name].messages(**fields))
