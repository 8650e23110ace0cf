"""The way in: a folder opens the screens, a subcommand runs headless."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from studio.cli.main import PROBLEMS, WRONG_USE, Opening, cli
from studio.cli.output import tell
from studio.errors import StudioError, UsageError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studio with these arguments (sys.argv by default) and exit."""
    raise SystemExit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """The exit code: 0 done, 1 found problems, 2 wrong use, 130 stopped by the person."""
    try:
        outcome = cli.main(_named(arguments), prog_name="studio", standalone_mode=False)
        if isinstance(outcome, Opening):
            return _open(outcome)
        return outcome if isinstance(outcome, int) else 0
    except click.ClickException as error:
        error.show()
        return WRONG_USE
    except StudioError as error:
        tell(f"{error.title}: {error.message}")
        if error.hint:
            tell(error.hint)
        return WRONG_USE if isinstance(error, UsageError) else PROBLEMS
    except (click.Abort, KeyboardInterrupt):
        tell("Stopped. What was answered and decided by then is kept.")
        return INTERRUPTED
    except OSError as error:
        tell(f"The system refused: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}.")
        tell("What was decided by then is kept.")
        return PROBLEMS


def _named(arguments: list[str]) -> list[str]:
    """`studio DIR ...` means `studio open DIR ...`; a mistyped command does not become a folder."""
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first is None or first in cli.names:
        return arguments
    if not Path(first).exists() and "/" not in first:
        near = difflib.get_close_matches(first, cli.names, n=1, cutoff=0.75)
        if near:
            raise UsageError(f"There is no command or folder {first!r}.", hint=f"Did you mean: studio {near[0]}?")
    return ["open", *arguments]


def _open(opening: Opening) -> int:
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("The screens need a terminal.", hint="The subcommands work without one: studio --help")
    from studio.tui.launch import launch

    return launch(opening.folder, opening.flags, read_only=opening.read_only, greeting=opening.greeting)


if __name__ == "__main__":
    main()
