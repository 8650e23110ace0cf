"""Step 2: whether an instruction is a classification task with a limited set of answers."""

from __future__ import annotations

import re

from studio.methods.self_instruct.prompts import fill
from studio.methods.templates import PromptSet

_YES = re.compile(r"[\s*_\"'“‘「（(#>]*(?:yes(?![a-z])|是的?(?![的否不]))", re.IGNORECASE)


def messages(prompts: PromptSet, instruction: str) -> tuple[tuple[str, str], ...]:
    """Ask the question after 31 answered ones (12 yes, 19 no); (role, content) turns."""
    return fill(prompts, "classification", instruction=instruction)


def read(reply: str) -> bool:
    """True when the reply begins with yes or 是. Whatever else a model says counts as no, as in the paper."""
    return _YES.match(reply) is not None
