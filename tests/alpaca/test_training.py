from __future__ import annotations

import pytest

from studio.alpaca.rows import ROW_TYPES
from studio.alpaca.training import FILE_OF, config, stages
from tests.support import trainer


def values(text):
    """The keys and values of a config, which is flat."""
    pairs = (line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return dict(pairs)


def test_stages_of_the_types_there_are():
    assert stages(ROW_TYPES) == ["pt", "sft", "rm", "kto"]
    assert stages(["multimodal"]) == ["sft"]
    assert stages([]) == []


def test_a_run_names_its_datasets_and_the_cutoff():
    found = values(config("sft", ["p_sft", "p_zh"], cutoff=4096, valid=["p_sft_valid"]))
    assert (found["stage"], found["dataset"], found["cutoff_len"]) == ("sft", '"p_sft,p_zh"', "4096")
    assert (found["eval_dataset"], found["eval_strategy"]) == ('"p_sft_valid"', "steps")
    assert "eval_dataset" not in values(config("sft", ["p"], cutoff=1))


def test_preference_trains_dpo():
    assert FILE_OF["rm"] == "train_dpo.yaml"
    found = values(config("rm", ["p"], cutoff=2048))
    assert (found["stage"], found["pref_loss"]) == ("dpo", "sigmoid")


def test_media_call_for_a_model_that_takes_them():
    assert values(config("sft", ["p"], cutoff=1, media=["images"]))["template"] == "qwen2_vl"
    assert values(config("sft", ["p"], cutoff=1, media=["audios", "images"]))["template"] == "qwen2_omni"


@pytest.mark.parametrize(("tokens", "block"), [(100_000, 2048), (4096, 2048), (4095, 1024), (900, 256), (3, 1)])
def test_a_small_corpus_fills_at_least_one_block(tokens, block):
    assert values(config("pt", ["p"], cutoff=2048, tokens=(tokens, 0)))["cutoff_len"] == str(block)


def test_a_part_that_fills_no_block_is_not_evaluated_on():
    assert "eval_dataset" in values(config("pt", ["p"], cutoff=512, valid=["v"], tokens=(9000, 1024)))
    assert "eval_dataset" not in values(config("pt", ["p"], cutoff=512, valid=["v"], tokens=(9000, 900)))


def test_any_name_is_ascii():
    assert config("sft", ['潮汐 "x"'], cutoff=1).isascii()


@pytest.mark.slow
@pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing() or "-")
@pytest.mark.filterwarnings("ignore")  # the trainer's own libraries warn at import
@pytest.mark.parametrize("stage", FILE_OF)
@pytest.mark.parametrize("media", [(), ("images",), ("audios",)])
def test_the_trainer_knows_every_key(stage, media, tmp_path, monkeypatch):
    trainer._import_trainer()
    from llamafactory.data.template import TEMPLATES
    from llamafactory.hparams.parser import get_train_args, read_args

    names = ['潮汐 "x"', "{a}: b # c"]
    (tmp_path / "run.yaml").write_text(config(stage, names, cutoff=512, valid=["v"], test=["t"], media=media), "ascii")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train", "run.yaml"])
    # This machine has no GPU, which is all that stands against bf16; the command starts processes of its own.
    monkeypatch.setenv("LOCAL_RANK", "-1")
    given = read_args() | {"bf16": False, "use_cpu": True}
    try:
        model, data, training, finetuning, _ = get_train_args(given)
    except ValueError as error:
        pytest.fail(str(error))
    assert data.dataset == names
    assert data.eval_dataset == ["v"]
    assert (data.cutoff_len, data.dataset_dir) == (512, ".")
    assert data.template in TEMPLATES
    assert finetuning.stage == values(config(stage, names, cutoff=512))["stage"]
    assert training.learning_rate in (1e-4, 5e-6)
    assert "/" in model.model_name_or_path
