"""[self_instruct]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Amount, Count, Folder, Lanes, Positive, Share

_LISTING = (
    "Of the requests for instructions; without these lines as in the paper, which says (alpaca: 1.0, 1.0, 3072, 0):"
)


class SelfInstructSettings(Struct, frozen=True):
    """[self_instruct]: Self-Instruct (arXiv 2212.10560), or its Alpaca variant with whole tasks in one request.

    language is that of the seed tasks shown and of what is made. temperature, top_p, max_tokens and presence_penalty
    are None where the paper's hold.
    """

    variant: Annotated[
        Literal["paper", "alpaca"], Meta(description='Self-Instruct; or "alpaca": whole tasks, many in one request')
    ] = "paper"
    target: Annotated[
        Positive,
        Meta(description="instructions with an instance, in all", extra={"label": "target", "far": True}),
    ] = 100
    limit: Annotated[
        Count, Meta(description="at most so many requests for instructions; 0: no limit", extra={"far": True})
    ] = 0
    concurrency: Annotated[
        Lanes, Meta(description="requests in flight", extra={"label": "requests at once", "far": True})
    ] = 4
    batch: Annotated[Positive, Meta(description="requests that see the same task pool")] = 5
    threshold: Annotated[Share, Meta(description="ROUGE-L F above this with any task of the pool: not new")] = 0.7
    blacklist: Annotated[tuple[str, ...], Meta(description="more words that drop an instruction")] = ()
    allowed: Annotated[
        tuple[str, ...], Meta(description='words of the paper\'s blacklist that do not, such as "map" or "文件"')
    ] = ()
    language: Annotated[
        Literal["auto", "en", "zh"], Meta(description='"en" or "zh"; auto: that of most seed tasks')
    ] = "auto"
    prompts: Annotated[
        Folder,
        Meta(
            description="a folder with prompt files of your own, self_instruct.en.toml and self_instruct.zh.toml",
            extra={"far": True},
        ),
    ] = ""
    seed: Annotated[int, Meta(description="which tasks each request shows")] = 42
    thinking_room: Annotated[
        Count, Meta(description="tokens on top of the paper's, for a model that thinks before it answers")
    ] = 0
    temperature: Annotated[
        Amount | None, Meta(examples=[0.7], extra={"above": _LISTING, "help": "of writing instructions"})
    ] = None
    top_p: Annotated[Share | None, Meta(examples=[0.5])] = None
    max_tokens: Annotated[Positive | None, Meta(examples=[1024])] = None
    presence_penalty: Annotated[float | None, Meta(examples=[2.0])] = None
