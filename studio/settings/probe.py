"""[probe]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Count, Folder, Lanes

ProbeTask = Literal["kv", "documents"]
"""The two tasks of Lost in the Middle: a value by its key, a question to documents."""


class ProbeSettings(Struct, frozen=True):
    """[probe]: what the position probe asks (Lost in the Middle, arXiv 2307.03172).

    75 keys are the paper's smallest number; a small model gets 25.
    """

    task: Annotated[
        ProbeTask, Meta(description='a value by its key in a JSON object; or "documents": a question to documents')
    ] = "kv"
    keys: Annotated[int, Meta(ge=0, le=10_000, description="pairs in the object; 0: 75, for a small model 25")] = 0
    documents: Annotated[int, Meta(ge=3, le=500, extra={"help": "documents of the other task"})] = 10
    positions: Annotated[int, Meta(ge=3, le=100, description="of the answer, evenly from head to tail")] = 5
    samples: Annotated[int, Meta(ge=1, le=10_000, description="questions at each position")] = 20
    language: Annotated[
        Literal["en", "zh"], Meta(description='or "zh"', extra={"help": "of prompts and documents"})
    ] = "en"
    seed: Annotated[int, Meta(description="which questions")] = 42
    concurrency: Annotated[Lanes, Meta(description="requests in flight", extra={"far": True})] = 4
    prompts: Annotated[
        Folder,
        Meta(
            description="a folder with prompt files of your own, probe.en.toml and probe.zh.toml", extra={"far": True}
        ),
    ] = ""
    context: Annotated[
        Count,
        Meta(description="tokens that a prompt and its answer may have together; 0: not known", extra={"far": True}),
    ] = 0
    thinking_room: Annotated[
        Count, Meta(description="tokens on top of the paper's 100, for a model that thinks before it answers")
    ] = 0
