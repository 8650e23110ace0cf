"""The prompt files of Evol-Instruct: one frame for in-depth evolving and three whole prompts, or a template each."""

from __future__ import annotations

from typing import get_args

import msgspec

from studio.methods.prompt_files import PromptFiles, check_fields
from studio.methods.templates import FIELD, Profile, Template
from studio.settings import Operation

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
"""All six operations; the paper draws them with equal probability."""

IN_DEPTH = OPERATIONS[:5]
"""The five in-depth operations of Evol-Instruct (arXiv 2304.12244)."""

NAMES = (*OPERATIONS, "answer", "judge")
"""Every template of a prompt set: the operations, the answer to a task, the comparison of two tasks."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method that is put into the frame, or a whole prompt."""

    method: str = ""
    prompt: str = ""


class _Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    frame: str
    add_constraints: _Part
    deepening: _Part
    concretizing: _Part
    increase_reasoning: _Part
    complicate_input: _Part
    in_breadth: _Part
    answer: _Part
    judge: _Part


class _Small(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    add_constraints: Template
    deepening: Template
    concretizing: Template
    increase_reasoning: Template
    complicate_input: Template
    in_breadth: Template
    answer: Template
    judge: Template


class _PromptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: _Standard
    small: _Small


def _read(content: _PromptFile) -> dict[Profile, dict[str, Template]]:
    return {
        "standard": _standard(content.standard),
        "small": {name: getattr(content.small, name) for name in NAMES},
    }


def _standard(content: _Standard) -> dict[str, Template]:
    check_fields(frozenset(FIELD.findall(content.frame)), frozenset({"method", "instruction"}), "standard.frame")
    templates: dict[str, Template] = {}
    for name in NAMES:
        part: _Part = getattr(content, name)
        if bool(part.method) == bool(part.prompt) or (part.method and name not in IN_DEPTH):
            either = "either a method or a prompt" if name in IN_DEPTH else "a prompt"
            raise ValueError(f"`standard.{name}` needs {either}")
        prompt = part.prompt or content.frame.replace("{method}", part.method)
        templates[name] = Template(system="", examples=(), prompt=prompt)
    return templates


_FIELDS = {name: frozenset({"first", "second"} if name == "judge" else {"instruction"}) for name in NAMES}

FILES = PromptFiles("evol_instruct", _PromptFile, _read, _FIELDS)
"""evol_instruct.en.toml and evol_instruct.zh.toml."""
