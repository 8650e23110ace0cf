"""All checks that are on: the built-in rules, the person's own, lengths, media files, less what is skipped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from studio.alpaca.checks import (
    FIELD_TYPE,
    MEDIA_RULES,
    RULES,
    UNREADABLE,
    Entry,
    Issue,
    checker,
    custom_rules,
    media_problems,
)
from studio.alpaca.checks.length import TOO_FEW_TOKENS, cutoff_rule, too_few_tokens
from studio.alpaca.lengths import Count, estimate_tokens
from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import Multimodal, Row
from studio.errors import UsageError
from studio.settings import Settings
from studio.store.files.media import Look
from studio.store.files.tokenizer import token_counter
from studio.store.rows import StoredRow


class Inspection:
    """The checks by the settings of a project; made once, used by the survey, the screens and the export.

    home: the project's folder, where a relative path of a tokenizer starts. Raises UsageError that names the setting:
    a rule that cannot be, a tokenizer that is none, a code to skip that there is not.
    """

    def __init__(self, settings: Settings, home: Path) -> None:
        chosen = settings.check
        self.cutoff: int = chosen.cutoff
        self.count: Count = (
            token_counter(home / Path(chosen.tokenizer).expanduser()) if chosen.tokenizer else estimate_tokens
        )
        built_in = (*RULES, cutoff_rule(self.cutoff, self.count))
        of_files = (UNREADABLE, FIELD_TYPE, *(rule.entry for rule in MEDIA_RULES), TOO_FEW_TOKENS)
        known = [*(rule.entry for rule in built_in), *of_files]
        custom = custom_rules(settings.rules, {entry.code for entry in known})
        self.table: dict[str, Entry] = {entry.code: entry for entry in (*known, *(rule.entry for rule in custom))}
        self.skipped: frozenset[str] = frozenset(chosen.skip)
        for code in chosen.skip:
            if code not in self.table:
                near = difflib.get_close_matches(code, self.table, n=1)
                hint = f'Did you mean "{near[0]}"?' if near else "`studio check --rules` lists them."
                raise UsageError(f'[check] skip: there is no check "{code}".', hint=hint)
        self._check = checker(rule for rule in (*built_in, *custom) if rule.code not in self.skipped)
        self._look = Look()

    @property
    def estimated(self) -> bool:
        """Whether lengths are estimates, for want of the model's own tokenizer."""
        return self.count is estimate_tokens

    def issues(self, row: Row, folder: Path) -> list[Issue]:
        """Everything to say about a row. folder: where its media paths start from."""
        found = self._check(row)
        if isinstance(row, Multimodal):
            found += [
                Issue(rule.code, rule.severity, f"{kind}s[{index}]", said)
                for kind in MEDIA
                for index, name in enumerate(getattr(row, f"{kind}s"))
                for rule, said in media_problems(self._look(name, folder, f"{kind}s"))
                if rule.code not in self.skipped
            ]
        return found

    def issues_of(self, stored: StoredRow, folder: Path) -> list[Issue]:
        """Everything to say about a row of a project; what a person let pass carries their reason.

        That a seed task has no answer yet is no issue: it is there to be evolved.
        """
        found = self.issues(stored.row, folder)
        if stored.seed:
            found = [issue for issue in found if issue.code != "empty-output"]
        if stored.waived:
            return [issue._replace(waived=stored.waived.get(issue.code, "")) for issue in found]
        return found

    def faults_of(self, stored: StoredRow, folder: Path) -> list[Issue]:
        """The errors that nobody let pass: what holds a row back from an export."""
        return [issue for issue in self.issues_of(stored, folder) if issue.severity == "error" and not issue.waived]

    def issues_of_set(self, pretrain: Iterable[Row]) -> list[Issue]:
        """What is wrong with the pretrain rows as a whole; they are read only as far as it takes to know."""
        if TOO_FEW_TOKENS.code in self.skipped:
            return []
        issue = too_few_tokens(pretrain, self.cutoff, self.count)
        return [issue] if issue else []
