"""What Self-Instruct asks: for new instructions, whether one is a classification task, for its inputs and outputs.

The teacher writes instructions, the answerer all the rest. What a request for instructions shows is drawn before it is
asked, and written down: later edits of the rows do not change it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

import msgspec

from studio.alpaca.rows import Sft
from studio.errors import ModelError
from studio.methods.asking import Ask, Run, Said, Sampling, StoredRows
from studio.methods.self_instruct import alpaca_variant, bootstrap, classification, instances, parameters
from studio.methods.self_instruct.parameters import Parameters
from studio.methods.self_instruct.pool import TaskPool
from studio.methods.templates import Language
from studio.settings import SelfInstructSettings

IN_A_LIST = {"paper": 7, "alpaca": 17}
"""Instructions that a reply is likely to have, as the lists of the papers run to 15 and 20."""
TOKENS = {"paper": 25, "alpaca": 110}
"""Tokens of each of them, with its input and output in the Alpaca variant."""
VERDICT, INSTANCES = 2, 150
"""Tokens of a verdict and of instances, as they may come."""

# More requests than a run has: tells the samples of two seeds apart.
_REQUESTS = 1_000_000
_NO: dict[Language, str] = {"en": "No", "zh": "否"}


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task as a request shows it."""

    row: int
    instruction: str
    input: str = ""
    output: str = ""


def draw(settings: SelfInstructSettings, rows: StoredRows, pool: TaskPool, request: int) -> tuple[Shown, ...]:
    """What request number `request` (from 1) shows, in this order. Raises ValueError without a seed task."""
    if settings.variant == "paper":
        ids = bootstrap.draw(pool.human, pool.machine, seed=settings.seed, request=request - 1)
        return _shown(rows, ids, whole=False)
    return _shown(rows, alpaca_variant.draw(pool.human, seed=settings.seed, request=request - 1), whole=True)


def brief(shown: Sequence[Shown]) -> Any:
    """What a request shows, as a JSON value."""
    return msgspec.to_builtins(shown)


def told(brief: Any) -> tuple[Shown, ...]:
    """What the brief of a request says that it shows."""
    return msgspec.convert(brief, tuple[Shown, ...])


def listing_parameters(settings: SelfInstructSettings) -> Parameters:
    """The paper's parameters of requests for instructions, with what the person says over them."""
    paper = parameters.ALPACA if settings.variant == "alpaca" else parameters.BOOTSTRAP
    names = ("temperature", "top_p", "max_tokens", "presence_penalty")
    said = {name: value for name in names if (value := getattr(settings, name)) is not None}
    return paper._replace(**said)


def listing(run: Run, request: int, shown: Sequence[Shown], spoken: Language) -> Generator[Ask, Said, Said]:
    """Ask for more instructions. request: its number, which tells apart requests that show the same."""
    settings: SelfInstructSettings = run.settings
    prompts = run.prompts("teacher", spoken)
    if settings.variant == "alpaca":
        messages = alpaca_variant.messages(prompts, [Sft(one.instruction, one.input, one.output) for one in shown])
    else:
        messages = bootstrap.messages(prompts, [one.instruction for one in shown])
    ask = Ask(
        "teacher",
        "listing",
        messages,
        _sampling(run, "teacher", listing_parameters(settings)),
        about=" ".join(f"#{one.row}" for one in shown),
        length=IN_A_LIST[settings.variant] * TOKENS[settings.variant],
        sample=settings.seed * _REQUESTS + request,
    )
    return (yield from _said(ask))


def classifying(run: Run, instruction: str, spoken: Language) -> Generator[Ask, Said, Said]:
    """Ask whether an instruction is a classification task."""
    ask = Ask(
        "answerer",
        "classifying",
        classification.messages(run.prompts("answerer", spoken), instruction),
        _sampling(run, "answerer", parameters.CLASSIFICATION),
        about=instruction,
        likely=_NO[spoken],
        length=VERDICT,
    )
    return (yield from _said(ask))


def answering(run: Run, instruction: str, spoken: Language, *, is_classification: bool) -> Generator[Ask, Said, Said]:
    """Ask for inputs and outputs of an instruction."""
    ask = Ask(
        "answerer",
        "answering",
        instances.messages(run.prompts("answerer", spoken), instruction, classification=is_classification),
        _sampling(run, "answerer", parameters.instances(spoken, classification=is_classification)),
        about=instruction,
        length=INSTANCES,
    )
    return (yield from _said(ask))


def whole(said: Said) -> str:
    """How a reply ended, for the readers: a text that a filter cut is not whole either."""
    return "length" if said.finish == "content_filter" else said.finish


def _said(ask: Ask) -> Generator[Ask, Said, Said]:
    """The answer. Raises ModelError when the model only thought: other requests would end so too."""
    said = yield ask
    if said.finish == "length" and not said.text.strip():
        raise ModelError(
            f"{said.by} thought for {ask.sampling.max_tokens} tokens and said nothing, as the method gives it no more.",
            hint="Give it thinking_room in [self_instruct], for example 2000 tokens, or take a model that answers "
            "at once.",
        )
    return said


def _sampling(run: Run, role: str, of: Parameters) -> Sampling:
    # A small model goes on as its examples do, so the paper's stops hold, and an empty line is where it strays.
    stop = tuple(dict.fromkeys((*of.stop, "\n\n"))) if run.profile(role) == "small" else of.chat_stop
    # A penalty of 0 is what endpoints do by themselves, and some know none.
    return Sampling(
        temperature=of.temperature,
        top_p=of.top_p,
        max_tokens=of.max_tokens + run.settings.thinking_room,
        stop=stop,
        presence_penalty=of.presence_penalty or None,
        frequency_penalty=of.frequency_penalty or None,
    )


def _shown(rows: StoredRows, ids: Iterable[int], *, whole: bool) -> tuple[Shown, ...]:
    """These tasks as a request shows them. whole: with input and output."""
    return tuple(
        Shown(stored.id, stored.row.instruction, *((stored.row.input, stored.row.output) if whole else ()))
        for stored in rows.page(list(ids))
        if isinstance(stored.row, Sft)
    )
