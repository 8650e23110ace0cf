"""Settings: what a person can choose. Where it is written is in `settings_sources`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from studio.errors import UsageError

Profile = Literal["auto", "standard", "small"]
Operation = Literal[
    "add_constraints", "deepening", "concretizing", "increase_reasoning", "complicate_input", "in_breadth"
]
"""The six operations of Evol-Instruct."""
Strategy = Literal["head", "middle", "tail", "edges", "balanced", "shuffle", "inverse", "original"]
"""Where gold segments go; see `curate.placing.placement`."""
Question = Literal["as-is", "before", "after", "both"]
"""Where the question stands to the segments (query-aware contextualisation, arXiv 2307.03172)."""
DedupMethod = Literal["exact", "overlap", "rouge-l", "minhash", "semantic"]
"""How rows are compared, see `curate.duplicates.finding`."""
DedupField = Literal["prompt", "instruction", "output", "row"]
"""What of a row is compared, see `curate.duplicates.compared`."""
KeepRule = Literal["first", "longest", "newest", "best-score", "human-first", "most-complete"]
"""Which row of a cluster stays, see `curate.duplicates.representatives`."""
Role = Literal["teacher", "answerer", "judge"]
ProbeTask = Literal["kv", "documents"]
"""The two tasks of Lost in the Middle: a value by its key, a question to documents."""
_Kind = TypeVar("_Kind")
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class ProjectSettings(msgspec.Struct, frozen=True):
    """[project]"""

    name: str = ""


class ModelSettings(msgspec.Struct, frozen=True):
    """[model]: where answers come from. An empty base_url means the embedded model.

    An empty api_key_env means the usual variable of a well-known endpoint, and no key for any other: so a
    key never goes to an endpoint it was not made for. endpoints: more base_urls that serve the same model. rpm and tpm:
    requests and tokens a minute that each endpoint takes, 0 for no limit. first_token, silence and total: seconds of
    patience, see `llm.openai_chat.Timeouts`. thinking: what becomes of a model's thoughts.
    """

    base_url: str = ""
    model: str = ""
    api_key_env: str = ""
    endpoints: tuple[str, ...] = ()
    profile: Profile = "auto"
    rpm: Count = 0
    tpm: Count = 0
    first_token: Seconds = 120.0
    silence: Seconds = 60.0
    total: Seconds = 600.0
    thinking: Literal["drop", "keep", "attach"] = "drop"


class RoleSettings(msgspec.Struct, frozen=True):
    """[answerer] and [judge]: a model for that step only. What is empty is as in [model]."""

    base_url: str = ""
    model: str = ""
    api_key_env: str = ""
    endpoints: tuple[str, ...] = ()
    profile: Profile = "auto"
    rpm: Count = 0
    tpm: Count = 0


class EmbeddingsSettings(msgspec.Struct, frozen=True):
    """[embeddings]: the vectors of texts that a search for semantic neighbours goes by. See `Settings.embeddings_at`.

    dimensions: of a vector, 0: the model's own. prefix: what the model wants before each text. cutoff: tokens of a
    text, by estimate and with the prefix; what is longer loses its end. batch: texts in a request, at most.
    concurrency: requests at once. rpm and tpm: requests and tokens a minute that the endpoint takes, 0 for no limit.
    """

    base_url: str = ""
    model: str = ""
    api_key_env: str = ""
    dimensions: Count = 0
    prefix: str = ""
    cutoff: Positive = 6000
    batch: Annotated[int, msgspec.Meta(ge=1, le=2048)] = 64
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    rpm: Count = 0
    tpm: Count = 0


class BudgetSettings(msgspec.Struct, frozen=True):
    """[budget]: where a run ends, 0 for no such cap. usd, tokens of prompts and answers, requests, minutes."""

    usd: Amount = 0.0
    tokens: Count = 0
    requests: Count = 0
    minutes: Amount = 0.0


class PriceSettings(msgspec.Struct, frozen=True):
    """[prices."MODEL"]: USD for a million tokens. cached: of a prompt the endpoint had at hand; None: as input."""

    input: Amount
    output: Amount
    cached: Amount | None = None
    noted: str = ""


class EvolveSettings(msgspec.Struct, frozen=True):
    """[evolve]: Evol-Instruct (arXiv 2304.12244). temperature and top_p as in the authors' code.

    limit: evolutions in all, target: rows that are not eliminated; 0: no limit. operations: those to draw from (none:
    all six); weights: how often each is drawn, 1 where it is not named. language: only seed tasks in it. prompts: a
    folder of prompt files of the person's own. short_answer: words below which an apology eliminates.
    """

    rounds: Positive = 4
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 4
    limit: Count = 0
    target: Count = 0
    operations: tuple[Operation, ...] = ()
    weights: dict[Operation, Amount] = {}
    language: Literal["all", "en", "zh"] = "all"
    prompts: str = ""
    short_answer: Count = 80
    seed: int = 42
    temperature: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    top_p: Share = 0.95
    max_tokens: Positive = 2048


class SelfInstructSettings(msgspec.Struct, frozen=True):
    """[self_instruct]: Self-Instruct (arXiv 2212.10560), or its Alpaca variant with whole tasks in one request.

    target: instructions with an instance to be made in all, limit: requests for instructions, 0: no limit. batch: how
    many of these see the same task pool. threshold: of ROUGE-L. blacklist: words that drop an instruction besides the
    method's own, allowed: of those, words that do not. language: of the seed tasks shown and of what is made; auto:
    that of most seed tasks. prompts: a folder of prompt files of the person's own. thinking_room: tokens of each answer
    on top of the paper's, for models that think first. temperature, top_p, max_tokens and presence_penalty: of the
    requests for instructions; None: as in the paper.
    """

    variant: Literal["paper", "alpaca"] = "paper"
    target: Positive = 100
    limit: Count = 0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 4
    batch: Positive = 5
    threshold: Share = 0.7
    blacklist: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    language: Literal["auto", "en", "zh"] = "auto"
    prompts: str = ""
    seed: int = 42
    thinking_room: Count = 0
    temperature: Amount | None = None
    top_p: Share | None = None
    max_tokens: Positive | None = None
    presence_penalty: float | None = None


class ProbeSettings(msgspec.Struct, frozen=True):
    """[probe]: what the position probe asks (Lost in the Middle, arXiv 2307.03172).

    keys: pairs of the kv task, 0 for as many as suit the model (75, the paper's smallest number; 25 for a small one).
    documents: of the other task. positions: of the answer, evenly from head to tail. samples: questions at each.
    prompts: a folder of prompt files of the person's own. context: tokens that prompt and answer may have together,
    0 where it is not known. thinking_room: tokens of each answer on top of the paper's, for models that think first.
    """

    task: ProbeTask = "kv"
    keys: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    documents: Annotated[int, msgspec.Meta(ge=3, le=500)] = 10
    positions: Annotated[int, msgspec.Meta(ge=3, le=100)] = 5
    samples: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20
    language: Literal["en", "zh"] = "en"
    seed: int = 42
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 4
    prompts: str = ""
    context: Count = 0
    thinking_room: Count = 0


class DedupSettings(msgspec.Struct, frozen=True):
    """[dedup]: what is compared, how (`curate.duplicates.finding`), from which score on rows are duplicates, who stays.

    threshold: 0 for the method's own: overlap and minhash 0.75, rouge-l 0.7 (arXiv 2212.10560), semantic 0.9.
    """

    method: DedupMethod = "overlap"
    field: DedupField = "prompt"
    threshold: Share = 0.0
    keep: KeepRule = "first"

    @property
    def limit(self) -> float:
        """The threshold that holds."""
        own: dict[DedupMethod, float] = {
            "exact": 1.0, "overlap": 0.75, "minhash": 0.75, "rouge-l": 0.7, "semantic": 0.9
        }  # fmt: skip
        return self.threshold or own[self.method]


class PositionSettings(msgspec.Struct, frozen=True):
    """[position]: how gold segments are found and spread.

    sure: a gold segment with less confidence waits for a look. pattern: a regular expression that tells segments.
    weights: ten numbers, how often `inverse` wants gold in each tenth of the context; (): as the newest probe
    says. variants: rows made of each row besides it. distractors: segments from other rows put into each. concurrency:
    requests to the judge in flight. prompts: a folder with prompt files of the person's own.
    """

    strategy: Strategy = "balanced"
    seed: int = 42
    sure: Share = 0.6
    pattern: str = ""
    weights: tuple[Amount, ...] = ()
    variants: Count = 0
    distractors: Count = 0
    question: Question = "as-is"
    locate_first: bool = False
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 4
    prompts: str = ""


class CheckSettings(msgspec.Struct, frozen=True):
    """[check]: the trainer's cutoff_len in tokens, a tokenizer.json to count them, codes that are not checked."""

    cutoff: Positive = 2048
    tokenizer: str = ""
    skip: tuple[str, ...] = ()


class RuleSettings(msgspec.Struct, frozen=True):
    """[rules.NAME]: a check of the person's own, by a regular expression over fields (none: all of them)."""

    pattern: str
    fields: tuple[str, ...] = ()
    severity: Literal["error", "warning"] = "warning"
    message: str = ""


class ExportSettings(msgspec.Struct, frozen=True):
    """[export], and [exports.NAME] over it. Filters that are empty let everything through.

    types: dataset types. format: what the trainer calls formatting. file: "auto" is JSON Lines for pretrain, JSON else.
    methods: how rows came about, see `store.filters.Filter`. split: parts such as "8:1:1", "" for one file.
    """

    out: str = "export"
    statuses: tuple[Literal["accepted", "pending"], ...] = ("accepted", "pending")
    types: tuple[Literal["pretrain", "sft", "preference", "multimodal", "kto"], ...] = ()
    format: Literal["alpaca", "sharegpt", "openai"] = "alpaca"
    file: Literal["auto", "json", "jsonl", "parquet"] = "auto"
    tags: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    min_score: float | None = None
    split: str = ""
    seed: int = 42


class ScreenSettings(msgspec.Struct, frozen=True):
    """[screen]"""

    theme: str = ""
    mouse: bool = False
    color: Literal["auto", "truecolor", "256", "16", "none"] = "auto"


NAMED = {"rules": RuleSettings, "exports": ExportSettings, "prices": PriceSettings}
"""Sections of any number of named tables."""


class Settings(msgspec.Struct, frozen=True):
    """Every setting, section by section."""

    project: ProjectSettings = ProjectSettings()
    model: ModelSettings = ModelSettings()
    answerer: RoleSettings = RoleSettings()
    judge: RoleSettings = RoleSettings()
    embeddings: EmbeddingsSettings = EmbeddingsSettings()
    budget: BudgetSettings = BudgetSettings()
    prices: dict[str, PriceSettings] = {}
    evolve: EvolveSettings = EvolveSettings()
    self_instruct: SelfInstructSettings = SelfInstructSettings()
    probe: ProbeSettings = ProbeSettings()
    dedup: DedupSettings = DedupSettings()
    position: PositionSettings = PositionSettings()
    check: CheckSettings = CheckSettings()
    rules: dict[str, RuleSettings] = {}
    export: ExportSettings = ExportSettings()
    exports: dict[str, dict[str, Any]] = {}
    screen: ScreenSettings = ScreenSettings()
    keys: dict[str, str] = {}

    def model_for(self, role: Role) -> ModelSettings:
        """[model] for the teacher; for another role, what its section says over [model].

        Another base_url brings its own key, endpoints and limits, another model its own limits: those of the teacher
        are not theirs. Raises UsageError when a base_url comes without a model.
        """
        if role == "teacher":
            return self.model
        given: RoleSettings = getattr(self, role)
        said = {name: value for name, value in msgspec.structs.asdict(given).items() if value not in ("", (), 0)}
        if given.base_url and not given.model:
            raise UsageError(f"Which model of {given.base_url} is the {role}?", hint=f"Add model to [{role}].")
        if given.model and not (given.base_url or self.model.base_url):
            raise UsageError(f"Where is the {role} {given.model}?", hint=f"Add base_url to [{role}].")
        elsewhere = bool(given.base_url) and given.base_url != self.model.base_url
        own: dict[str, Any] = {"api_key_env": "", "endpoints": ()} if elsewhere else {}
        if elsewhere or given.model not in ("", self.model.model):
            own |= {"rpm": 0, "tpm": 0}
        elif given.profile == "auto":
            said.pop("profile")
        return msgspec.structs.replace(self.model, **(own | said))

    def embeddings_at(self) -> EmbeddingsSettings:
        """[embeddings] with its endpoint: that of [model], with its key, unless it names another.

        Raises UsageError when it names no model, or there is no endpoint.
        """
        given = self.embeddings
        if not given.model:
            raise UsageError(
                "No model for embeddings is named.",
                hint="Write model, and base_url unless [model] has it, into [embeddings] of studio.toml.",
            )
        base_url = given.base_url or self.model.base_url
        if not base_url:
            raise UsageError(f"Where is the embedding model {given.model}?", hint="Add base_url to [embeddings].")
        shared = self.model.api_key_env if base_url == self.model.base_url else ""
        return msgspec.structs.replace(given, base_url=base_url, api_key_env=given.api_key_env or shared)

    def export_named(self, name: str) -> ExportSettings:
        """The export of that name: [exports.NAME] over [export]. Raises UsageError for a name that is not there."""
        if name not in self.exports:
            hint = nearest(name, self.exports) if self.exports else f"Write [exports.{name}] into studio.toml."
            raise UsageError(f"There is no export called {name!r}.", hint=hint)
        return converted({**msgspec.structs.asdict(self.export), **self.exports[name]}, ExportSettings)


def converted(values: Mapping[str, Any], kind: type[_Kind]) -> _Kind:
    """The values as a section, texts as numbers where it has numbers. Raises UsageError."""
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"A setting has a wrong value: {error}.", hint="See the comments in studio.toml.") from None


def nearest(name: str, known: Any) -> str:
    """What a wrong name may have meant."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
