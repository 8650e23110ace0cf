"""What stands beside the dataset files of an export: training configs, figures, the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio import __version__
from studio.alpaca import card, plots, training
from studio.alpaca.card import Account, PartFile
from studio.alpaca.llamafactory import STAGE_OF, Stage
from studio.alpaca.marks import MEDIA
from studio.curate.selecting.split import PRESETS, shares
from studio.jobs.events import Previewed
from studio.jobs.files.inspection import Inspection
from studio.jobs.files.selection import Selection
from studio.store.files.export_folder import ExportFolder

_MEANINGS = {
    "trainer-dropped": "LLaMA-Factory would drop the row.",
    "trainer-aborts": "LLaMA-Factory would stop at the row.",
    "media-file": "A media file that cannot be copied.",
}


def write(
    folder: ExportFolder,
    name: str,
    parts: Sequence[PartFile],
    selections: Sequence[Selection],
    told: Previewed,
    stages: Mapping[str, int],
    asked: Mapping[str, Any],
    inspection: Inspection,
) -> list[str]:
    """Write them for these dataset files; returns their names in the folder.

    stages: how many rows each stage of the project made or turned away. asked: the settings of the export.
    """
    written: list[str] = []

    def put(wanted: str, text: str) -> str:
        path = folder.place(wanted)
        path.write_text(text, encoding="utf-8")
        written.append(str(path.relative_to(folder.staging)))
        return written[-1]

    facts = [one.facts for one in told.types if one.facts.rows]
    configs = []
    for stage in training.stages([one.type for one in parts]):
        if text := _config(stage, parts, selections, told):
            configs.append(put(training.FILE_OF[stage], text))
    counts = {**stages, "held back": sum(told.reasons.values()), "exported": sum(one.rows for one in parts)}
    figures = {
        "Row lengths": put("figures/lengths.svg", plots.lengths(facts, told.cutoff)),
        "Rows by stage": put("figures/stages.svg", plots.stages([*counts.items()])),
    }
    account = Account(
        name=name,
        version=__version__,
        files=parts,
        facts=facts,
        # Only what a reason means in general: what is said of a row may quote it.
        held={f"{code}: {_meaning(code, inspection)}": n for code, n in told.reasons.items()},
        waiting=sum(one.waiting for one in told.types),
        settings={key: _words(value) for key, value in asked.items() if value not in ((), "", None)},
        figures=figures,
        configs=configs,
        cutoff=told.cutoff,
        estimated=told.estimated,
        note=_about_split(str(asked["split"])),
    )
    put("README.md", card.card(account))
    return written


def _config(stage: Stage, parts: Sequence[PartFile], selections: Sequence[Selection], told: Previewed) -> str:
    """The training config of a stage, "" when no row is left to train on."""
    mine = [one for one in parts if STAGE_OF[one.type] == stage]
    train = [one for one in mine if one.split == "train"]
    if not train:
        return ""
    columns = {name for one in selections if STAGE_OF[one.type] == stage and one.ids for name in one.columns}
    valid = [one for one in mine if one.part == "valid"]
    per_row = {one.facts.type: one.facts.tokens / max(1, one.facts.rows) for one in told.types}.get("pretrain", 0)
    tokens = int(per_row * train[0].rows), int(per_row * sum(one.rows for one in valid))
    return training.config(
        stage,
        [one.dataset for one in train],
        cutoff=told.cutoff,
        valid=[one.dataset for one in valid],
        test=[one.dataset for one in mine if one.part == "test"],
        media=[f"{kind}s" for kind in MEDIA if f"{kind}s" in columns],
        tokens=tokens if stage == "pt" else None,
    )


def _meaning(code: str, inspection: Inspection) -> str:
    return _MEANINGS.get(code) or inspection.table[code].meaning


def _about_split(split: str) -> str:
    if not split:
        return ""
    said = (
        "The split is exact: whole shares, then the largest remainders. Rows are drawn by the seed, near-duplicates "
        "that were found stay in one part where the counts allow it."
    )
    if shares(split) == shares(PRESETS["megatron"]):
        said += (
            " 969:30:1 is nothing magical: it is the train, validation and test split Megatron-LM takes by default "
            "(`--split 969,30,1`), known from a long-context project."
        )
    return said


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
