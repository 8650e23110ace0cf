"""[position]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Amount, Count, Folder, Lanes, Share

Strategy = Literal["head", "middle", "tail", "edges", "balanced", "shuffle", "inverse", "original"]
"""Where gold segments go; see `curate.placing.placement`."""
Question = Literal["as-is", "before", "after", "both"]
"""Where the question stands to the segments (query-aware contextualisation, arXiv 2307.03172)."""

_OWN_SEGMENTS = (
    "Segments of your own form by a regular expression for where one begins. What (?P<number>...) is part of stays in "
    "its\nplace as a label; with (?P<body>...) exactly that moves:"
)


class PositionSettings(Struct, frozen=True):
    """[position]: how gold segments are found and spread."""

    strategy: Annotated[
        Strategy,
        Meta(
            description="head, middle, tail, edges, balanced, shuffle or inverse",
            extra={"help": "where gold segments go"},
        ),
    ] = "balanced"
    seed: Annotated[int, Meta(description="the same seed gives the same bytes", extra={"label": "seed"})] = 42
    sure: Annotated[
        Share, Meta(description="a gold segment with less confidence waits for a look", extra={"label": "sure from"})
    ] = 0.6
    variants: Annotated[
        Count,
        Meta(
            description="new rows made of each, besides it; 0: the row itself is placed",
            extra={"label": "variants of each row"},
        ),
    ] = 0
    distractors: Annotated[
        Count, Meta(description="segments of other rows put into each", extra={"label": "distractors"})
    ] = 0
    question: Annotated[
        Question,
        Meta(
            description="before, after or both: where the question stands to the segments", extra={"label": "question"}
        ),
    ] = "as-is"
    locate_first: Annotated[
        bool,
        Meta(description="the output first names the segment that holds the answer", extra={"label": "locate first"}),
    ] = False
    weights: Annotated[
        tuple[Amount, ...],
        Meta(
            description='ten, head to tail: how often "inverse" wants gold in each tenth; []: by the newest probe',
            extra={"label": "weights of inverse"},
        ),
    ] = ()
    concurrency: Annotated[Lanes, Meta(description="requests to the judge in flight")] = 4
    prompts: Annotated[
        Folder, Meta(description="a folder with prompt files of your own, gold_judge.en.toml and gold_judge.zh.toml")
    ] = ""
    pattern: Annotated[
        str,
        Meta(
            examples=[r"^Note (?P<number>\d+):"],
            extra={"above": _OWN_SEGMENTS, "help": "a regular expression that tells segments"},
        ),
    ] = ""
