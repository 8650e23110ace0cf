from __future__ import annotations

import pytest

from studio.errors import UsageError
from studio.settings import Settings
from studio.settings.sources import load


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studio.toml"


def test_later_places_win(tmp_path, file):
    user = tmp_path / "config.toml"
    user.write_text('[evolve]\nrounds = 1\nlimit = 1\nseed = 1\nconcurrency = 1\n[screen]\ntheme = "dusk"\n')
    file.write_text("[evolve]\nrounds = 2\nlimit = 2\nseed = 2\n")
    environment = {"STUDIO_EVOLVE_ROUNDS": "3", "STUDIO_EVOLVE_LIMIT": "3", "HOME": "/"}
    found = load((user, file), environment, {"evolve": {"rounds": 4, "limit": None}})
    assert (found.evolve.rounds, found.evolve.limit, found.evolve.seed, found.evolve.concurrency) == (4, 3, 2, 1)
    assert found.screen.theme == "dusk"


def test_absent_files_mean_the_defaults(file):
    assert load((file,), {}) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[evolv]\nrounds = 1", "Did you mean 'evolve'"),
        ("[evolve]\nround = 1", "Did you mean 'rounds'"),
        ("[evolve]\nxyz = 1", "Known: rounds"),
        ("rounds = 1", "outside a section"),
        ("[evolve\n", "not valid TOML"),
        ('[evolve]\nrounds = "many"', "wrong value"),
        ("[evolve]\nrounds = 0", "wrong value"),
        ("[evolve]\nconcurrency = 0", "wrong value"),
        ("[evolve]\nlimit = -1", "wrong value"),
        ("[dedup]\nthreshold = 7", "wrong value"),
        ('[position]\nstrategy = "sideways"', "wrong value"),
        ('[export]\nstatuses = ["rejected"]', "wrong value"),
        ('[exports.chat]\nformt = "openai"', "[exports.chat] has no setting 'formt'. Did you mean 'format'"),
        ('[exports.chat]\nformat = "chatml"', "wrong value"),
        ('[exports]\nformat = "openai"', "[exports] holds tables: [exports.format]"),
        ('[rules.todo]\nfields = ["output"]', "missing required field `pattern`"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(file, text, said):
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        load((file,), {})
    assert said in str(error.value)


def test_a_wrong_environment_variable_is_an_error():
    with pytest.raises(UsageError, match="wrong value"):
        load((), {"STUDIO_DEDUP_THRESHOLD": "high"})


def test_keys_are_free_names(file):
    file.write_text('[keys]\naccept = "y"\n')
    assert load((file,), {}).keys == {"accept": "y"}


def test_a_named_export_stands_over_the_common_one(file):
    file.write_text('[export]\nformat = "sharegpt"\nseed = 7\n[exports.chat]\nformat = "openai"\ntypes = ["sft"]\n')
    found = load((file,), {})
    chat = found.export_named("chat")
    assert (chat.format, chat.types, chat.seed) == ("openai", ("sft",), 7)
    assert found.export.format == "sharegpt"
    with pytest.raises(UsageError, match="Did you mean 'chat'"):
        found.export_named("chatt")


SHARED = 'base_url = "https://a.example/v1"\napi_key_env = "A"'
ELSEWHERE = 'model = "m"\nbase_url = "https://b.example/v1"'


@pytest.mark.parametrize(
    ("model", "given", "base_url", "key"),
    [
        (SHARED, 'model = "m"', "https://a.example/v1", "A"),
        (SHARED, 'model = "m"\napi_key_env = "B"', "https://a.example/v1", "B"),
        (SHARED, ELSEWHERE, "https://b.example/v1", ""),
        ("", f'{ELSEWHERE}\napi_key_env = "B"', "https://b.example/v1", "B"),
    ],
)
def test_embeddings_are_asked_for_where_the_model_is_with_its_key_unless_they_are_elsewhere(
    file, model, given, base_url, key
):
    file.write_text(f"[model]\n{model}\n[embeddings]\n{given}\ndimensions = 256\n")
    found = load((file,), {"STUDIO_EMBEDDINGS_BATCH": "10"}).embeddings_at()
    assert (found.base_url, found.api_key_env, found.model) == (base_url, key, "m")
    assert (found.dimensions, found.batch) == (256, 10)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No model for embeddings is named"),
        ('[model]\nbase_url = "https://a.example/v1"\nmodel = "chat"', "No model for embeddings is named"),
        ('[embeddings]\nmodel = "m"', "Where is the embedding model m"),
    ],
)
def test_embeddings_need_a_model_and_a_place(file, text, says):
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load((file,), {}).embeddings_at()
    assert "[embeddings]" in caught.value.hint


@pytest.mark.parametrize("line", ["batch = 0", "batch = 4096", "concurrency = 0", "dimensions = -1", "cutoff = 0"])
def test_wrong_settings_of_embeddings_are_told(file, line):
    file.write_text(f"[embeddings]\n{line}\n")
    with pytest.raises(UsageError, match="wrong value"):
        load((file,), {})
