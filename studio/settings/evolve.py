"""[evolve]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Amount, Count, Folder, Lanes, Positive, Share

Operation = Literal[
    "add_constraints", "deepening", "concretizing", "increase_reasoning", "complicate_input", "in_breadth"
]
"""The six operations of Evol-Instruct."""


class EvolveSettings(Struct, frozen=True):
    """[evolve]: Evol-Instruct (arXiv 2304.12244). temperature and top_p are those of the authors' code."""

    rounds: Annotated[
        Positive,
        Meta(description="Evol-Instruct: four rounds over the task pool", extra={"label": "rounds", "far": True}),
    ] = 4
    concurrency: Annotated[
        Lanes, Meta(description="requests in flight", extra={"label": "requests at once", "far": True})
    ] = 4
    limit: Annotated[
        Count,
        Meta(
            description="at most so many evolutions in all; 0: no limit",
            extra={"label": "limit (0: none)", "far": True},
        ),
    ] = 0
    target: Annotated[
        Count,
        Meta(
            description="stop when so many rows were not eliminated; 0: no target",
            extra={"label": "target (0: none)", "far": True},
        ),
    ] = 0
    operations: Annotated[
        tuple[Operation, ...],
        Meta(
            description="the operations to draw from; none: all six, each as often",
            extra={"help": "only these operations, each as often as its weight"},
        ),
    ] = ()
    language: Annotated[
        Literal["all", "en", "zh"], Meta(description='evolve only seed tasks in "en" or "zh"', extra={"far": True})
    ] = "all"
    prompts: Annotated[
        Folder,
        Meta(
            description="a folder with prompt files of your own, evol_instruct.en.toml and evol_instruct.zh.toml",
            extra={"far": True},
        ),
    ] = ""
    seed: Annotated[int, Meta(description="which operation each task gets; the same seed gives the same plan")] = 42
    temperature: Annotated[
        Amount, Meta(extra={"label": "temperature", "help": "of writing instructions and answers"})
    ] = 1.0
    top_p: Share = 0.95
    max_tokens: Positive = 2048
    short_answer: Annotated[
        Count, Meta(description="an apology in an answer of fewer words eliminates (the paper's rule 2)")
    ] = 80
    weights: Annotated[
        dict[Operation, Amount],
        Meta(
            description="how often an operation is drawn; 1 where it is not named",
            examples=[{"in_breadth": 2}],
            extra={"label": "weight"},
        ),
    ] = {}
