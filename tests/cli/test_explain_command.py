"""`studio explain`: the trainer's words in, meaning and cure out."""

from __future__ import annotations

import json

import pytest

from studio.__main__ import run


def test_a_known_error_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "RuntimeError: Cannot find valid samples, check `data/README.md`", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["said"].startswith("Cannot find valid samples")
    assert one["cure"]


def test_an_unknown_error_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "the moon is made of cheese"]) == 1
    assert "studio check" in capsys.readouterr().err
