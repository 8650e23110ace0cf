"""Prompt files: TOML in `studio/methods/prompts`, one for each method and language, with a table for each profile.

evol_instruct.en.toml      one method and language
+-- standard               for capable models
+-- small                  for models of some hundred million parameters: worked examples as turns
    -> PromptSet           one language and profile, templates by name
       -> Template         messages(instruction=...) -> chat messages

A person's own file of the same name holds any of its tables, each in place of the shipped one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Generic, TypeVar, get_args

import msgspec

from studio.errors import StudioError
from studio.methods.templates import Language, Profile, PromptSet, Template

Content = TypeVar("Content")


class PromptFiles(Generic[Content]):
    """The prompt files of one method.

    name: what they are called by. content: what a file holds, as a msgspec type. read: the templates in it, by profile
    and name; raises ValueError for what cannot be. fields: what each template must have open; optional: what it may.
    package: where the shipped files lie.
    """

    def __init__(
        self,
        name: str,
        content: type[Content],
        read: Callable[[Content], Mapping[Profile, Mapping[str, Template]]],
        fields: Mapping[str, frozenset[str]],
        optional: Mapping[str, str] | None = None,
        package: str = "studio.methods.prompts",
    ) -> None:
        self._name, self._content, self._read, self._package = name, content, read, package
        self._fields, self._optional = fields, optional or {}
        self._shipped: dict[Language, dict[Profile, PromptSet]] = {}

    def file_name(self, language: Language) -> str:
        """How a file with these prompts is called, the shipped one and a person's own."""
        return f"{self._name}.{language}.toml"

    def load(self, language: Language, profile: Profile) -> PromptSet:
        """The prompts that ship with the studio, read once a process."""
        if language not in self._shipped:
            self._shipped[language] = self.parse(self._text(language), self.file_name(language), language)
        return self._shipped[language][profile]

    def own(self, text: str, source: str, language: Language, profile: Profile) -> PromptSet:
        """The shipped prompts with what a person's own file changes. Raises StudioError as parse does."""
        return self.parse(text, source, language, base=self._text(language))[profile]

    def parse(self, text: str, source: str, language: Language, base: str = "") -> dict[Profile, PromptSet]:
        """Both profiles of one prompt file. source: the file's name, for errors. base: the text of a whole file that
        this one changes, each of its tables taking the place of the one with the same name.

        Raises StudioError naming the file and the key when the TOML is broken, a key is missing, unknown or of the
        wrong type, or a prompt lacks a field it must have or has one that nobody fills.
        """
        try:
            merged = _merged(msgspec.toml.decode(base), msgspec.toml.decode(text))
            profiles = self._read(msgspec.convert(merged, self._content))
            for profile, templates in profiles.items():
                for name, template in templates.items():
                    may = {self._optional.get(name)}
                    check_fields(template.fields - may, self._fields[name], f"{profile}.{name}.prompt")
        except (msgspec.DecodeError, ValueError) as error:
            raise StudioError(
                f"The prompt file {source} cannot be used: {error}.",
                title="Prompt file",
                hint="Mend it; the shipped files show how. Take your own file away to use those.",
            ) from error
        return {profile: PromptSet(language, profile, templates) for profile, templates in profiles.items()}

    def _text(self, language: Language) -> str:
        return files(self._package).joinpath(self.file_name(language)).read_text("utf-8")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template as a file writes it: most have neither a system text nor examples."""

    prompt: str
    system: str = ""
    examples: tuple[tuple[str, str], ...] = ()

    @property
    def template(self) -> Template:
        return Template(self.system, self.examples, self.prompt)


def plain(
    name: str,
    fields: Mapping[str, frozenset[str]],
    optional: Mapping[str, str] | None = None,
    package: str = "studio.methods.prompts",
) -> PromptFiles[Any]:
    """Prompt files with a template by name in both profiles: `[standard.NAME]` and `[small.NAME]`.

    fields: what each template must have open; optional: what it may. package: where NAME.en.toml and NAME.zh.toml lie.
    """
    profile = msgspec.defstruct("Profile", [(one, _Part) for one in fields], frozen=True, forbid_unknown_fields=True)
    content = msgspec.defstruct(
        "PromptFile", [(one, profile) for one in get_args(Profile)], frozen=True, forbid_unknown_fields=True
    )

    def read(found: Any) -> dict[Profile, dict[str, Template]]:
        return {
            kind: {one: getattr(getattr(found, kind), one).template for one in fields} for kind in get_args(Profile)
        }

    return PromptFiles(name, content, read, fields, optional, package)


def check_fields(found: frozenset[str | None], expected: frozenset[str], key: str) -> None:
    """Raises ValueError that names the key when a prompt has other fields than it must."""
    if found != expected:
        raise ValueError(f"`{key}` needs the fields {sorted(expected)} and has {sorted(map(str, found))}")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """base with each table of a profile that changes has in its place."""
    merged = dict(base)
    for profile, tables in changes.items():
        both = isinstance(tables, dict) and isinstance(base.get(profile), dict)
        merged[profile] = {**base[profile], **tables} if both else tables
    return merged
