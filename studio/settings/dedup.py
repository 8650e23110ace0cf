"""[dedup]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from studio.settings.kinds import Share

DedupMethod = Literal["exact", "overlap", "rouge-l", "minhash", "semantic"]
"""How rows are compared, see `curate.duplicates.finding`."""
DedupField = Literal["prompt", "instruction", "output", "row"]
"""What of a row is compared, see `curate.duplicates.compared`."""
KeepRule = Literal["first", "longest", "newest", "best-score", "human-first", "most-complete"]
"""Which row of a cluster stays, see `curate.duplicates.representatives`."""


class DedupSettings(Struct, frozen=True):
    """[dedup]: what is compared, how (`curate.duplicates.finding`), from which score on rows are duplicates, who stays.

    threshold: 0 for the method's own: overlap and minhash 0.75, rouge-l 0.7 (arXiv 2212.10560), semantic 0.9.
    """

    method: Annotated[
        DedupMethod,
        Meta(
            description="words in common, rare ones count more; "
            "or exact, rouge-l (as Self-Instruct), minhash, semantic",
            extra={"label": "method", "help": "how rows are compared"},
        ),
    ] = "overlap"
    field: Annotated[
        DedupField,
        Meta(
            description="what is compared: prompt (all that is asked), instruction, output or row",
            extra={"label": "compare"},
        ),
    ] = "prompt"
    threshold: Annotated[
        Share,
        Meta(
            description="the score from which rows are duplicates; 0: the method's own (overlap 0.75, rouge-l 0.7)",
            extra={"label": "threshold (0: its own)"},
        ),
    ] = 0.0
    keep: Annotated[
        KeepRule,
        Meta(
            description="which one stays: first, longest, newest, best-score, human-first, most-complete",
            extra={"label": "stays"},
        ),
    ] = "first"

    @property
    def limit(self) -> float:
        """The threshold that holds."""
        own: dict[DedupMethod, float] = {
            "exact": 1.0, "overlap": 0.75, "minhash": 0.75, "rouge-l": 0.7, "semantic": 0.9
        }  # fmt: skip
        return self.threshold or own[self.method]
