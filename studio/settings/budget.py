"""[budget] and [prices."MODEL"]: what a run may take, and what it costs."""

from typing import Annotated

from msgspec import Meta, Struct

from studio.settings.kinds import Amount, Count


class BudgetSettings(Struct, frozen=True):
    """[budget]: where a run ends, 0 for no such cap."""

    usd: Annotated[
        Amount,
        Meta(
            description="needs a known price for each model",
            extra={
                "label": "most USD (0: no cap)",
                "help": "stop when so many dollars are spent; needs a known price for each model",
            },
        ),
    ] = 0.0
    tokens: Annotated[
        Count,
        Meta(
            description="of prompts and answers together",
            extra={"help": "stop when so many tokens are used, of prompts and answers together"},
        ),
    ] = 0
    requests: Count = 0
    minutes: Amount = 0.0


class PriceSettings(Struct, frozen=True):
    """[prices."MODEL"]: USD for a million tokens. cached is None where it is as input."""

    input: Amount
    output: Amount
    cached: Annotated[Amount | None, Meta(description="prompts the endpoint had at hand; without it: as input")] = None
    noted: str = ""
