"""The loader model against LLaMA-Factory itself. Run in an environment that has it: pytest -m slow."""

from __future__ import annotations

import base64

import pytest

from studio.alpaca.llamafactory import verdict
from tests.support import trainer
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
    for row, entry, stage in generated(count=400, seed=20):
        kind, error = trainer.outcome(row, entry, stage, media_folder)
        found = verdict(row, entry, stage)
        if kind != found.kind:
            differing.append((stage, list(entry["columns"]), row, f"trainer {kind} {error}", found))
    assert not differing
