"""[check] and [rules.NAME]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Positive


class CheckSettings(Struct, frozen=True):
    """[check]: what rows are held against."""

    cutoff: Annotated[Positive, Meta(description="cutoff_len of your training, in tokens; longer rows are flagged")] = (
        2048
    )
    tokenizer: Annotated[str, Meta(description='the tokenizer.json of your model, for exact counts; "" estimates')] = ""
    skip: Annotated[tuple[str, ...], Meta(description="codes of checks you do not want")] = ()


class RuleSettings(Struct, frozen=True):
    """[rules.NAME]: a check of the person's own, by a regular expression over fields."""

    pattern: str
    fields: Annotated[tuple[str, ...], Meta(description="none: every field")] = ()
    severity: Annotated[
        Literal["error", "warning"], Meta(description='or "error", which holds the row back from an export')
    ] = "warning"
    message: str = ""
