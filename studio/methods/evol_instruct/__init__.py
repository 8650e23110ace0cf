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
from collections.abc import Mapping
from typing import Literal, NamedTuple

from studio.methods.evol_instruct.prompts import OPERATIONS
from studio.methods.stop_words import STOP_WORDS
from studio.methods.templates import PromptSet
from studio.settings import Operation
from studio.text.tokens import language, normalise, tokenize, units

Rule = Literal["no-gain", "hard-to-answer", "only-stop-words", "copied-prompt", "cut-short"]

RULES: Mapping[str, str] = {
    "no-gain": "the judge finds the evolved instruction equal to its parent (paper's rule 1)",
    "hard-to-answer": "the answer apologises and is short (paper's rule 2)",
    "only-stop-words": "the answer is only punctuation and stop words (paper's rule 3)",
    "copied-prompt": "the instruction copies words of the evolving prompt (paper's rule 4)",
    "cut-short": "the model stopped at its length limit, so the text is not whole (ours)",
}

SHORT_ANSWER = 80
"""Words: rule 2 is about answers shorter than this (the paper's number)."""
CHARACTERS_PER_WORD = 1.8
"""How many Chinese characters say as much as an English word."""
# Rule 2: "sorry" in a short answer, whatever its language. 无法 alone ("cannot") stands in many good answers; so it
# counts where the answerer cannot, or where it is the answering that cannot be done.
_APOLOGY = re.compile(
    r"sorry|抱歉|对不起|很遗憾|(?:我|本模型|人工智能)[^，。！？；\n]{0,8}无法"
    r"|无法(?:回答|提供|完成|满足|执行|协助|帮助|给出|访问|查看|处理|生成|继续|理解您|理解你)"
)
# The small prompts' label, which is English in both languages (methods/prompts).
_LABEL = re.compile(r"^(?:Harder|Specific|New) task:\s*")
# Rule 4, with the Chinese prompts' own marks.
_PROMPT_WORDS = re.compile(
    r"given prompt|rewritten prompt|created prompt|#\s*(?:given|rewritten|created) (?:prompt|task)\s*#"
    r"|[#＃]\s*(?:原|给定的?|改写后的?|改写|新)(?:指令|任务|提示)|(?:原|改写后的?|新)(?:指令|任务|提示)\s*[#＃]"
    r"|给定的?提示|改写后的?提示",
    re.IGNORECASE,
)

_NOT_EQUAL = re.compile(r"(?<![a-z])(?:not|un|in)[ _-]?equal(?![a-z])|不相[等同]|不[等同]|并非相[等同]|不是相[等同]")
_EQUAL = re.compile(r"(?<![a-z])equal(?![a-z])|相[等同]")
_VERDICT = re.compile(rf"(?:{_NOT_EQUAL.pattern})|(?:{_EQUAL.pattern})")
_AROUND_VERDICT = " .。!！*#\"'`:："


EQUAL: Mapping[Operation, float] = dict.fromkeys(OPERATIONS, 1.0)
"""The paper's weights: each operation with the same probability."""


class Elimination(NamedTuple):
    """Why an evolved instruction was dropped: the rule, and the words or the verdict it rests on."""

    rule: Rule
    evidence: str


def operation(seed: int, round: int, root: int, weights: Mapping[Operation, float] = EQUAL) -> Operation:
    """The operation for one task in one round, drawn by weights: the same for the same four arguments.

    root is the id of the seed task, so the draw depends on neither concurrency nor order. At least one weight is
    above 0.
    """
    drawn = random.Random(f"{seed}/{round}/{root}")
    return drawn.choices(OPERATIONS, [weights.get(name, 0.0) for name in OPERATIONS])[0]


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


def check_answer(answer: str, short: int = SHORT_ANSWER) -> Elimination | None:
    """Rules 2 and 3, on the answer (not on the instruction). short: words below which an apology eliminates."""
    tokens = tokenize(answer)
    if all(token in STOP_WORDS for token in tokens):
        return Elimination("only-stop-words", f"the whole answer: {answer.strip()[:80]!r}")
    apology = _APOLOGY.search(answer.casefold())
    if apology:
        chinese = language(answer) == "zh"
        length = units(answer) if chinese else len(answer.split())
        if length < (round(short * CHARACTERS_PER_WORD) if chinese else short):
            unit = "characters" if chinese else "words"
            return Elimination("hard-to-answer", f"{apology[0]!r} in an answer of {length} {unit}")
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
