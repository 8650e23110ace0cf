"""Every setting, section by section."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from studio.errors import UsageError
from studio.settings.budget import BudgetSettings, PriceSettings
from studio.settings.checks import CheckSettings, RuleSettings
from studio.settings.dedup import DedupSettings
from studio.settings.evolve import EvolveSettings
from studio.settings.exports import ExportSettings
from studio.settings.models import EmbeddingsSettings, ModelSettings, Role, RoleSettings
from studio.settings.position import PositionSettings
from studio.settings.probe import ProbeSettings
from studio.settings.screen import ProjectSettings, ScreenSettings
from studio.settings.self_instruct import SelfInstructSettings

_Kind = TypeVar("_Kind")


class Settings(Struct, frozen=True):
    """The table of sections: a line for each, its name and the Struct that declares its settings.

    A dict is a section of any number of named tables. Sections of further methods come by `with_sections`.
    """

    project: ProjectSettings = ProjectSettings()
    model: Annotated[
        ModelSettings,
        Meta(
            description="Where answers come from. "
            "Without base_url the small embedded model answers: no key, no network."
        ),
    ] = ModelSettings()
    answerer: Annotated[
        RoleSettings, Meta(description="A model of its own for answers; what is empty is as in [model].")
    ] = RoleSettings()
    judge: Annotated[
        RoleSettings, Meta(description="A model of its own for judging; what is empty is as in [model].")
    ] = RoleSettings()
    embeddings: Annotated[
        EmbeddingsSettings,
        Meta(
            description="Where vectors of texts come from, for rows that say the same in other words. "
            "Each text is paid for once."
        ),
    ] = EmbeddingsSettings()
    budget: Annotated[
        BudgetSettings,
        Meta(
            description="A run ends at the first of these, and says so; 0: no such cap. Replayed answers cost nothing."
        ),
    ] = BudgetSettings()
    prices: Annotated[
        dict[str, PriceSettings],
        Meta(
            description="A price of your own, USD for a million tokens (prices change: look at your provider's page), "
            "for example:",
            examples=[{'"my-model"': {"input": 0.5, "output": 1.5, "cached": 0.1}}],
        ),
    ] = {}
    evolve: EvolveSettings = EvolveSettings()
    self_instruct: SelfInstructSettings = SelfInstructSettings()
    probe: ProbeSettings = ProbeSettings()
    dedup: DedupSettings = DedupSettings()
    position: PositionSettings = PositionSettings()
    check: CheckSettings = CheckSettings()
    rules: Annotated[
        dict[str, RuleSettings],
        Meta(
            description="A check of your own, for example:",
            examples=[
                {
                    "no-todo": {
                        "pattern": "TODO|待办",
                        "fields": ["output", "chosen"],
                        "severity": "warning",
                        "message": "left to do",
                    }
                }
            ],
        ),
    ] = {}
    export: ExportSettings = ExportSettings()
    exports: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            description="An export with a name, here for studio export DIR --name chat. "
            "What it does not say, [export] says.",
            examples=[{"chat": {"out": "export-chat", "types": ["sft"], "format": "openai"}}],
            extra={"of": ExportSettings},
        ),
    ] = {}
    screen: ScreenSettings = ScreenSettings()
    keys: Annotated[
        dict[str, str],
        Meta(description='Your own keys: "command" = "key", with the names that ? shows.', examples=[{"accept": "y"}]),
    ] = {}

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that have a section of their own."""
        return tuple(name for name in self.__struct_fields__ if isinstance(getattr(self, name), RoleSettings))

    def model_for(self, role: Role) -> ModelSettings:
        """[model] for the teacher; for another role, what its section says over [model].

        Another base_url brings its own key, endpoints and limits, another model its own limits: those of the teacher
        are not theirs. Raises UsageError when a base_url comes without a model.
        """
        given = getattr(self, role, None)
        if not isinstance(given, RoleSettings):
            return self.model
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


def with_sections(more: Mapping[str, type[Struct]]) -> type[Settings]:
    """Settings with further sections, by name: those of methods that an installed package brings."""
    fields = [(name, kind, kind()) for name, kind in more.items()]
    whole = msgspec.defstruct("Settings", fields, bases=(Settings,), frozen=True)
    assert issubclass(whole, Settings)
    return whole


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
