"""The loader model against LLaMA-Factory itself. Run in an environment that has it: pytest -m slow."""

from __future__ import annotations

import base64

import pytest

from studio.alpaca.dataset_info import encode
from studio.alpaca.explain import explain
from studio.alpaca.llamafactory import verdict
from tests.support import trainer
from tests.support.file_matrix import FILES
from tests.support.loader_matrix import CASES, generated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing()),
    pytest.mark.filterwarnings("ignore"),  # the trainer's own libraries warn at import
]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAIAAAD9b0jDAAAAJ0lEQVR4nGPUWBDFQG3ARHUTRw0dNXTU0FFDRw0dNXTU0FFDB6WhAJPjAVrmau4HAAAAAElFTkSuQmCC"
)


@pytest.fixture(scope="module")
def media_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    (folder / "1.png").write_bytes(PNG)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_matrix(case, media_folder):
    kind, error = trainer.outcome(case.row, case.entry, case.stage, media_folder)
    assert kind == case.verdict, error


def test_generated_rows(media_folder):
    differing = []
    for row, entry, stage in generated(count=600, seed=20):
        kind, error = trainer.outcome(row, entry, stage, media_folder)
        found = verdict(row, entry, stage)
        if kind != found.kind:
            differing.append((stage, list(entry["columns"]), row, f"trainer {kind} {error}", found))
    assert not differing


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_files(case, tmp_path):
    (tmp_path / case.file_name).write_bytes(case.raw)
    made = case.entry | {"file_name": case.file_name}
    (tmp_path / "dataset_info.json").write_bytes(encode({"rows": made}))
    loaded = trainer.load(tmp_path, "rows", made, case.stage)
    assert loaded["kept"] == case.kept
    assert (loaded["error"] is None) == (case.kept > 0)
    assert case.error in (loaded["error"] or "")
    if case.error:
        assert explain(loaded["error"]), "every error of the trainer is explained"
