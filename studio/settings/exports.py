"""[export] and [exports.NAME]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class ExportSettings(Struct, frozen=True):
    """[export], and [exports.NAME] over it. Filters that are empty let everything through.

    format: what the trainer calls formatting. methods: how rows came about, see `store.filters.Filter`.
    """

    out: Annotated[str, Meta(extra={"help": "the folder to write"})] = "export"
    statuses: Annotated[tuple[Literal["accepted", "pending"], ...], Meta(extra={"help": "only these"})] = (
        "accepted",
        "pending",
    )
    types: Annotated[
        tuple[Literal["pretrain", "sft", "preference", "multimodal", "kto"], ...],
        Meta(
            description="pretrain, sft, preference, multimodal, kto; none: all",
            extra={"help": "may be given several times"},
        ),
    ] = ()
    format: Annotated[
        Literal["alpaca", "sharegpt", "openai"],
        Meta(description="or sharegpt, openai", extra={"help": "the form of the rows"}),
    ] = "alpaca"
    file: Annotated[
        Literal["auto", "json", "jsonl", "parquet"],
        Meta(description="json, jsonl or parquet; auto: jsonl for pretrain, json for the rest"),
    ] = "auto"
    tags: Annotated[tuple[str, ...], Meta(description="only rows with one of these tags")] = ()
    methods: Annotated[
        tuple[str, ...], Meta(description="only rows made so: imported, written, deepening, in_breadth, ...")
    ] = ()
    min_score: Annotated[
        float | None, Meta(description="only rows with a score, of at least so much", examples=[3.5])
    ] = None
    split: Annotated[
        str,
        Meta(
            description='"8:1:1" makes train, valid and test',
            extra={
                "help": "parts of exact size: 9:1 is train and valid, 8:1:1 adds test. 969:30:1 (or megatron) is "
                "nothing magical: the train/valid/test split Megatron-LM takes by default"
            },
        ),
    ] = ""
    seed: Annotated[int, Meta(description="which row goes into which part")] = 42
