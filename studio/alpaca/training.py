"""Ready training runs: LLaMA-Factory configs for the datasets of an export.

Keys are those of src/llamafactory/hparams, version 0.9.5; the values of its examples/train_lora.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from studio.alpaca.llamafactory import STAGE_OF, Stage
from studio.alpaca.rows import RowType

FILE_OF: dict[Stage, str] = {
    "pt": "train_pt.yaml",
    "sft": "train_sft.yaml",
    "rm": "train_dpo.yaml",
    "kto": "train_kto.yaml",
}
"""The config of each stage; preference rows train DPO, which reads its data like stage rm."""

_TEXT = ("Qwen/Qwen2.5-0.5B-Instruct", "qwen")
_BASE = ("Qwen/Qwen2.5-0.5B", "qwen")
_VISION = ("Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_vl")
_OMNI = ("Qwen/Qwen2.5-Omni-3B", "qwen2_omni")
_LEARNING_RATE: dict[Stage, str] = {"pt": "1.0e-4", "sft": "1.0e-4", "rm": "5.0e-6", "kto": "5.0e-6"}


def stages(types: Collection[RowType]) -> list[Stage]:
    """The stages that train on rows of these types, in the order one would run them."""
    return [stage for stage in FILE_OF if any(STAGE_OF[type] == stage for type in types)]


def config(
    stage: Stage,
    datasets: Sequence[str],
    *,
    cutoff: int,
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
    media: Collection[str] = (),
    tokens: tuple[int, int] | None = None,
) -> str:
    """The YAML of a LoRA run over these datasets of the dataset_info.json beside it. ASCII.

    cutoff: cutoff_len in tokens. valid, test: datasets to evaluate on while training, and to keep for the end.
    media: the media columns its rows have, which call for a model that sees or hears. tokens: of all pretrain texts to
    train on and of all to evaluate on, about; fewer than a block make the trainer stop with no sample, so the block
    becomes smaller then, and what would fill none is not evaluated on.
    """
    model, template = _BASE if stage == "pt" else _OMNI if "audios" in media else _VISION if media else _TEXT
    name = FILE_OF[stage]
    lines = [
        f"# LLaMA-Factory 0.9.5. Run it in this folder: llamafactory-cli train {name}",
        "# The model is a small one to begin with. With another model, change its template too.",
    ]
    if media:
        lines.append("# Rows with media need a model that takes them; leave their dataset out to train a text model.")
    if test:
        lines.append(f"# Kept for the end, not used here: {_quoted(test)}")
    block = cutoff
    if tokens is not None:
        block = min(cutoff, _block(tokens[0]))
        if block != cutoff:
            lines.append(f"# About {tokens[0]} tokens do not fill two blocks of {cutoff}, so blocks are smaller.")
        if valid and _block(tokens[1]) < block:
            lines.append(f"# Too short to evaluate on, with about {tokens[1]} tokens: {_quoted(valid)}")
            valid = ()
    lines += [
        "",
        f"model_name_or_path: {model}",
        f"template: {template}",
        "",
        f"stage: {'dpo' if stage == 'rm' else stage}",
        "do_train: true",
        "finetuning_type: lora",
        "lora_rank: 8",
        "lora_target: all",
        *(["pref_beta: 0.1"] if stage in ("rm", "kto") else []),
        *(["pref_loss: sigmoid"] if stage == "rm" else []),
        "",
        "dataset_dir: .",
        f"dataset: {_quoted(datasets)}",
        *([f"eval_dataset: {_quoted(valid)}"] if valid else []),
        f"cutoff_len: {block}",
        "",
        f"output_dir: saves/{name.removesuffix('.yaml')}",
        "logging_steps: 10",
        "save_steps: 500",
        "report_to: none",
        "",
        "per_device_train_batch_size: 1",
        "gradient_accumulation_steps: 8",
        f"learning_rate: {_LEARNING_RATE[stage]}",
        "num_train_epochs: 3.0",
        "lr_scheduler_type: cosine",
        "warmup_ratio: 0.1",
        "bf16: true",
        *(["", "per_device_eval_batch_size: 1", "eval_strategy: steps", "eval_steps: 100"] if valid else []),
    ]
    return "\n".join(lines) + "\n"


def _block(tokens: int) -> int:
    """A power of two that leaves room for the estimate to be wrong: at least two blocks come of so many tokens."""
    return 1 << max(0, (tokens // 2).bit_length() - 1)


def _quoted(names: Sequence[str]) -> str:
    """The names as YAML text, of which JSON's is a kind."""
    return json.dumps(",".join(names))
