"""Which attempts a run of Evol-Instruct still has to make, from the settings and what the store holds."""

from __future__ import annotations

import msgspec

from studio.alpaca.rows import Sft, prompt_text
from studio.errors import StudioError
from studio.jobs.evolve import Plan, Recipe, Sampling, Task, digest, plan_attempts, prompts_digests
from studio.llm.chat import ChatModel
from studio.llm.choice import is_small
from studio.methods.templates import Profile
from studio.settings import EvolveSettings
from studio.settings import Profile as ProfileSetting
from studio.store.filters import Filter
from studio.store.rows import Rows
from studio.store.runs import Runs

METHOD = "evol-instruct"
# A model of 135M parameters wanders off at the authors' temperature of 1 and never stops by itself.
_SMALL = {
    "evolving": Sampling(temperature=0.6, top_p=0.9, max_tokens=160),
    "answering": Sampling(temperature=0.3, top_p=0.9, max_tokens=256),
    "judging": Sampling(temperature=0.0, top_p=1.0, max_tokens=4),
}


def make(settings: EvolveSettings, profile: ProfileSetting, model: ChatModel, rows: Rows, runs: Runs) -> Plan:
    """The plan of a run; the run is opened in the store, or found again. Raises StudioError without seeds."""
    recipe = _recipe(settings, profile, model)
    pool = _pool(rows)
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
                pool[root] = Task(root, stored.row.instruction, round)
    wanted = plan_attempts(settings.seed, list(pool), settings.rounds, settings.limit)
    done = {(round, root) for round, root, *_ in made}
    left = tuple(attempt for attempt in wanted if (attempt.round, attempt.root) not in done)
    return Plan(recipe, run, pool, left, len(wanted), settings.concurrency)


def _recipe(settings: EvolveSettings, profile: ProfileSetting, model: ChatModel) -> Recipe:
    chosen: Profile = ("small" if is_small(model) else "standard") if profile == "auto" else profile
    if chosen == "small":
        sampling = _SMALL
    else:
        # The judge is asked for one verdict, so it is sampled without chance.
        asked = Sampling(settings.temperature, settings.top_p, settings.max_tokens)
        sampling = {"evolving": asked, "answering": asked, "judging": Sampling(0.0, 1.0, 16)}
    return Recipe(model.model, chosen, settings.seed, **sampling, prompts=prompts_digests(chosen))


def _pool(rows: Rows) -> dict[int, Task]:
    """The seed tasks: instruction and input as one text, as the authors' code joins them."""
    seeds = rows.each(Filter(seed=True, statuses=("accepted", "pending"), type="sft"))
    return {stored.id: Task(stored.id, prompt_text(stored.row)) for stored in seeds}
