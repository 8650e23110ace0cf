"""A search for semantic neighbours as a process of its own, to be killed: the rows come as a JSON list of texts.

python tests/support/semantic_run.py PROJECT URL ROWS THRESHOLD: prints what it planned to ask for as it begins, and the
pairs as JSON at the end. The key is in the variable CANARY_KEY.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from studio.jobs.duplicates.semantic import find_neighbours
from studio.jobs.duplicates.semantic_events import NeighboursFound, TextsPlanned
from studio.jobs.duplicates.semantic_plan import space_of
from studio.jobs.runs.control import Control
from studio.llm.budget import Budget
from studio.llm.choice import choose_embedder
from studio.llm.prices import load
from studio.settings import EmbeddingsSettings, Settings
from studio.store.project import open_project
from studio.store.vectors import Vectors


async def main(folder: str, url: str, texts: list[str], threshold: float) -> None:
    settings = Settings(
        embeddings=EmbeddingsSettings(
            base_url=url, model="harbour-embed", api_key_env="CANARY_KEY", batch=5, concurrency=4, prefix="text: "
        )
    )
    project = open_project(Path(folder), must_write=True)
    chosen = settings.embeddings_at()
    vectors = Vectors(project.database, space_of(chosen))
    embedder = choose_embedder(settings, vectors, Budget(settings.budget), load({}))
    pairs = []
    async for event in find_neighbours(
        project.database.path,
        lambda _: enumerate(texts, start=1),
        chosen,
        threshold,
        embedder,
        Control(concurrency=chosen.concurrency),
    ):
        if isinstance(event, TextsPlanned):
            print(event.missing, flush=True)  # noqa: T201
        if isinstance(event, NeighboursFound):
            pairs += zip(event.left.tolist(), event.right.tolist(), event.score.tolist(), strict=True)
    await embedder.close()
    project.close()
    print(json.dumps(sorted(pairs)), flush=True)  # noqa: T201


if __name__ == "__main__":
    project, address, rows, cosine = sys.argv[1:]
    asyncio.run(main(project, address, json.loads(Path(rows).read_text("utf-8")), float(cosine)))
