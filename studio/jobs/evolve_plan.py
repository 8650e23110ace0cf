"""Which attempts a run of Evol-Instruct still has to make, from the settings and what the store holds."""

from __future__ import annotations

import msgspec

from studio.alpaca.rows import Sft, prompt_text
from studio.errors import StudioError
from studio.jobs.evolve import Plan, Recipe, Sampling, Task, digest, plan_attempts, prompts_digests
from studio.llm.chat import ChatModel
from studio.llm.choice import is_small
from studio.methods.templates import Language, Profile
from studio.settings import EvolveSettings
from studio.settings import Profile as ProfileSetting
from studio.store.filters import Filter
from studio.store.rows import Rows
from studio.store.runs import Runs

METHOD = "evol-instruct"
# A model of 135M parameters wanders off at the authors' temperature of 1 and never stops by itself.
_SMALL_EVOLVING: dict[Language, Sampling] = {
    "en": Sampling(temperature=0.7, top_p=0.95, max_tokens=120),
    "zh": Sampling(temperature=0.2, top_p=0.95, max_tokens=120),
}
_SMALL_ANSWERING = Sampling(temperature=0.2, top_p=0.95, max_tokens=200)
_JUDGING = Sampling(temperature=0.0, top_p=1.0, max_tokens=24)


def make(settings: EvolveSettings, profile: ProfileSetting, model: ChatModel, rows: Rows, runs: Runs) -> Plan:
    """The plan of a run; the run is opened in the store, or found again. Raises StudioError without seeds."""
    recipe = _recipe(settings, profile, model)
    pool = _pool(rows, recipe.profile)
    if not pool:
        raise StudioError(
            "The task pool is empty: no row is a seed task.",
            title="Nothing to evolve",
            hint="Import seeds (studio import DIR FILE --seed), or mark rows as seeds in Seeds.",
        )
    run = runs.open(METHOD, digest(recipe), msgspec.json.encode(recipe).decode())
    made = rows.attempts(run)
    for round, root, row_id, _parent, status in made:
        if status != "rejected" and root in pool and round > pool[root].round:
            stored = rows.get(row_id)
            if stored is not None and isinstance(stored.row, Sft):
                pool[root] = Task(root, stored.row.instruction, stored.row.input, round)
    wanted = plan_attempts(settings.seed, list(pool), settings.rounds, settings.limit)
    done = {(round, root) for round, root, *_ in made}
    left = tuple(attempt for attempt in wanted if (attempt.round, attempt.root) not in done)
    return Plan(recipe, run, pool, left, len(wanted), settings.concurrency)


def _recipe(settings: EvolveSettings, profile: ProfileSetting, model: ChatModel) -> Recipe:
    chosen: Profile = ("small" if is_small(model) else "standard") if profile == "auto" else profile
    asked = Sampling(settings.temperature, settings.top_p, settings.max_tokens)
    small = chosen == "small"
    return Recipe(
        model=model.model,
        profile=chosen,
        seed=settings.seed,
        evolving=_SMALL_EVOLVING if small else {"en": asked, "zh": asked},
        answering=_SMALL_ANSWERING if small else asked,
        # One verdict is asked for, so it is sampled without chance.
        judging=_JUDGING,
        prompts=prompts_digests(chosen),
    )


def _pool(rows: Rows, profile: Profile) -> dict[int, Task]:
    """The seed tasks: instruction and input as one text, as the authors' code joins them.

    A small model drops or answers an input that it is shown, so there only the instruction evolves.
    """
    pool: dict[int, Task] = {}
    for stored in rows.each(Filter(seed=True, statuses=("accepted", "pending"), type="sft")):
        if profile == "small" and isinstance(stored.row, Sft) and stored.row.instruction.strip():
            pool[stored.id] = Task(stored.id, stored.row.instruction, stored.row.input)
        else:
            pool[stored.id] = Task(stored.id, prompt_text(stored.row))
    return pool
