"""LLaMA-Factory itself, to hold exports and the loader model against: its parser, converter, loader and processors.

    python tests/support/trainer.py FOLDER

loads every dataset of FOLDER/dataset_info.json in its stage and prints {name: {stage, rows, kept, error}} as JSON.
Nothing is fetched: the tokenizer is one token a byte, the image, video and sound processors are transformers' own with
their defaults. Image files are opened; sound files are not decoded.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import json
import logging
import os
import sys
import tempfile
import types
from functools import cache
from pathlib import Path

_ENVIRONMENT = {
    "DISABLE_VERSION_CHECK": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "LLAMAFACTORY_VERBOSITY": "ERROR",
}
_CUTOFF = 128  # tokens; longer rows are cut, not dropped


def missing() -> str:
    """Why LLaMA-Factory cannot be used here, or ""."""
    return "" if importlib.util.find_spec("llamafactory") else "llamafactory is not installed here"


def stage_of(entry):
    """The stage a dataset_info entry is meant for."""
    columns = entry.get("columns", {})
    if entry.get("ranking"):
        return "rm"
    if columns.get("kto_tag"):
        return "kto"
    return "pt" if columns and set(columns) == {"prompt"} else "sft"


def load_folder(folder):
    """{name: {"stage", "rows", "kept", "error"}} for each dataset of the folder, as the trainer loads it."""
    info = json.loads((Path(folder) / "dataset_info.json").read_text("ascii"))
    return {name: load(folder, name, entry, stage_of(entry)) for name, entry in info.items()}


def load(folder, name, entry, stage):
    """One dataset through get_dataset: rows in the file, rows kept, and the error that stopped the run or None."""
    _import_trainer()
    from llamafactory.data.loader import _load_single_dataset, get_dataset
    from llamafactory.data.parser import get_dataset_list

    found = {"stage": stage, "rows": 0, "kept": 0, "error": None}
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(sys.stderr):
        model_args, data_args, training_args = _arguments(scratch, str(folder), name)
        try:
            attributes = get_dataset_list([name], str(folder))[0]
            found["rows"] = len(_load_single_dataset(attributes, model_args, data_args, training_args))
            template, tokenizer, processor = _template(_template_name(entry))
            loaded = get_dataset(template, model_args, data_args, training_args, stage, tokenizer, processor=processor)
            found["kept"] = len(loaded["train_dataset"])
        except Exception as error:  # whatever the trainer raises is the answer
            found["error"] = f"{type(error).__name__}: {error.__cause__ or error}"
    return found


def outcome(obj, entry, stage, media_dir):
    """("kept" | "dropped" | "aborts", error) for one object between two good rows with the same columns.

    The file reader is left out, so that a value of a wrong type reaches the converter as it is; contents still go
    through Arrow between converter and processor, as in the trainer. Where the columns of the object leave no row
    good, it goes alone.
    """
    good = {column: value for column, value in good_row(entry).items() if column in obj}
    # What the converter hands on untouched has one type a column, for the reader would have stopped at two.
    good |= {
        column: obj[column]
        for role, column in entry.get("columns", {}).items()
        if role in ("system", "tools", "images") and column in obj and not _fits(obj[column], good[column])
    }
    try:
        alone = _count([good, good], entry, stage, media_dir)
        around = [good]
    except Exception:  # the trainer stops at these columns, whatever the row
        alone, around = 0, []
    try:
        among = _count([*around, obj, *around], entry, stage, media_dir)
    except Exception as error:  # whatever the trainer raises is the answer
        return "aborts", f"{type(error).__name__}: {error}"
    return ("kept" if among > alone else "dropped"), ""


def _fits(value, good):
    """Whether a column can hold both, by the types of the values and of their first elements."""
    if isinstance(value, list) and isinstance(good, list):
        return not value or _fits(value[0], good[0])
    return value is None or type(value) is type(good)


def good_row(entry):
    """A row the trainer keeps, with a value for every column the entry maps. Media are files named 1.png, ..."""
    usual = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
    columns = entry.get("columns", usual)
    usual_tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    role, text, user, assistant = ((usual_tags | entry.get("tags", {}))[tag] for tag in usual_tags)
    turn = {role: assistant, text: "Pear."}
    talk = entry.get("formatting", "alpaca") != "alpaca"
    media = [name for name in ("images", "videos", "audios") if columns.get(name)]
    asked = {role: user, text: "".join(f"<{name[:-1]}>" for name in media) + "Name a fruit."}
    values = {
        "messages": [asked] if entry.get("ranking") else [asked, turn],
        "prompt": "".join(f"<{name[:-1]}>" for name in media) + "Name a fruit.",
        "query": "",
        "response": "Pear.",
        "history": [["Hello", "Good day"]],
        "system": "Be brief.",
        "tools": "",
        "chosen": turn if talk else "Pear.",
        "rejected": turn if talk else "Stone.",
        "kto_tag": True,
        "images": ["1.png"],
    }
    return {column: values[role] for role, column in columns.items() if column and role in values}


def _count(objects, entry, stage, media_dir):
    """How many of the objects the converter and the stage's processor keep."""
    _import_trainer()
    import pyarrow
    from datasets.arrow_writer import OptimizedTypedSequence
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.loader import _get_dataset_processor
    from llamafactory.data.parser import get_dataset_list

    attributes = get_dataset_list(["one"], {"one": entry})[0]
    # The gate of _get_merged_dataset, which cannot be called without a file.
    if (stage == "rm" and attributes.ranking is False) or (stage != "rm" and attributes.ranking is True):
        raise ValueError("The dataset is not applicable in the current training stage.")
    with tempfile.TemporaryDirectory() as scratch:
        _, data_args, _ = _arguments(scratch, str(media_dir), "one")
    converter = get_dataset_converter(attributes.formatting, attributes, data_args)
    names = dict.fromkeys(key for obj in objects for key in obj)
    converted = [converter(dict.fromkeys(names) | obj) for obj in objects]
    # As Dataset.from_list, without the fingerprint it takes of everything: that is nine tenths of its time.
    stored = {
        name: pyarrow.array(OptimizedTypedSequence([one[name] for one in converted], col=name)).to_pylist()
        for name in converted[0]
    }
    template, tokenizer, processor = _template(_template_name(entry))
    stage_processor = _get_dataset_processor(data_args, stage, template, tokenizer, processor)
    columns = stage_processor.preprocess_dataset(stored)
    return len(next(iter(columns.values()), []))


def _template_name(entry):
    columns = entry.get("columns", {})
    if columns.get("audios"):
        return "qwen2_omni"
    return "qwen2_vl" if columns.get("images") or columns.get("videos") else "qwen"


@cache
def _import_trainer():
    """Import LLaMA-Factory quietly and offline."""
    os.environ.update(_ENVIRONMENT)
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        # LLaMA-Factory imports it to decode sound, which is not done here; its wheel often does not match torch's.
        stand_in = types.ModuleType("torchaudio")
        stand_in.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = stand_in
    import datasets
    import llamafactory.data  # noqa: F401

    datasets.disable_progress_bars()
    for name in ("datasets", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _arguments(scratch, folder, name):
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import Seq2SeqTrainingArguments

    model_args = ModelArguments(model_name_or_path="none", cache_dir=scratch)
    data_args = DataArguments(dataset=name, dataset_dir=folder, cutoff_len=_CUTOFF, overwrite_cache=True)
    training_args = Seq2SeqTrainingArguments(output_dir=scratch, use_cpu=True, report_to=[])
    return model_args, data_args, training_args


@cache
def _template(name):
    """The template with its tokenizer and, for a multimodal one, the processors it asks for."""
    from llamafactory.data.template import TEMPLATES
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token="<|endoftext|>")
    template = TEMPLATES[name]
    template.fix_special_tokens(tokenizer)
    if name == "qwen":
        return template, tokenizer, None
    from transformers import Qwen2VLImageProcessor, Qwen2VLVideoProcessor, WhisperFeatureExtractor

    processor = types.SimpleNamespace(
        image_processor=Qwen2VLImageProcessor(),
        video_processor=Qwen2VLVideoProcessor(),
        feature_extractor=WhisperFeatureExtractor() if name == "qwen2_omni" else None,
    )
    return template, tokenizer, processor


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    sys.stdout.write(json.dumps(load_folder(sys.argv[1]), ensure_ascii=False, indent=2) + "\n")
