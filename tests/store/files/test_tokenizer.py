from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from studio.errors import UsageError
from studio.store.files.tokenizer import token_counter


@pytest.fixture
def words(tmp_path):
    """A tokenizer.json that makes a token of each word, and cuts at three as some models ship theirs."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "tide": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_tokens_are_counted_whole(words):
    count = token_counter(words)
    assert [count(text) for text in ("", "tide", "the tide mill turns 潮汐 slowly")] == [0, 1, 6]


def test_a_file_that_is_not_there_or_no_tokenizer_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}', encoding="utf-8")
    for name, said in (("absent.json", "there is no file"), ("config.json", "is no tokenizer.json")):
        with pytest.raises(UsageError, match=rf"^\[check\] tokenizer: .*{said}"):
            token_counter(tmp_path / name)
