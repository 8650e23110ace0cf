"""[model], [answerer], [judge] and [embeddings]: where answers and vectors come from."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Address, Count, Positive, Seconds

Profile = Literal["auto", "standard", "small"]
Role = str
"""Whose model it is: "teacher" has [model], another role a section of its name."""


class ModelSettings(Struct, frozen=True):
    """[model]: an empty base_url means the embedded model.

    An empty api_key_env means the usual variable of a well-known endpoint, and no key for any other: so a
    key never goes to an endpoint it was not made for. first_token, silence and total: see `llm.openai_chat.Timeouts`.
    """

    base_url: Annotated[
        Address,
        Meta(
            description="any OpenAI-compatible endpoint: vLLM, Ollama, ...",
            extra={"label": "base_url", "shown": "http://127.0.0.1:8000/v1"},
        ),
    ] = ""
    model: Annotated[str, Meta(description="as the endpoint calls it", extra={"label": "model"})] = ""
    api_key_env: Annotated[
        str, Meta(description="the variable that holds the key; the key itself never goes in here")
    ] = ""
    endpoints: Annotated[
        tuple[str, ...], Meta(description="more addresses that serve the same model; they share the work and the key")
    ] = ()
    profile: Annotated[Profile, Meta(description='prompts for a "standard" or a "small" model')] = "auto"
    rpm: Annotated[
        Count, Meta(description="requests a minute that each endpoint takes; 0: no limit", extra={"block": True})
    ] = 0
    tpm: Annotated[Count, Meta(description="tokens a minute")] = 0
    first_token: Annotated[
        Seconds, Meta(description="seconds of patience: for the first word of a streamed answer,")
    ] = 120.0
    silence: Annotated[Seconds, Meta(description="between two of its words,")] = 60.0
    total: Annotated[Seconds, Meta(description="for a whole answer that is not streamed")] = 600.0
    thinking: Annotated[
        Literal["drop", "keep", "attach"],
        Meta(description="what becomes of <think> parts: drop, keep (beside the row) or attach (to its output)"),
    ] = "drop"


class RoleSettings(Struct, frozen=True):
    """[answerer] and [judge]: a model for that step only. What is empty is as in [model]."""

    base_url: Annotated[Address, Meta(extra={"label": "base_url"})] = ""
    model: Annotated[str, Meta(extra={"label": "model"})] = ""
    api_key_env: str = ""
    endpoints: tuple[str, ...] = ()
    profile: Profile = "auto"
    rpm: Count = 0
    tpm: Count = 0


class EmbeddingsSettings(Struct, frozen=True):
    """[embeddings]: the vectors of texts that a search for semantic neighbours goes by. See `Settings.embeddings_at`.

    cutoff: by estimate and with the prefix.
    """

    base_url: Annotated[
        str, Meta(description='any OpenAI-compatible endpoint with /embeddings; "": that of [model], with its key')
    ] = ""
    model: Annotated[
        str, Meta(description='for example "text-embedding-3-small", "bge-m3" or "Qwen3-Embedding-0.6B"')
    ] = ""
    api_key_env: str = ""
    dimensions: Annotated[Count, Meta(description="of a vector; 0: the model's own")] = 0
    prefix: Annotated[str, Meta(description='what the model wants before each text, for example "query: "')] = ""
    cutoff: Annotated[
        Positive, Meta(description="tokens; a longer text loses its end. No more than the model takes")
    ] = 6000
    batch: Annotated[int, Meta(ge=1, le=2048, description="texts in a request")] = 64
    concurrency: Annotated[int, Meta(ge=1, le=64, description="requests in flight")] = 4
    rpm: Count = 0
    tpm: Count = 0
