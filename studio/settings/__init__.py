"""What a person can choose, each setting declared once.

Each section has a Struct, whose fields say what a setting is, between which bounds, and what it means; the table of
sections is `whole.Settings`. The commented studio.toml (`commented`), the options of the commands (`cli.options`) and
the forms (`lines`) derive from what `declared` reads there. Where settings are written is in `sources`.
"""

from studio.settings.budget import BudgetSettings, PriceSettings
from studio.settings.checks import CheckSettings, RuleSettings
from studio.settings.dedup import DedupField, DedupMethod, DedupSettings, KeepRule
from studio.settings.evolve import EvolveSettings, Operation
from studio.settings.exports import ExportSettings
from studio.settings.models import EmbeddingsSettings, ModelSettings, Profile, Role, RoleSettings
from studio.settings.position import PositionSettings, Question, Strategy
from studio.settings.probe import ProbeSettings, ProbeTask
from studio.settings.screen import ProjectSettings, ScreenSettings
from studio.settings.self_instruct import SelfInstructSettings
from studio.settings.whole import Settings, with_sections

__all__ = [
    "BudgetSettings", "CheckSettings", "DedupField", "DedupMethod", "DedupSettings", "EmbeddingsSettings",
    "EvolveSettings", "ExportSettings", "KeepRule", "ModelSettings", "Operation", "PositionSettings",
    "PriceSettings", "ProbeSettings", "ProbeTask", "Profile", "ProjectSettings", "Question", "Role", "RoleSettings",
    "RuleSettings", "ScreenSettings", "SelfInstructSettings", "Settings", "Strategy", "with_sections",
]  # fmt: skip
